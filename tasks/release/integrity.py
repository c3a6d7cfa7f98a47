"""Is every byte still what it was? The data folder, DVC's cache and the store are read once each, and mended from each other."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.errors import IntegrityError, TransientError, WorkflowError
from tasks.release.copies import CACHE, OBJECT, ROOT, STORE, WORKSPACE, Copy, Output, Shelves, digest_of, key_of, read_pieces
from tasks.release.pending import Pending
from tasks.release.published import PublishedFault, published_faults
from tasks.storage.atomic import STAGING_PREFIX
from tasks.storage.objects import ObjectStore, save_pieces
from tasks.storage.project import Project
from tasks.storage.tombstones import read_tombstones

READERS = 4  # at once: more than the cores, because the store is waited for
CACHE_MODE = 0o444  # DVC believes a cache object that nobody may write to
UNHASHED = ("missing", "unreadable", "unread")
PLACES = (CACHE, WORKSPACE, STORE)  # in this order they are mended: the store from what lies here
Progress = Callable[[int, int], None]
log = logging.getLogger("framewords.verify")


@dataclass(frozen=True)
class Finding:
    """One copy that is not what it was.

    place: `data`, `cache` or `store`. name: below the project, the cache or the store.
    problem: `altered`, `missing` or `unreadable`. restored_from: the place of the copy it was mended from, empty when it was not.
    """

    place: str
    name: str
    problem: str
    restored_from: str = ""

    @property
    def line(self) -> str:
        mended = f", restored from the {self.restored_from}" if self.restored_from else ""
        return f"{self.place} {self.name}: {self.problem}{mended}"


@dataclass(frozen=True)
class Findings:
    """What a verification found.

    checked, checked_bytes: copies read, and their bytes. version: the tag whose objects the store must hold, empty when none
    was published. unlisted: files in no version yet, checked by their own records. away: why the store was not checked, or empty.
    """

    found: tuple[Finding, ...]
    checked: int
    checked_bytes: int
    version: str
    unlisted: int
    away: str

    @property
    def damaged(self) -> tuple[Finding, ...]:
        """What was not restored."""
        return tuple(finding for finding in self.found if not finding.restored_from)

    @property
    def exit_code(self) -> int:
        return IntegrityError.exit_code if self.damaged else TransientError.exit_code if self.away else 0

    @property
    def line(self) -> str:
        said = f"{self.checked} copies, {self.checked_bytes / 1e6:.1f} MB: "
        restored = len(self.found) - len(self.damaged)
        said += f"{len(self.found)} damaged or missing, {restored} restored" if self.found else "all whole"
        said += f"; {self.unlisted} files are in no version yet" if self.unlisted else ""
        return said + (f"; the store was not checked ({self.away})" if self.away else "")


def verify_all(
    project: Project, store: ObjectStore | None, *, repair: bool = False, progress: Progress | None = None,
) -> Findings:
    """Hash every copy of the current version, and every object in DVC's cache; mend what is damaged from a whole copy.

    The store must hold the newest published version; before there is one, it need not hold anything.
    store: None to leave it out. progress: told the bytes read so far, and those to read.
    Raises IntegrityError when dvc.lock itself is damaged, InputError when the store refuses us. A store that does not answer
    is told in what comes back.
    """
    check = _Check(Shelves(project, store), progress or (lambda read, total: None))
    lock = project.lock.read_bytes() if project.lock.is_file() else b""
    released = check.shelves.released()
    outputs = check.shelves.outputs(lock)
    copies = [*check.local_copies(outputs), *check.stored_copies(
        check.shelves.outputs(released[1]) if released else outputs, strict=released is not None)]
    check.read(copies)
    found, unlisted = check.findings()
    findings = [replace(finding, restored_from=check.restore(copy)) if repair and copy else finding for finding, copy in found]
    findings += [Finding(STORE, fault.key, fault.problem, check.republish(fault) if repair else "")
                 for fault in published_faults(check.shelves)]
    return Findings(tuple(findings), len(check.states), check.bytes_read, released[0] if released else "", unlisted,
                    check.shelves.away)


class _Check:
    """One verification. states: how each copy was found, `whole`, `unread`, or the problem of a Finding."""

    def __init__(self, shelves: Shelves, progress: Progress) -> None:
        self.shelves = shelves
        self.states: dict[Copy, str] = {}
        self.bytes_read = 0
        self._whole: dict[str, list[Copy]] = defaultdict(list)
        self._progress, self._total, self._lock = progress, 0, threading.Lock()

    def local_copies(self, outputs: Sequence[Output]) -> Iterator[Copy]:
        """What must be in the data folder, and in the cache: all of an output of which anything is there."""
        root, cache = self.shelves.project.root, self.shelves.cache
        cached = {match[1].replace("/", "") for path in (cache / ROOT).rglob("*")
                  if (match := OBJECT.fullmatch(path.relative_to(cache).as_posix()))}
        for output in outputs:
            files = self.shelves.files(output)
            names = {output.object, *(files or {}).values()}
            here, kept = (root / output.path).exists(), not cached.isdisjoint(names)
            if here or kept:
                yield from (Copy(WORKSPACE, path, name, root / path) for path, name in (files or {}).items())
            if kept or (here and files is None):
                cached |= names
        yield from (Copy(CACHE, key_of(name), name, self.shelves.cached(name)) for name in sorted(cached))

    def stored_copies(self, outputs: Sequence[Output], *, strict: bool) -> Iterator[Copy]:
        """What must be on the store. strict: every output; else those that were pushed whole, their listing last."""
        wanted = [output for output in outputs if strict or key_of(output.object) in self.shelves.stored]
        names = {name for output in wanted for name in (output.object, *(self.shelves.files(output) or {}).values())}
        yield from (Copy(STORE, key_of(name), name) for name in sorted(names))

    def read(self, copies: Iterable[Copy]) -> None:
        """Hash the copies; those that are links to one file are read once."""
        together: dict[object, list[Copy]] = defaultdict(list)
        for copy in copies:
            identity, size = self._identity(copy)
            together[identity].append(copy)
            self._total += size if len(together[identity]) == 1 else 0
        pool = ThreadPoolExecutor(READERS)
        try:
            digests = pool.map(self._digest, [same[0] for same in together.values()])
            for same, digest in zip(together.values(), digests, strict=True):
                for copy in same:
                    self.states[copy] = "whole" if digest == copy.digest else digest if digest in UNHASHED else "altered"
                    if digest == copy.digest:
                        self._whole[copy.object].append(copy)
        finally:
            pool.shutdown(cancel_futures=True)

    def findings(self) -> tuple[list[tuple[Finding, Copy | None]], int]:
        """What is damaged, the cache first and the store last, with the copy to restore; and how many files no version has."""
        project = self.shelves.project
        bad = [copy for copy, state in self.states.items() if state not in ("whole", "unread")]
        unlisted = self._unlisted()
        pending = Pending(project, frozenset(copy.path for copy in bad if copy.place == WORKSPACE and copy.path), unlisted)
        forgotten = {tombstone.video_id for tombstone in read_tombstones(project.data.forgotten)}
        found: list[tuple[Finding, Copy | None]] = []
        for copy in sorted(bad, key=lambda copy: (PLACES.index(copy.place), copy.name)):
            if copy.place == WORKSPACE and copy.path:
                if not forgotten.isdisjoint(copy.path.relative_to(project.root).parts):
                    continue  # removed on purpose; the next version says so
                if pending.is_newer(copy.path, self.shelves.cached(copy.object)):
                    continue
            found.append((Finding(copy.place, copy.name, self.states[copy]), copy))
        faults = [(Finding(WORKSPACE, path.relative_to(project.root).as_posix(), "altered"), None) for path in pending.faults()]
        return found + faults, len(unlisted)

    def restore(self, copy: Copy) -> str:
        """Put a whole copy in place of a damaged one and read it again; returns where the whole one was, or nothing."""
        whole: list[Copy | bytes] = list(self._whole[copy.object])
        if copy.object in self.shelves.listings:
            whole.append(self.shelves.listings[copy.object])
        if copy.place != STORE and key_of(copy.object) in self.shelves.stored:  # of an older version: unread so far
            whole.append(Copy(STORE, key_of(copy.object), copy.object))
        for source in whole:
            place = source.place if isinstance(source, Copy) else WORKSPACE
            try:
                self._replace(copy, source)
            except (WorkflowError, OSError) as error:
                log.warning("%s %s: cannot be restored from the %s: %s", copy.place, copy.name, place, error)
                continue
            if self._digest(copy) == copy.digest:
                self._whole[copy.object].append(copy)
                return place
        return ""

    def republish(self, fault: PublishedFault) -> str:
        """Put a published file back; returns where it came from, or nothing."""
        if fault.whole is None:
            return ""
        self.shelves.ask(lambda store: store.put_bytes(fault.whole or b"", fault.key))
        return CACHE if self.shelves.ask(lambda store: store.get_bytes(fault.key)) == fault.whole else ""

    def _replace(self, copy: Copy, source: Copy | bytes) -> None:
        """Put the bytes of a whole copy in place of another, whole or not at all."""
        store, name = self.shelves.store, f"{copy.place} {copy.name}"
        if copy.path is not None:
            pieces = iter([source]) if isinstance(source, bytes) else self._pieces(source)
            save_pieces(pieces, copy.path, f"md5:{copy.digest}", name)
            if copy.place == CACHE:
                copy.path.chmod(CACHE_MODE)
        elif store is not None and isinstance(source, bytes):
            store.put_bytes(source, copy.name)
        elif store is not None and isinstance(source, Copy) and source.path is not None:
            store.put_file(source.path, copy.name)

    def _identity(self, copy: Copy) -> tuple[object, int]:
        """What tells links to one file from other copies, and its bytes."""
        if copy.path is None:
            return copy.name, self.shelves.stored.get(copy.name, 0)
        try:
            facts = copy.path.stat()
        except OSError:
            return copy, 0
        return (facts.st_dev, facts.st_ino), facts.st_size

    def _digest(self, copy: Copy) -> str:
        """MD5 of a copy, or one of UNHASHED."""
        try:
            if copy.place == STORE:
                return self.shelves.ask(lambda _: digest_of(self._counted(self._pieces(copy)))) or "unread"
            return digest_of(self._counted(self._pieces(copy)))
        except (FileNotFoundError, NotADirectoryError, IntegrityError):
            return "missing"
        except OSError as error:
            log.warning("%s %s: %s", copy.place, copy.name, error)
            return "unreadable"

    def _pieces(self, copy: Copy) -> Iterator[bytes]:
        if copy.path is not None:
            return read_pieces(copy.path)
        assert self.shelves.store is not None
        return self.shelves.store.read(copy.name)

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            with self._lock:
                self.bytes_read += len(piece)
                self._progress(self.bytes_read, self._total)

    def _unlisted(self) -> frozenset[Path]:
        """Files of the data folder that the version does not have."""
        data = self.shelves.project.data
        listed = {copy.path for copy in self.states if copy.place == WORKSPACE}
        folders = (data.root / "media", data.labels_root, data.dataset)
        return frozenset(path for folder in folders for path in folder.rglob("*")
                         if path.is_file() and path not in listed and not path.name.startswith(STAGING_PREFIX))
