"""The versions of a dataset: which there are, what changed between two, and going back to one."""

import difflib
import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.dataset.manifest import MANIFEST, parse_manifest
from tasks.discovery.catalogue import empty_rows, read_catalogue
from tasks.errors import InputError, IntegrityError, WorkflowError
from tasks.release.dvc import run_dvc
from tasks.release.git import file_at, run_git
from tasks.release.lock import with_dataset_of
from tasks.release.remote import read_remote
from tasks.schema import FORGOTTEN
from tasks.storage.artefact import digest_file
from tasks.storage.atomic import write_whole
from tasks.storage.objects import open_store
from tasks.storage.project import Project
from tasks.storage.tombstones import read_tombstones

PREFIX = "dataset-"
TAG = re.compile(r"dataset-(\d{4}-\d{2}-\d{2})\.([1-9]\d{0,5})")
RELEASE = "release"  # in a published manifest: what it says beside what is in the dataset
FIGURES = ("videos", "pictures", "labels", "hours", "shards", "megabytes")
LIST, LOCK = "data/videos.csv", "dvc.lock"
PUT = "checked_out.json"  # in the cache folder: digests of the files that checkouts have written
# What a version is made of, beside the objects that dvc.lock names. Tombstones are never rolled back.
RESTORED = (LIST, "params.yaml", "dvc.yaml", LOCK, "data/metrics.json", "data/growth.csv", "data/left_out.csv")


@dataclass(frozen=True)
class Version:
    """A published version of the dataset.

    manifest: digest of its manifest. figures: how much is in it, by FIGURES.
    """

    tag: str
    manifest: str
    figures: dict[str, Any]

    @property
    def date(self) -> str:
        return self.tag.removeprefix(PREFIX).partition(".")[0]

    @property
    def place(self) -> tuple[str, int]:
        """What versions are put in order by."""
        date, number = self.tag.removeprefix(PREFIX).split(".")
        return date, int(number)

    @property
    def line(self) -> str:
        figures = {"videos": 0, "pictures": 0, "labels": 0, "hours": 0.0} | self.figures
        return (f"{self.tag}: {figures['videos']} videos, {figures['hours']:.1f} hours, {figures['pictures']} pictures, "
                f"{figures['labels']} labels")

    @property
    def message(self) -> str:
        """Of its tag: a line to read, and one for us."""
        return f"{self.line}\n\n{json.dumps({'manifest': self.manifest, **self.figures}, sort_keys=True)}"

    def tag_message(self, about: dict[str, Any]) -> str:
        """As `message`, with what its published manifest alone says: a second copy, should that one be lost."""
        return f"{self.message}\n{json.dumps({RELEASE: about}, sort_keys=True)}"


@dataclass(frozen=True)
class CheckedOut:
    """What came of going back to a version. forgotten: videos of it that were forgotten since; its data then are not restored."""

    version: Version
    forgotten: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        if not self.forgotten:
            return f"{self.version.tag} is checked out"
        return (f"{self.version.tag}: list and settings are checked out; {', '.join(self.forgotten)} was forgotten since: "
                f"`dvc repro` makes this version without it")


def list_versions(project: Project) -> list[Version]:
    """The published versions, oldest first."""
    form = "%(refname:strip=2)%00%(contents)%01"
    told = run_git(project.root, "for-each-ref", f"--format={form}", f"refs/tags/{PREFIX}*") or ""
    versions = []
    for record in told.split("\1"):
        tag, _, message = record.strip("\n").partition("\0")
        if TAG.fullmatch(tag):
            versions.append(_parse(tag, message))
    return sorted(versions, key=lambda version: version.place)


def render_versions(versions: Sequence[Version]) -> str:
    """One line a version, or how to make the first."""
    return "\n".join(version.line for version in versions) or "no version yet: `framewords nightly` makes one"


def find_version(project: Project, name: str) -> Version:
    """The version of that name, with or without `dataset-`. Raises InputError with the nearest name."""
    versions = {version.tag: version for version in list_versions(project)}
    tag = name if name.startswith(PREFIX) else PREFIX + name
    if tag in versions:
        return versions[tag]
    close = difflib.get_close_matches(tag, versions, n=1, cutoff=0.5)
    remedy = f"did you mean {close[0]}?" if close else "see `framewords versions`"
    raise InputError(f"{name[:80]}: no such version", remedy if versions else "there is none yet: `framewords nightly` makes one")


def published_key(tag: str, name: str) -> str:
    """Where a version's manifest and card lie on the store."""
    return f"versions/{tag}/{name}"


def read_published(project: Project, version: Version) -> dict[str, Any]:
    """The manifest of a version, from the store.

    Raises InputError when it was withdrawn because a video of it was forgotten, IntegrityError when it is not there or altered.
    """
    store = open_store(read_remote(project))
    key = published_key(version.tag, MANIFEST)
    text = store.get_bytes(key)
    if text is None:
        _, forgotten = _without_forgotten(project, file_at(project.root, version.tag, LIST) or b"")
        if forgotten:
            raise InputError(f"{version.tag}: withdrawn since {', '.join(forgotten)} was forgotten", "take a later version")
        raise IntegrityError(f"{key}: not on the store", "see `framewords remote`; was the store changed or emptied?")
    return parse_manifest(text, key)


def checkout_version(project: Project, name: str) -> CheckedOut:
    """Bring back the list, the settings and the data of a version; what was forgotten stays so.

    The caller holds the lock of the data folder.
    Raises InputError when there is no such version, or when files of ours have changes that would be lost.
    """
    version = find_version(project, name)
    _refuse_to_lose(project)
    contents = {path: content for path in RESTORED if (content := file_at(project.root, version.tag, path)) is not None}
    contents[LIST], forgotten = _without_forgotten(project, contents[LIST])
    if forgotten:  # its dataset shows them: it is to be made again, of the labels that are there
        contents = {path: contents[path] for path in (LIST, "params.yaml", "dvc.yaml")}
    if LOCK in contents:
        contents[LOCK] = with_dataset_of(contents[LOCK], project.lock.read_bytes() if project.lock.is_file() else None)
    _remember(project, contents)
    before = {path: (project.root / path).read_bytes() for path in contents if (project.root / path).is_file()}
    _write(project, contents)
    try:
        if not forgotten:
            _restore_data(project)
    except WorkflowError:
        _write(project, before)
        with suppress(WorkflowError):  # the first one is the one to tell
            run_dvc(project, "checkout")
        raise
    return CheckedOut(version, forgotten)


def _write(project: Project, contents: Mapping[str, bytes]) -> None:
    for path, content in contents.items():
        write_whole(project.root / path, content)


def _without_forgotten(project: Project, listed: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The list of a version with the rows of forgotten videos emptied, and the videos that have been forgotten since."""
    tombs = {tombstone.video_id for tombstone in read_tombstones(project.data.forgotten)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "videos.csv"
        path.write_bytes(listed)
        since = tuple(video.id for video in read_catalogue(path) if video.id in tombs and video.state != FORGOTTEN)
        empty_rows(path, since)
        return path.read_bytes(), since


def _restore_data(project: Project) -> None:
    """The outputs that dvc.lock names, from the cache of this machine, or else from the store."""
    try:
        run_dvc(project, "checkout")
    except WorkflowError as error:
        if "unsaved files" in error.problem:
            raise
        run_dvc(project, "pull")


def _refuse_to_lose(project: Project) -> None:
    """Raises InputError when a file of ours is neither as committed nor as an earlier checkout left it."""
    put = _remembered(project)
    for path in RESTORED:
        here = project.root / path
        if here.is_file() and digest_file(here) not in put and here.read_bytes() != file_at(project.root, "HEAD", path):
            raise InputError(f"{path}: has changes that are in no version", "publish them with `framewords nightly`, or undo "
                             f"them with `git checkout {path}`")


def _remember(project: Project, contents: dict[str, bytes]) -> None:
    """Note what a checkout is about to write, so that the next one knows that nothing of it is lost."""
    put = _remembered(project) | {hashlib.blake2b(content, digest_size=16).hexdigest() for content in contents.values()}
    write_whole(project.data.cache / PUT, json.dumps(sorted(put)).encode())


def _remembered(project: Project) -> set[str]:
    try:
        return set(json.loads((project.data.cache / PUT).read_bytes()))
    except (OSError, ValueError, TypeError):
        return set()


def _parse(tag: str, message: str) -> Version:
    """A version by the message of its tag; one that somebody else has made says less."""
    line = next((line for line in message.splitlines() if line.startswith("{")), "{}")
    try:
        facts = json.loads(line)
    except ValueError:
        facts = {}
    return Version(tag, str(facts.get("manifest", "")), {name: facts[name] for name in FIGURES if name in facts})
