"""What did the user type: an address, a folder, a list or a video file? Decided without asking the network."""

import csv
import io
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from tasks.errors import InputError
from tasks.network.address import check_url
from tasks.network.text import shown

MAX_LIST_BYTES = 10_000_000
LIST_EXTENSIONS = (".txt", ".csv")
MEDIA_EXTENSIONS = (
    ".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogg",
    ".ogv", ".ts", ".webm", ".wmv")
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:file|data|blob|javascript|mailto|about):", re.IGNORECASE)
SEARCH = re.compile(r"[a-z0-9]*search[a-z0-9]*:", re.IGNORECASE)

Kind = Literal["url", "folder", "list", "file"]


def kind_of(argument: str, *, allow_private: bool, base: Path | None = None) -> Kind:
    """What an argument is.

    base: the folder that relative paths start from; the working folder when None.
    Raises InputError with what, the value and what to do, for anything that cannot be a source.
    """
    value = shown(argument)
    if not argument.strip():
        raise InputError("empty URL", "give a file, a folder, a list or an http(s) URL")
    if any(ord(character) < 32 or ord(character) == 127 for character in argument):
        raise InputError(f"control character in argument: {value}", "remove it")
    if argument.startswith("-"):
        raise InputError(f'starts with "-": {value}', "no source begins so; write ./-name for such a file")
    if ADDRESS.match(argument):
        check_url(argument, allow_private=allow_private)
        return "url"
    path = (base or Path()) / argument
    try:
        mode = path.lstat().st_mode
        if path.is_dir():
            return "folder"
    except (OSError, ValueError) as error:
        if SEARCH.match(argument):
            raise InputError(f"search URLs refused: {value}", "give the addresses of the videos themselves") from error
        raise InputError(f"not an http(s) URL, and no such file: {value}", "correct it") from error
    if not stat.S_ISREG(mode):
        raise InputError(f"not a regular file: {value}", "give the file itself, not a link, pipe or device")
    if path.suffix.lower() in LIST_EXTENSIONS:
        return "list"
    if path.suffix.lower() not in MEDIA_EXTENSIONS:
        raise InputError(f"extension refused: {value}", f"give a video ({' '.join(MEDIA_EXTENSIONS)}), .txt or .csv list")
    return "file"


def media_below(folder: Path) -> Iterator[Path]:
    """The media files below a folder, by name, in order of their paths; hidden ones are left out, links not followed."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from media_below(path)
        elif path.suffix.lower() in MEDIA_EXTENSIONS:
            yield path


def read_list(path: Path) -> list[str]:
    """The arguments in a list file: one a line in .txt, `#` begins a comment line; the `url` column of a .csv.

    Raises InputError when it is no such list.
    """
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise InputError(f"list too large: {shown(path)}", f"keep it under {MAX_LIST_BYTES} bytes")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"list cannot be read: {shown(path)}", "give a UTF-8 text file") from error
    if path.suffix.lower() == ".txt":
        lines = [line.strip() for line in text.split("\n")]
        return [line for line in lines if line and not line.startswith("#")]
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""))
        column = next((name for name in rows.fieldnames or () if name.strip().lower() == "url"), None)
        if column is None:
            raise InputError(f"list has no url column: {shown(path)}", "name the column of addresses url")
        values = [(row[column] or "").strip() for row in rows]
    except csv.Error as error:
        raise InputError(f"list is not CSV: {shown(path)} ({error})", "correct it") from error
    return [value for value in values if value]
