"""Where the versions of a project are kept: DVC's own setting is the truth, here it is read, checked and written."""

import json
import os
import re
import uuid
from configparser import ConfigParser
from configparser import Error as SettingsError
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import InputError, TransientError
from tasks.storage.atomic import write_whole
from tasks.storage.objects import ObjectStore, StoreAddress, check_address, masked, open_store
from tasks.storage.project import Project

REMOTE = "store"
DEFAULT_FOLDER = "store"
MARKER = "project.json"
PROBE_BYTES = 64
SECTION = re.compile(r"\s*\[\s*(.*?)\s*\]\s*(?:[#;].*)?")


@dataclass(frozen=True)
class RemoteSet:
    """What `set_remote` found and did.

    created: the bucket or folder was made. known: the project had used this place before. versions: what it holds.
    """

    address: StoreAddress
    created: bool
    known: bool
    versions: tuple[str, ...]

    @property
    def line(self) -> str:
        at = f" at {self.address.endpoint}" if self.address.endpoint else ""
        state = "made" if self.created else "found"
        count = f"{len(self.versions)} version{'s' if len(self.versions) != 1 else ''}"
        held = f"holds {count} of this project" if self.known else "ready for the first version"
        return f"{self.address.url}{at}: {state}, written, read and cleared a probe; {held}"


def read_remote(project: Project) -> StoreAddress:
    """The store of a project as DVC has it, or the folder `store` in the project when none was set.

    Raises InputError for settings that cannot be read, or a store that is neither S3 nor a folder.
    """
    config = read_settings(project)
    name = config.get("core", "remote", fallback="")
    if not name:
        return StoreAddress(str(project.root / DEFAULT_FOLDER))
    section = f"'remote \"{name}\"'"
    url = _value(config, section, "url")
    if not url:
        raise InputError(f"{project.settings}: the remote {name!r} has no address", "set it with `framewords remote`")
    if "://" not in url:
        url = os.path.normpath(project.settings.parent / url)  # DVC reads it relative to its settings
    address = StoreAddress(url, *(_value(config, section, key) for key in ("endpointurl", "profile", "region")))
    check_address(address)
    return address


def read_settings(project: Project) -> ConfigParser:
    """DVC's settings of a project, those of this machine over those in git. Raises InputError when they are no settings."""
    config = ConfigParser(interpolation=None, strict=False)
    try:
        config.read([project.settings, project.settings.with_name("config.local")], encoding="utf-8")
    except (SettingsError, UnicodeDecodeError) as error:
        raise InputError(f"{project.settings}: cannot be read ({type(error).__name__})", "restore it with git") from error
    return config


def set_remote(
    project: Project, url: str, *, endpoint: str = "", profile: str = "", region: str = "", create: bool = False,
) -> RemoteSet:
    """Check a place, claim it for this project and make it DVC's remote. Nothing is written here when a check fails.

    url: `s3://bucket/prefix`, or a folder.
    Raises InputError for what cannot be used, is absent without `create`, refuses us or belongs to another project;
    TransientError when it does not answer.
    """
    folder = "" if "://" in url or not url.strip() else str(Path(url).expanduser().resolve())
    address = StoreAddress(folder or url, endpoint, profile, region)
    store = open_store(address)
    if not address.is_s3 and Path(address.url) == project.root / DEFAULT_FOLDER:
        create = True
    created = store.prepare(create=create)
    owner = read_owner(store)
    identity = project_identity(project)
    if owner and owner != identity:
        raise InputError(f"{masked(url)}: holds another project ({owner})", "choose another prefix: one for each project")
    _probe(store)
    if not identity:
        identity = uuid.uuid4().hex
        write_whole(_identity_file(project), json.dumps({"project": identity}).encode() + b"\n")
    if not owner:
        store.put_bytes(json.dumps({"project": identity}).encode() + b"\n", MARKER, only_new=True)
        if read_owner(store) != identity:
            raise InputError(f"{masked(url)}: another project has just taken it", "choose another prefix")
    _write_settings(project, address)
    versions = sorted({key.split("/")[1] for key, _ in store.keys("versions/")})
    return RemoteSet(address, created, bool(owner), tuple(versions))


def dvc_environment(address: StoreAddress) -> dict[str, str]:
    """What DVC needs in its environment to speak to this store: servers other than Amazon's refuse the newest checksums."""
    if not address.endpoint:
        return {}
    return {"AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required"}


def project_identity(project: Project) -> str:
    """The name of this project among all, the same in every clone; empty before it has had a store."""
    path = _identity_file(project)
    return _identity(path.read_bytes(), str(path)) if path.is_file() else ""


def read_owner(store: ObjectStore) -> str:
    """The project that has claimed a store, empty when none has. Raises InputError for a claim that cannot be read."""
    marker = store.get_bytes(MARKER)
    return "" if marker is None else _identity(marker, f"{store.address.url}/{MARKER}")


def _identity(content: bytes, name: str) -> str:
    try:
        identity = json.loads(content)["project"]
    except (ValueError, KeyError, TypeError, RecursionError):
        identity = None
    if not isinstance(identity, str) or not re.fullmatch(r"[0-9a-f]{32}", identity):
        raise InputError(f"{name}: names no project", "restore it, or choose another prefix")
    return identity


def _identity_file(project: Project) -> Path:
    """In git, so that every clone of a project is that project."""
    return project.data.root / MARKER


def _probe(store: ObjectStore) -> None:
    """Prove that objects can be written, read and removed. Raises as ObjectStore, TransientError for other bytes."""
    key, content = f"exchange/probe-{uuid.uuid4().hex}", os.urandom(PROBE_BYTES)
    store.put_bytes(content, key)
    try:
        found = store.get_bytes(key)
    finally:
        store.delete(key)
    if found != content or store.size(key) is not None:
        raise TransientError(f"{store.address.url}: does not give back what was written to it", "check the server")


def _write_settings(project: Project, address: StoreAddress) -> None:
    """Make a store DVC's default remote, in one step. The other sections and comments stay as they are."""
    url = address.url
    if not address.is_s3 and Path(url).is_relative_to(project.root):
        url = os.path.relpath(url, project.settings.parent)  # so that it is right in every clone
    values = {"url": url, "endpointurl": address.endpoint, "profile": address.profile, "region": address.region, "verify": "true"}
    section = [f"['remote \"{REMOTE}\"']", *(f"    {key} = {value}" for key, value in values.items() if value)]
    kept = _without(project.settings.read_text(encoding="utf-8").splitlines(), f"'remote \"{REMOTE}\"'")
    core = [f"    remote = {REMOTE}"]
    if "core" in [_section(line) for line in kept]:
        at = [_section(line) for line in kept].index("core") + 1
        end = next((at + more for more, line in enumerate(kept[at:]) if _section(line) is not None), len(kept))
        rest = [line for line in kept[at:end] if not re.match(r"\s*remote\s*=", line)]
        kept[at:end] = core + rest
    else:
        kept = ["[core]", *core, *kept]
    write_whole(project.settings, "\n".join([*kept, *section, ""]).encode())


def _without(lines: list[str], section: str) -> list[str]:
    """The lines of a settings file but for one section."""
    kept, skipping = [], False
    for line in lines:
        name = _section(line)
        if name is not None:
            skipping = name == section
        if not skipping:
            kept.append(line)
    return kept


def _section(line: str) -> str | None:
    """The section that a line begins, or None."""
    match = SECTION.fullmatch(line)
    return match[1] if match else None


def _value(config: ConfigParser, section: str, key: str) -> str:
    return config.get(section, key, fallback="").strip("'\"")
