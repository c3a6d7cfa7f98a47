"""DVC's objects and published versions: which of them hold a forgotten video, in the cache of this machine and on the store.

An object is a file under its MD5; a directory object (`.dir`) lists the files of one output. Objects that no directory object
names, as a killed commit or push leaves them, are opened. So what is found follows from what is there, and a removal that was
killed is completed by doing it again.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Collection, Sequence
from configparser import ConfigParser
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tasks.dataset.manifest import MANIFEST
from tasks.errors import TransientError
from tasks.removal.traces import Traces
from tasks.storage.atomic import sweep_staging
from tasks.storage.exchange import EXCHANGE
from tasks.storage.objects import FolderStore, ObjectStore, StoreAddress
from tasks.storage.project import Project

ROOT = "files/md5/"
KEY = re.compile(ROOT + r"([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)")
MEMBER = re.compile(rb'"md5": ?"([0-9a-f]{32})"')
DATASET = f'"{MANIFEST}"'.encode()
PUBLISHED = re.compile(r"versions/([^/]+)/manifest\.json")
WITHDRAWN = """\
# {tag}: withdrawn

A video in this version was forgotten, and the files that held it are gone. Use a later version.
"""


@dataclass(frozen=True)
class Place:
    """Where objects lie. name: for people. store: the place as an object store, DVC's cache too."""

    name: str
    store: ObjectStore

    @cached_property
    def keys(self) -> dict[str, int]:
        """Every object with its bytes, as it was when first asked."""
        return dict(self.store.keys())


@dataclass(frozen=True)
class Doomed:
    """What must go from one place: keys with their bytes, directory objects last. versions: tags of those that held it."""

    place: Place
    keys: dict[str, int]
    versions: list[str]


@dataclass
class Found:
    """What some places hold of forgotten videos.

    directories: names of the directory objects among it. own: of objects that no directory object names. searched: objects.
    """

    doomed: list[Doomed] = field(default_factory=list)
    directories: set[str] = field(default_factory=set)
    own: set[str] = field(default_factory=set)
    searched: int = 0

    @property
    def versions(self) -> list[str]:
        return sorted({tag for doomed in self.doomed for tag in doomed.versions})


def places(project: Project, store: ObjectStore | None) -> list[Place]:
    """Where DVC's objects lie: the cache of this machine first, for it is nearer."""
    cache = _cache_folder(project)
    found = [Place("DVC cache", FolderStore(StoreAddress(str(cache))))] if cache.is_dir() else []
    return [*found, Place("store", store)] if store is not None else found


def _cache_folder(project: Project) -> Path:
    """DVC's cache: below .dvc, unless its settings say otherwise."""
    settings = ConfigParser(interpolation=None, strict=False)
    settings.read([project.settings, project.settings.with_name("config.local")], encoding="utf-8")
    folder = settings.get("cache", "dir", fallback="cache")
    return (project.settings.parent / folder).absolute()


def find_objects(
    places: Sequence[Place], video_ids: Collection[str], *, lock: str = "", own_files: Sequence[Path] = (),
    own: Collection[str] = (),
) -> Found:
    """Look through every object of the places.

    lock: dvc.lock, while the version without the videos is still to come: of the one that it names, the shards without them stay.
    own_files: what still lies in the data folder of the videos: an object that no directory object names may be one of them;
    own: names of those found before.
    Raises TransientError when a store does not answer.
    """
    traces, shelf = Traces(video_ids), _Shelf(places)
    verdict = _read_directories(shelf, traces, lock)
    nameless = shelf.files - verdict.named
    ours = {name for name in nameless if name in own or shelf.is_one_of(name, own_files) or shelf.holds(name, traces)}
    doomed = (verdict.doomed | ours) - verdict.spared
    order = [*sorted(doomed - verdict.manifests), *sorted(verdict.directories), *sorted(doomed & verdict.manifests)]
    found = Found(directories=verdict.directories, own=ours, searched=sum(len(place.keys) for place in places))
    for place in places:
        keys = [*(key for key in place.keys if _is_loose(key, traces)), *(key for key in map(_key, order) if key in place.keys)]
        versions = [
            match[1] for key in place.keys
            if (match := PUBLISHED.fullmatch(key)) and traces.in_bytes(place.store.get_bytes(key) or b"")]
        found.doomed.append(Doomed(place, {key: place.keys[key] for key in keys}, versions))
    return found


def delete_objects(found: Found) -> None:
    """Remove what was found. Versions are withdrawn first, so that nobody starts to read what is going."""
    for doomed in found.doomed:
        store = doomed.place.store
        for tag in doomed.versions:
            store.put_bytes(WITHDRAWN.format(tag=tag).encode(), f"versions/{tag}/README.md")
            store.delete(f"versions/{tag}/{MANIFEST}")
        for key in doomed.keys:
            store.delete(key)
        if not store.address.is_s3:
            sweep_staging(Path(store.address.url))  # halves of objects that a killed run left


def check_released(lock: str, found: Found) -> None:
    """Raises TransientError while the version that dvc.lock names holds the forgotten videos."""
    if any(name in lock for name in found.directories):
        raise TransientError("the version without it is not released yet", "run the same `framewords forget` again")


def _is_loose(key: str, traces: Traces) -> bool:
    """True for what a run on several machines left of the videos, and for halves of files that a killed push left."""
    if key.startswith(EXCHANGE):
        return key.split("/")[1] in traces.video_ids
    return key.startswith(ROOT) and key.endswith(".tmp")


class _Shelf:
    """All places as one: an object is the same wherever it lies."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        names = {"".join(match.groups()) for place in places for key in place.keys if (match := KEY.fullmatch(key))}
        self.directories = {name for name in names if name.endswith(".dir")}
        self.files = names - self.directories

    def read(self, name: str) -> bytes | None:
        """An object's bytes, from the first place that has it: the nearest."""
        key = _key(name)
        return next((place.store.get_bytes(key) for place in self._places if key in place.keys), None)

    def is_one_of(self, name: str, paths: Sequence[Path]) -> bool:
        """Whether an object is one of these files."""
        size = next(place.keys[_key(name)] for place in self._places if _key(name) in place.keys)
        return any(hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == name
                   for path in paths if path.stat().st_size == size)

    def holds(self, name: str, traces: Traces) -> bool:
        """Whether an object speaks of a forgotten video."""
        place = next(place for place in self._places if _key(name) in place.keys)
        if not place.store.address.is_s3:
            return traces.in_file(Path(place.store.address.url, _key(name)))
        with tempfile.TemporaryDirectory(prefix="framewords-") as scratch:
            path = Path(scratch) / "object"
            place.store.get_file(_key(name), path)
            return traces.in_file(path)


def _key(name: str) -> str:
    return f"{ROOT}{name[:2]}/{name[2:]}"


@dataclass
class _Verdict:
    """What the directory objects say. named: every object in one of them. spared: used by what stays, too.

    manifests: of datasets that hold the videos; they go last, for they tell what else has to.
    """

    named: set[str] = field(default_factory=set)
    doomed: set[str] = field(default_factory=set)
    spared: set[str] = field(default_factory=set)
    directories: set[str] = field(default_factory=set)
    manifests: set[str] = field(default_factory=set)


def _read_directories(shelf: _Shelf, traces: Traces, lock: str) -> _Verdict:
    verdict = _Verdict()
    for name in sorted(shelf.directories):
        text = shelf.read(name) or b""
        members = {md5.decode() for md5 in MEMBER.findall(text)}
        entries = _entries(text) if DATASET in text or traces.in_bytes(text) else []
        manifest = next((entry["md5"] for entry in entries if entry["relpath"] == MANIFEST), "")
        told = shelf.read(manifest) if manifest else b""
        if told is None:
            continue  # nothing tells what is in its files: they are opened one by one
        verdict.named |= members
        if not traces.in_bytes(told or text):
            verdict.spared |= members
            continue
        verdict.directories.add(name)
        if manifest:  # nothing of a dataset that can no longer be had whole is needed, but what others have too
            verdict.doomed |= members
            verdict.manifests.add(manifest)
            clean = _clean_shards(told, traces.video_ids) if name in lock else set()
            verdict.spared |= {entry["md5"] for entry in entries if entry["relpath"] in clean}
        else:
            # Media and labels are folders named for their video, judged labels files; nets judged beside them learnt from all.
            first = {entry["md5"]: re.split("[/.]", entry["relpath"])[0] for entry in entries}
            owned = {md5 for md5, named in first.items() if named in traces.video_ids or named == "nets"}
            verdict.doomed |= owned
            verdict.spared |= members - owned
    return verdict


def _entries(text: bytes) -> list[dict[str, str]]:
    """The files of a directory object; none when it is damaged, then its files are opened one by one."""
    try:
        return [{"md5": entry["md5"], "relpath": entry["relpath"]} for entry in json.loads(text)]
    except (ValueError, KeyError, TypeError):
        return []


def _clean_shards(manifest: bytes, video_ids: Collection[str]) -> set[str]:
    """The shards of a version that hold none of the videos; none of a manifest that cannot be read."""
    try:
        splits = json.loads(manifest)["splits"].values()
        return {
            shard["path"] for split in splits for shard in split["shards"]
            if not any(piece.partition("#")[0] in video_ids for piece in shard["videos"])}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
