"""data/forgotten.csv: the videos that must not come back, in the order in which they were forgotten."""

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from tasks.errors import InputError
from tasks.schema import VIDEO_ID
from tasks.storage.atomic import write_whole


@dataclass(frozen=True)
class Tombstone:
    """One forgotten video.

    forgotten: ISO date. words: the fingerprint digest of its words table, while key words of other videos may still have been
    judged against it; empty when none were.
    """

    video_id: str
    forgotten: str
    words: str = ""


COLUMNS = tuple(field.name for field in fields(Tombstone))


def read_tombstones(path: Path) -> list[Tombstone]:
    """The forgotten videos, first forgotten first; none when there is no file. Raises InputError naming the first bad line."""
    if not path.exists():
        return []
    remedy = "restore it from git"
    found: dict[str, Tombstone] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            if tuple(next(rows, ())) != COLUMNS:
                raise InputError(f"{path}: not a list of forgotten videos", remedy)
            for row in rows:
                if len(row) != len(COLUMNS) or not VIDEO_ID.fullmatch(row[0]) or row[0] in found:
                    raise ValueError(f"not a forgotten video: {row}"[:200])
                found[row[0]] = Tombstone(*row)
    except (ValueError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
        raise InputError(f"{path}: line {rows.line_num}: {error}", remedy) from error
    return list(found.values())


def write_tombstones(path: Path, tombstones: Iterable[Tombstone]) -> None:
    """Write the list, whole or not at all."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *(astuple(tombstone) for tombstone in tombstones)])
    write_whole(path, text.getvalue().encode())
