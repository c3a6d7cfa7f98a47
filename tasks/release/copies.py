"""Every copy of what DVC tracks in a version: in the data folder, in DVC's cache, on the store. Each must hash to its name.

DVC itself believes its cache and what it remembers of it, so nothing here asks DVC: dvc.lock says what each output hashes
to, and a directory object (`.dir`) lists the files of an output.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tasks.errors import IntegrityError, TransientError
from tasks.release.git import file_at, run_git
from tasks.release.remote import read_settings
from tasks.storage.atomic import STAGING_PREFIX
from tasks.storage.objects import PIECE_BYTES, ObjectStore, checked_key
from tasks.storage.project import Project

ROOT = "files/md5/"
OBJECT = re.compile(r"files/md5/([0-9a-f]{2}/[0-9a-f]{30}(?:\.dir)?)")
NAME = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
TAGS = "dataset-*"
WORKSPACE, CACHE, STORE = "data", "cache", "store"
T = TypeVar("T")


@dataclass(frozen=True)
class Copy:
    """One copy of an object.

    place: WORKSPACE, CACHE or STORE. name: below the project, the cache or the store.
    object: MD5 of its bytes, with `.dir` behind it for a directory object. path: None on the store.
    """

    place: str
    name: str
    object: str
    path: Path | None = None

    @property
    def digest(self) -> str:
        return self.object.removesuffix(".dir")


@dataclass(frozen=True)
class Output:
    """One output of a stage in a version. path: below the project. object: as Copy.object."""

    path: str
    object: str


@dataclass
class Shelves:
    """The places of a project's objects.

    store: None to leave it out. listings: of each directory object that was found whole, its bytes. away: why the store is
    asked no more, or empty.
    """

    project: Project
    store: ObjectStore | None
    listings: dict[str, bytes] = field(default_factory=dict)
    away: str = ""

    @cached_property
    def cache(self) -> Path:
        settings = read_settings(self.project)
        return self.project.settings.parent / settings.get("cache", "dir", fallback="cache").strip("'\"")

    @cached_property
    def stored(self) -> dict[str, int]:
        """Every DVC object on the store, with its bytes."""
        found = self.ask(lambda store: list(store.keys(ROOT))) or []
        return {key: size for key, size in found if OBJECT.fullmatch(key)}

    def ask(self, question: Callable[[ObjectStore], T]) -> T | None:
        """What the store answers; None once it has not. Raises InputError when it refuses us."""
        if self.store is None or self.away:
            return None
        try:
            return question(self.store)
        except TransientError as error:
            self.away = str(error)
            return None

    def cached(self, name: str) -> Path:
        return self.cache / key_of(name)

    def outputs(self, lock: bytes) -> list[Output]:
        """The outputs of a dvc.lock that DVC keeps. Raises IntegrityError when it is none."""
        try:
            stages = (yaml.safe_load(lock) or {}).get("stages", {})
            outs = [(out["path"], out["md5"]) for stage in stages.values() for out in stage.get("outs", []) if "md5" in out]
            if not all(NAME.fullmatch(name) and checked_key(path) for path, name in outs):
                raise ValueError("a name that is no MD5")
        except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise IntegrityError(f"{self.project.lock}: not whole ({type(error).__name__})", "restore it with git") from error
        return [Output(path, name) for path, name in outs if path not in self._uncached]

    def files(self, output: Output) -> dict[str, str] | None:
        """The files of an output below the project, with their objects; None when no copy of its listing is whole."""
        if not output.object.endswith(".dir"):
            return {output.path: output.object}
        listing = self.listings.get(output.object) or self.content(output.object)
        if listing is None and _is_named(relisted := self._relisted(output), output.object):
            listing = relisted
        if listing is None:
            return None
        self.listings[output.object] = listing
        return {f"{output.path}/{checked_key(entry['relpath'])}": entry["md5"] for entry in json.loads(listing)}

    def released(self) -> tuple[str, bytes] | None:
        """The newest version that was published from what is checked out: its tag and dvc.lock."""
        tag = (run_git(self.project.root, "describe", "--tags", "--abbrev=0", "--match", TAGS, answers=(0, 128)) or "").strip()
        lock = file_at(self.project.root, tag, self.project.lock.name) if tag else None
        return (tag, lock) if lock is not None else None

    @cached_property
    def _uncached(self) -> set[str]:
        """Outputs that are in git, not in DVC's cache."""
        text = self.project.pipeline.read_text(encoding="utf-8") if self.project.pipeline.is_file() else ""
        stages = (yaml.safe_load(text) or {}).get("stages", {})
        entries = [entry for stage in stages.values() for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
        return {path for entry in entries if isinstance(entry, dict)
                for path, how in entry.items() if isinstance(how, dict) and how.get("cache") is False}

    def content(self, name: str) -> bytes | None:
        """A small object, from wherever there is a whole copy."""
        return next((content for content in self._copies_of(name) if _is_named(content, name)), None)

    def _copies_of(self, name: str) -> Iterator[bytes]:
        cached = self.cached(name)
        if cached.is_file():
            yield cached.read_bytes()
        yield self.ask(lambda store: store.get_bytes(key_of(name)) or b"") or b""

    def _relisted(self, output: Output) -> bytes:
        """A directory object as it follows from the files of an output that are there."""
        folder = self.project.root / output.path
        files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*")
                       if path.is_file() and not path.name.startswith(STAGING_PREFIX))
        entries = [{"md5": digest_of(read_pieces(path)), "relpath": name} for name, path in files]
        return json.dumps(entries, sort_keys=True).encode()  # as DVC writes it


def _is_named(content: bytes, name: str) -> bool:
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == name.removesuffix(".dir")


def key_of(name: str) -> str:
    """Where DVC puts an object, below its cache and below the store alike."""
    return f"{ROOT}{name[:2]}/{name[2:]}"


def read_pieces(path: Path) -> Iterator[bytes]:
    """The bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def digest_of(pieces: Iterable[bytes]) -> str:
    """MD5, as DVC names objects by."""
    digest: Any = hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        digest.update(piece)
    return str(digest.hexdigest())
