"""One run at a time on one data folder: an flock, freed by the system when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import TransientError


@contextmanager
def held_lock(path: Path) -> Iterator[None]:
    """Hold the lock file while the block runs. Raises TransientError when another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TransientError(f"{path}: another run is at work here", "wait for it, then run again") from error
        yield
    finally:
        os.close(descriptor)
