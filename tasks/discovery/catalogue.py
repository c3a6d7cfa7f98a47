"""data/videos.csv: the list to work from. Rows are only ever added, at the end; their order is the order of work.

A forgotten video keeps its row, emptied, so that what was listed after it keeps its place.
"""

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, fields, replace
from pathlib import Path

from tasks.errors import InputError
from tasks.schema import FORGOTTEN, Video
from tasks.storage.atomic import write_whole
from tasks.storage.layout import DataFolder
from tasks.storage.tombstones import read_tombstones

COLUMNS = tuple(field.name for field in fields(Video))


def read_catalogue(path: Path) -> list[Video]:
    """The listed videos in order, forgotten ones among them; none when there is no list yet.

    Raises InputError naming the first line that is not a video.
    """
    if not path.exists():
        return []
    videos: dict[str, Video] = {}
    tombs = _tombs(path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise InputError(f"{path}: not a list of videos", f"its first line must be {','.join(COLUMNS)}")
            for row in rows:
                if None in row or None in row.values():
                    raise ValueError(f"not {len(COLUMNS)} columns")
                video = Video(**row)
                if video.id in videos:
                    raise ValueError(f"{video.id} is listed twice")
                videos[video.id] = _emptied(video) if video.id in tombs else video
    except (ValueError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
        raise InputError(f"{path}: line {rows.line_num}: {error}", "restore it from git or correct the line") from error
    return list(videos.values())


def append_videos(path: Path, videos: Iterable[Video], first_seen: str = "") -> list[Video]:
    """Add the videos that are neither listed nor forgotten yet and return them as listed.

    first_seen: ISO date of this run (UTC), for rows that do not say.
    The file is written whole or not at all; existing rows stay byte for byte.
    """
    known = {video.id for video in read_catalogue(path)} | _tombs(path)
    added: dict[str, Video] = {}
    for video in videos:
        if video.id not in known:
            added.setdefault(video.id, video if video.first_seen else replace(video, first_seen=first_seen))
    if added:
        old = path.read_text(encoding="utf-8") if path.exists() else _line(COLUMNS)
        new = "".join(_line(tuple(asdict(video).values())) for video in added.values())
        write_whole(path, (old if old.endswith("\n") else f"{old}\n").encode() + new.encode())
    return list(added.values())


def empty_rows(path: Path, video_ids: Collection[str]) -> int:
    """Empty the rows of forgotten videos but for id and first_seen; returns how many were not empty yet.

    Every other row stays byte for byte.
    """
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    changed, parts = 0, []
    for row, text in _rows(old):
        if row and row[0] in video_ids:
            emptied = _line(tuple(asdict(_emptied(Video(*row))).values()))
            changed += emptied != text
            text = emptied
        parts.append(text)
    if changed:
        write_whole(path, "".join(parts).encode())
    return changed


def refuse_forgotten(path: Path, videos: Iterable[Video]) -> tuple[list[Video], list[tuple[str, str, str]]]:
    """The videos that may be worked on, and (id, code, problem) for each that was forgotten and stays so."""
    videos, tombs = list(videos), _tombs(path)
    refused = [(video.id, FORGOTTEN, f"forgotten: {video.id} was removed for good and is not listed again")
               for video in videos if video.id in tombs]
    return [video for video in videos if video.id not in tombs], refused


def _emptied(video: Video) -> Video:
    return Video(video.id, "", first_seen=video.first_seen, state=FORGOTTEN)


def _tombs(path: Path) -> set[str]:
    return {tombstone.video_id for tombstone in read_tombstones(DataFolder(path.parent).forgotten)}


def _rows(text: str) -> Iterator[tuple[list[str], str]]:
    """Each row with the text it was read from; a quoted value may hold line breaks."""
    lines: list[str] = []

    def taken() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            lines.append(line)
            yield line

    for row in csv.reader(taken(), strict=True):
        yield row, "".join(lines)
        lines.clear()


def _line(values: tuple[str, ...]) -> str:
    """One CSV line. Written with CR LF, so that csv quotes either character inside a value, and ended with LF for git."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue().removesuffix("\r\n") + "\n"
