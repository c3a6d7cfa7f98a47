"""Videos on this machine: a file, a watched folder, the lines of a list."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from tasks.discovery.arguments import kind_of, media_below, read_list
from tasks.discovery.entries import Entry
from tasks.discovery.sites import Described, described
from tasks.errors import InputError
from tasks.network.text import shown
from tasks.params import DiscoveryParams
from tasks.schema import Video
from tasks.storage.info import read_info
from tasks.storage.sniff import media_format

SETTLED_SECONDS = 60  # a file in a watched folder that was written to more recently may still be growing


def local_video(path: Path, source: str, file_digest: Callable[[Path], str]) -> Described:
    """A video file, known by its bytes; the info.json beside it describes it.

    Raises InputError when it is no file to take, UnusableVideoError when it is no video.
    """
    kind_of(str(path), allow_private=False)  # in a folder, links and pipes show only here
    try:
        media_format(path)
        digest = file_digest(path)
    except OSError as error:
        raise InputError(f"file cannot be read: {shown(path)} ({error.strerror})", "check its permissions") from error
    info = read_info(path.with_name(f"{path.stem}.info.json")) or {}
    info.setdefault("title", path.stem.replace("_", " "))
    return Described(Video(id=f"file_{digest[:16]}", url=str(path.resolve()), source=source, **described(info)), info)


def folder_files(folder: Path) -> list[Path]:
    """The media files below a folder, in order of their paths. Raises InputError when it cannot be read."""
    try:
        return list(media_below(folder))
    except OSError as error:
        raise InputError(f"folder cannot be read: {shown(folder)} ({error.strerror})", "check its permissions") from error


def file_entry(path: Path) -> Entry:
    """A file as it is now; written to again, it is another entry."""
    try:
        status = path.lstat()
    except OSError as error:
        raise InputError(f"file cannot be read: {shown(path)} ({error.strerror})", "check its permissions") from error
    return Entry(str(path.absolute()), version=f"{status.st_size}:{status.st_mtime_ns}")


def settled_files(folder: Path, now: datetime) -> tuple[list[Entry], int]:
    """The files of a watched folder, and how many are left for the next time because they may still be growing."""
    paths = folder_files(folder)
    settled = [path for path in paths if path.lstat().st_mtime <= now.timestamp() - SETTLED_SECONDS]
    return [file_entry(path) for path in settled], len(paths) - len(settled)


def list_entries(path: Path, params: DiscoveryParams, of_address: Callable[[str], Entry]) -> Iterator[Entry | InputError]:
    """What the lines of a list name; paths are relative to it. A line that names nothing is an error, and the rest goes on."""
    for line in read_list(path):
        try:
            kind = kind_of(line, allow_private=params.allow_private_addresses, base=path.parent)
            if kind == "list":
                raise InputError(f"list within a list: {shown(line)}", "make it a source of its own")
            if kind == "url":
                yield of_address(line)
            elif kind == "folder":
                yield from map(file_entry, folder_files(path.parent / line))
            else:
                yield file_entry(path.parent / line)
        except InputError as error:
            yield error
