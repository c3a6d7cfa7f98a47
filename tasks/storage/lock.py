"""One run at a time on one data folder: an flock, freed by the system when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import AlreadyRunningError

_held: set[int] = set()  # descriptors of the locks this process has open


@contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """Hold the lock file while the block runs; children of the holder do not hold it.

    Raises AlreadyRunningError when another process holds it, with its process id where that can be known.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)  # closed by the system when another program is started
    _held.add(descriptor)
    try:
        _take(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
        if descriptor in _held:
            os.ftruncate(descriptor, 0)
    finally:
        if descriptor in _held:  # not so in a forked child that leaves the block
            _held.remove(descriptor)
            os.close(descriptor)


def await_lock(path: Path) -> None:
    """Return when nobody holds the lock file any more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = _holder(descriptor)
        by = f" (process {holder})" if holder else ""
        raise AlreadyRunningError(f"{path}: another run is at work here{by}", "wait for it, then run again") from error


def _holder(descriptor: int) -> int | None:
    """The process that wrote its id into the lock file, while it lives: a killed holder leaves its id behind."""
    text = os.pread(descriptor, 32, 0).strip()
    if not text.isdigit() or len(text) > 9:
        return None
    try:
        os.kill(int(text), 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # somebody else's, but alive
        return int(text)
    return int(text)


def _let_go() -> None:
    """A forked child shares the open file, and with it the lock: it would be held until the child ends too."""
    for descriptor in list(_held):
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)
