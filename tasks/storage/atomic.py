"""Nothing is written to its final name until it is whole: staged aside, fsynced, renamed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STAGING_PREFIX = ".staging-"


@contextmanager
def staged_file(final: Path) -> Iterator[Path]:
    """A path to write; when the block ends well it becomes `final` in one step, else it is removed.

    The staging file lies in the folder of `final`, so that the rename never crosses file systems.
    Raises OSError when the disk is full or not writable; the old `final` is then still whole.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=STAGING_PREFIX, suffix=final.suffix, dir=final.parent)
    os.close(descriptor)
    staging = Path(name)
    try:
        yield staging
        staging.chmod(0o644)  # mkstemp makes private files; artefacts follow the usual mode
        _fsync(staging)
        staging.replace(final)
        _fsync(final.parent)
    finally:
        staging.unlink(missing_ok=True)


@contextmanager
def staged_folder(final: Path) -> Iterator[Path]:
    """A new folder to fill; when the block ends well it takes the place of `final`, else it is removed."""
    final.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=final.parent))
    try:
        yield staging
        staging.chmod(0o755)
        for path in sorted(staging.rglob("*")):
            if path.is_file():
                _fsync(path)
        _fsync(staging)
        if final.exists():
            old = Path(tempfile.mkdtemp(prefix=STAGING_PREFIX, dir=final.parent))
            final.replace(old / "old")
            staging.replace(final)
            shutil.rmtree(old)
        else:
            staging.replace(final)
        _fsync(final.parent)
    finally:
        if staging.exists():
            shutil.rmtree(staging)


def write_whole(final: Path, content: bytes) -> None:
    """Write `content` under its final name, whole or not at all."""
    with staged_file(final) as staging:
        staging.write_bytes(content)


def sweep_staging(folder: Path) -> int:
    """Remove what killed runs left half written below `folder`; returns how many were removed."""
    stale = [Path(inside, name) for inside, folders, files in os.walk(folder) for name in (*folders, *files)
             if name.startswith(STAGING_PREFIX)]
    for path in stale:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(stale)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
