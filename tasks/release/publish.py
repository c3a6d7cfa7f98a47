"""A version of the dataset: its objects on the store, its manifest and card beside them, a commit and a tag in git.

Every step can be done again, and the tag comes last: a release that was killed anywhere is completed by the next one, under
the same name when nothing has changed since.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import yaml

from tasks.dataset.card import CARD
from tasks.dataset.manifest import MANIFEST, file_entries, file_entry, parse_manifest, read_manifest
from tasks.discovery.catalogue import read_catalogue
from tasks.errors import InputError, IntegrityError
from tasks.evaluation.candidate import begin_empty
from tasks.release.dvc import hide_secrets, run_dvc
from tasks.release.git import commit_files, file_at, make_tag, run_git
from tasks.release.lock import dataset_part
from tasks.release.metrics import GROWTH, LEFT_OUT, METRICS, figures, write_metrics
from tasks.release.published import published_manifest
from tasks.release.remote import DEFAULT_FOLDER, project_identity, read_owner, read_remote, read_settings, set_remote
from tasks.release.versions import PREFIX, RELEASE, TAG, Version, list_versions, published_key
from tasks.storage.artefact import digest_json
from tasks.storage.ledger import Ledger
from tasks.storage.objects import ObjectStore, StoreAddress, open_store
from tasks.storage.project import Project

OUTPUTS = ("media", "labels", "evidence", "dataset", "models")
# What a release commits; whatever else the user has changed or staged stays as it is.
OURS = ("data/videos.csv", "data/forgotten.csv", "data/project.json", "data/.gitignore", f"data/{METRICS}", f"data/{GROWTH}",
        f"data/{LEFT_OUT}", "data/training.json", "data/evaluation.json", "data/learning.csv", "dvc.lock",
        "dvc.yaml", "params.yaml", ".dvc/config")
Log = Callable[[str], None]


def release(project: Project, now: datetime, log: Log) -> Version | None:
    """Publish what is in the data folder as a version, or complete one that was begun; None when nothing is new.

    log: told each step.
    Raises TransientError when the store does not answer, or another DVC or git is at work: run again. InputError when the store
    refuses us, IntegrityError when the dataset is damaged, WorkflowError when DVC or git refuses.
    """
    try:
        manifest = read_manifest(project.data.dataset)
    except InputError:  # no dataset was built yet
        return None
    versions = list_versions(project)
    if not versions and not manifest["books"]["frames"]["kept"]:
        return None
    _commit_outputs(project, log)
    begun = _begun(project, versions)
    if not begun and _is_known(project, versions, log):
        return None
    store = _open(project)
    if begun and _is_published(store, begun[0]):  # killed on the very last step
        version, about = _published_version(store, begun[0])
        versions.append(version)
        make_tag(project.root, begun[0], version.tag_message(about), begun[1])
        begun = None
        if _is_known(project, versions, log):
            return None
    same = begun is not None and dataset_part(file_at(project.root, begun[1], project.lock.name)) == _ours(project)
    tag = begun[0] if begun and same else _next_tag(now, versions, store)
    log(f"{tag}: pushing to {store.address.url}")
    run_dvc(project, "push")
    _complete_objects(project, manifest, store, log)
    version = _version(tag, manifest)
    commit_files(project.root, OURS, version.message, even_if_same=not same)
    about = _about(project, version, store.address)
    store.put_bytes((project.data.dataset / CARD).read_bytes(), published_key(tag, CARD))
    store.put_bytes(published_manifest(manifest, about), published_key(tag, MANIFEST))
    make_tag(project.root, tag, version.tag_message(about))
    log(version.line)
    return version


def _commit_outputs(project: Project, log: Log) -> None:
    """Tell DVC that what is there is what its stages have made: `dvc status` is clean, and `dvc repro` does nothing."""
    write_metrics(project.data)
    begin_empty(project.data)
    for name in OUTPUTS:  # a stage without a result yet has an empty one
        (project.data.root / name).mkdir(exist_ok=True)
    log("taking the outputs over into DVC's cache")
    run_dvc(project, "commit", "--force")


def _open(project: Project) -> ObjectStore:
    """The store of the project, answering and ours."""
    if not read_settings(project).get("core", "remote", fallback=""):
        set_remote(project, str(project.root / DEFAULT_FOLDER))
    store = open_store(read_remote(project))
    owner = read_owner(store)
    if owner and owner != project_identity(project):
        raise InputError(f"{store.address.url}: holds another project ({owner})", "choose another place with `framewords remote`")
    return store


def _begun(project: Project, versions: list[Version]) -> tuple[str, str] | None:
    """Tag and commit of a release that did not reach its tag: the last commit that is named for a version, when there is none."""
    told = run_git(
        project.root, "log", "-1", "--extended-regexp", f"--grep=^{PREFIX}[0-9-]+[.][0-9]+: ", "--format=%H %s", answers=(0, 128))
    commit, _, subject = (told or "").strip().partition(" ")
    tag = subject.partition(":")[0]
    if not TAG.fullmatch(tag) or tag in {version.tag for version in versions}:
        return None
    return tag, commit


def require_newest(project: Project) -> None:
    """Raises InputError where the list is an older version's: a round from there would lose the videos that came since."""
    versions = list_versions(project)
    newest = versions[-1].tag if versions else ""
    old = file_at(project.root, newest, "data/videos.csv") if newest else None
    if old is None:
        return
    here = {video.id for video in read_catalogue(project.data.catalogue)}
    lost = [row["id"] for row in csv.DictReader(io.StringIO(old.decode(), newline="")) if row["id"] not in here]
    if lost:
        raise InputError(
            f"data/videos.csv lacks {len(lost)} of the videos of {newest}, as {lost[0]}: an older version is checked out",
            f"`framewords checkout {newest}` goes back to the newest")


def _is_known(project: Project, versions: list[Version], log: Log) -> bool:
    """True when what is in the data folder is a version already."""
    known = _same_as(project, versions)
    if known and known[-1] != versions[-1].tag:
        log(f"{known[-1]} is checked out, an older version; `framewords checkout {versions[-1].tag}` goes back to the newest")
    return bool(known)


def _same_as(project: Project, versions: list[Version]) -> list[str]:
    """The versions, oldest first, whose outputs are those that are here."""
    ours, manifest = _ours(project), digest_json(read_manifest(project.data.dataset))
    likely = [version.tag for version in versions if version.manifest in ("", manifest)]
    return [tag for tag in likely if dataset_part(file_at(project.root, tag, project.lock.name)) == ours]


def _ours(project: Project) -> dict[str, Any]:
    return dataset_part(project.lock.read_bytes())


def _next_tag(now: datetime, versions: list[Version], store: ObjectStore) -> str:
    """The first name of the day that neither git nor the store has: a clone may not know every tag."""
    start = f"{PREFIX}{now.date().isoformat()}."
    taken = {version.tag for version in versions} | {key.split("/")[1] for key, _ in store.keys(published_key(start, "")[:-1])}
    numbers = [int(match[2]) for tag in taken if tag.startswith(start) and (match := TAG.fullmatch(tag))]
    return f"{start}{max(numbers, default=0) + 1}"


def _complete_objects(project: Project, manifest: dict[str, Any], store: ObjectStore, log: Log) -> None:
    """Make sure that the store holds every object the manifest will name: DVC believes what it remembers of a store.

    Raises IntegrityError when a shard is no longer what the manifest says.
    """
    for entry in file_entries(manifest):
        if store.size(entry["object"]) != entry["bytes"]:
            path = project.data.dataset / entry["path"]
            if file_entry(path, entry["path"])["object"] != entry["object"]:
                raise IntegrityError(f"{path}: not what the manifest says", "delete it and run again")
            log(f"{entry['path']} was missing on the store")
            store.put_file(path, entry["object"])


def _about(project: Project, version: Version, address: StoreAddress) -> dict[str, Any]:
    """What a published manifest says beside what is in the dataset. Nothing secret."""
    outcomes = {}
    if project.data.ledger.is_file():
        ledger = Ledger(project.data.ledger)
        outcomes = ledger.outcomes()
        ledger.close()
    unlabelled = [video.id for video in read_catalogue(project.data.catalogue) if not project.data.examples(video.id).is_file()]
    why = Counter(outcomes[name].code if name in outcomes else "waiting" for name in unlabelled)
    return {
        "tag": version.tag, "date": version.date, "manifest": version.manifest, "not_labelled": dict(sorted(why.items())),
        "store": {"url": address.url, "endpoint": address.endpoint, "region": address.region},
        "settings": yaml.safe_load(hide_secrets(project.params.read_text(encoding="utf-8"))), "code": _code_version()}


def _code_version() -> dict[str, str]:
    """Version of framewords, and where it runs from a clone, the commit."""
    root = Path(__file__).resolve().parents[2]
    version = {"framewords": installed_version("framewords")}
    described = ""
    if (root / ".git").exists():
        described = run_git(root, "describe", "--always", "--dirty", "--exclude", f"{PREFIX}*", answers=(0, 128)) or ""
    return {**version, **({"commit": described.strip()} if described else {})}


def _version(tag: str, manifest: dict[str, Any]) -> Version:
    counted = figures(manifest)
    shards = sum(len(split["shards"]) for split in manifest["splits"].values())
    chosen = {name: counted[name] for name in ("videos", "pictures", "labels", "hours", "megabytes")}
    return Version(tag, digest_json(manifest), {**chosen, "shards": shards})


def _is_published(store: ObjectStore, tag: str) -> bool:
    return store.size(published_key(tag, MANIFEST)) is not None


def _published_version(store: ObjectStore, tag: str) -> tuple[Version, dict[str, Any]]:
    """A version by what was published of it, and what is said of its release."""
    key = published_key(tag, MANIFEST)
    published = parse_manifest(store.get_bytes(key) or b"", key)
    about = published.pop(RELEASE)
    for entry in file_entries(published):
        entry.pop("address")
    version = _version(tag, published)
    if version.manifest != about["manifest"]:
        raise IntegrityError(f"{key}: manifest was altered", "remove it, then run again")
    return version, about

