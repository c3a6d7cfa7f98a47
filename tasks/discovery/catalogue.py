"""data/videos.csv: the list to work from. Rows are only ever added, at the end; their order is the order of work."""

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from pathlib import Path

from tasks.errors import InputError
from tasks.schema import Video
from tasks.storage.atomic import write_whole

COLUMNS = tuple(field.name for field in fields(Video))


def read_catalogue(path: Path) -> list[Video]:
    """The listed videos in order; none when there is no list yet.

    Raises InputError naming the first line that is not a video.
    """
    if not path.exists():
        return []
    videos: dict[str, Video] = {}
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
                videos[video.id] = video
    except (ValueError, csv.Error) as error:  # UnicodeDecodeError is a ValueError
        raise InputError(f"{path}: line {rows.line_num}: {error}", "restore it from git or correct the line") from error
    return list(videos.values())


def append_videos(path: Path, videos: Iterable[Video], first_seen: str = "") -> list[Video]:
    """Add the videos that are not listed yet and return them as listed.

    first_seen: ISO date of this run (UTC), for rows that do not say.
    The file is written whole or not at all; existing rows stay byte for byte.
    """
    known = {video.id for video in read_catalogue(path)}
    added: dict[str, Video] = {}
    for video in videos:
        if video.id not in known:
            added.setdefault(video.id, video if video.first_seen else replace(video, first_seen=first_seen))
    if added:
        old = path.read_text(encoding="utf-8") if path.exists() else _line(COLUMNS)
        new = "".join(_line(tuple(asdict(video).values())) for video in added.values())
        write_whole(path, (old if old.endswith("\n") else f"{old}\n").encode() + new.encode())
    return list(added.values())


def _line(values: tuple[str, ...]) -> str:
    """One CSV line. Written with CR LF, so that csv quotes either character inside a value, and ended with LF for git."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue().removesuffix("\r\n") + "\n"
