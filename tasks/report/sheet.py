"""The contact sheet of one video: the kept pictures with their likeliest words, and what was left out with its reason.

It is an SVG with the pictures inside: whoever looks has fonts for the words of every language, which Pillow has not.
"""

import base64
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from tasks.errors import IntegrityError
from tasks.report.books import Labels, read_labels, word_sum
from tasks.report.pictures import Thumbnail, read_jpegs, shrink
from tasks.report.timeline import text_width
from tasks.report.wording import clock, percent, visible
from tasks.storage.artefact import digest_json, read_record, read_table
from tasks.storage.atomic import write_whole

VERSION = 1  # raise it when the same labels would give another picture
MAX_BYTES = 150_000
# How many pictures, at which WebP quality: the first that stays within MAX_BYTES. The last always does.
EFFORTS = ((16, 60), (16, 30), (8, 30), (4, 10))
WEBP_EFFORT = 2  # 0-6; 4 % larger than at 4, for two thirds of the time with decoding
LEFT_OUT_SHOWN = 22
LABELS = 3
REASONS = {"duplicate": "repeats"}  # "repeats 0:12", "8 repeats"

WIDTH, MARGIN, GAP, COLUMNS = 880, 20, 14, 4  # px, as all lengths here
TILE = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) // COLUMNS
PICTURE_PX = 256  # a little finer than shown, for screens of high density
HEAD, WORD_LINE, TIME_LINE = 98, 21, 19
SMALL, SMALL_GAP, SMALL_COLUMNS, SMALL_LINE = 66, 11, 11, 30
STYLE = """text{font-family:system-ui,sans-serif;fill:#1a1a1a}.name{font-size:22px;font-weight:600}.sub{font-size:15px;fill:#555}
.time{font-size:13px;fill:#666}.best{font-size:17px;font-weight:600}.more{font-size:16px}.chance,.none{fill:#767676;font-weight:400}
.why{font-size:11px;fill:#666}"""


def draw_sheet(title: str, labels: Path, out: Path, progress: Callable[[float], None]) -> dict[str, Any]:
    """Draw the labels in a folder (data/labels/<id>) as a picture of at most MAX_BYTES; done when it is there already.

    Raises IntegrityError when the labels are not there, torn, or of another shape.
    """
    mark = f'<!-- {digest_json([VERSION, read_record(labels / "examples.parquet")["fingerprint"], title])} -->'
    if out.is_file() and mark in out.read_text():
        return {"bytes": out.stat().st_size}
    for pictures, quality in EFFORTS:
        drawing = "\n".join((*_draw(title, labels, pictures, quality), mark, "</svg>")).encode()
        if len(drawing) <= MAX_BYTES:
            break
    write_whole(out, drawing)
    return {"bytes": len(drawing)}


def _draw(title: str, folder: Path, pictures: int, quality: int) -> Iterator[str]:
    labels = read_labels(folder)
    frames = labels.frames.select(["frame", "timestamp", "width", "height", "dropped", "duplicate_of"]).to_pylist()
    if not frames:
        raise IntegrityError(f"{folder}: no frames", "delete it and run again")
    kept = [frame for frame in frames if frame["dropped"] is None]
    left_out = [frame for frame in frames if frame["dropped"] is not None]
    shown, strip = _spread(kept, pictures), _spread(left_out, LEFT_OUT_SHOWN)
    words = {row["frame"]: row["labels"][:LABELS] for row in labels.examples.select(["frame", "labels"]).to_pylist()}
    box = round(min(1.0, frames[0]["height"] / frames[0]["width"]) * TILE)
    small_box = round(SMALL * box / TILE)
    places, below = _place(shown, words, box)
    height = below + (26 + -(-len(strip) // SMALL_COLUMNS) * (small_box + SMALL_LINE) if strip else 0) + 10
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">'
           f'<style>{STYLE}</style><rect width="100%" height="100%" rx="8" fill="#fff"/>')
    yield _text(MARGIN, 38, "name", title, room=WIDTH - 2 * MARGIN, px=22)
    yield _text(MARGIN, 64, "sub", _tell(labels, len(kept), len(shown)))
    yield _text(MARGIN, 84, "time", "A word's per cent: how likely the picture shows it.")
    jpegs = read_jpegs(folder / "frames.parquet", places)
    for frame in shown:
        number = frame["frame"]
        small = shrink(jpegs[number], PICTURE_PX, quality, WEBP_EFFORT) if number in jpegs else None
        yield from _kept(*places[number], box, frame, small, words.get(number, ()))
    if not strip:
        return
    yield _strip_title(below + 8, left_out, len(strip))
    colours = read_table(folder / "frames.parquet", ["layout"])["layout"]
    for place, frame in enumerate(strip):
        x = MARGIN + place % SMALL_COLUMNS * (SMALL + SMALL_GAP)
        y = below + 20 + place // SMALL_COLUMNS * (small_box + SMALL_LINE)
        repeated = frame["duplicate_of"]
        picture = _repeat(repeated, places[repeated], box) if repeated in places else _mosaic(colours[frame["frame"]].as_py())
        yield f'<svg x="{x}" y="{y}" width="{SMALL}" height="{small_box}" {picture}</svg>'
        yield _text(x, y + small_box + 12, "why", clock(frame["timestamp"]))
        of = "" if repeated is None else f" {clock(frames[repeated]['timestamp'])}"
        yield _text(x, y + small_box + 24, "why", REASONS.get(frame["dropped"], frame["dropped"]) + of, SMALL + SMALL_GAP, 11)


def _tell(labels: Labels, kept: int, shown: int) -> str:
    """The video in one line of numbers."""
    spoken = word_sum(labels)
    more = f" ({shown} shown)" if shown < kept else ""
    return (f"{kept:,} of {labels.frames.num_rows:,} pictures kept{more} · {spoken.parts[0][1]:,} key words of "
            f"{spoken.total:,} heard · {labels.engine} · {clock(labels.frames['end'][-1].as_py())}")


def _place(
    shown: Sequence[Mapping[str, Any]], words: Mapping[int, Sequence[Any]], box: int) -> tuple[dict[int, tuple[int, int]], int]:
    """Where each picture stands, row by row, and where the rows end."""
    places, top = dict[int, tuple[int, int]](), HEAD
    for start in range(0, len(shown), COLUMNS):
        row = [frame["frame"] for frame in shown[start:start + COLUMNS]]
        places.update({frame: (MARGIN + column * (TILE + GAP), top) for column, frame in enumerate(row)})
        top += box + TIME_LINE + max(1, *(len(words.get(frame, ())) for frame in row), 1) * WORD_LINE + GAP
    return places, top


def _spread(frames: Sequence[dict[str, Any]], many: int) -> list[dict[str, Any]]:
    """At most so many of them, evenly from first to last."""
    if len(frames) <= many:
        return list(frames)
    return [frames[place * (len(frames) - 1) // (many - 1)] for place in range(many)]


def _kept(
    x: int, y: int, box: int, frame: Mapping[str, Any], small: Thumbnail | None, labels: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    if small is not None:
        yield f'<image id="f{frame["frame"]}" x="{x}" y="{y}" width="{TILE}" height="{box}" href="{small.address}"/>'
    yield _text(x, y + box + 15, "time", clock(frame["timestamp"]))
    below = y + box + TIME_LINE
    if not labels:
        yield _text(x, below + 16, "more none", "no word")
    for line, label in enumerate(labels, start=1):
        chance = percent(label["weight"])
        word = _fit(label["label"], TILE - text_width(chance, 17) - 8, 17)
        yield (f'<text x="{x}" y="{below + line * WORD_LINE - 5}" class="{"best" if line == 1 else "more"}">{word}'
               f'<tspan class="chance" dx="7">{chance}</tspan></text>')


def _strip_title(top: int, left_out: Sequence[Mapping[str, Any]], shown: int) -> str:
    reasons = Counter(REASONS.get(frame["dropped"], frame["dropped"]) for frame in left_out).most_common()
    more = f" ({shown} shown)" if shown < len(left_out) else ""
    return _text(MARGIN, top, "sub", f"Left out{more}: " + ", ".join(f"{count:,} {reason}" for reason, count in reasons))


def _repeat(frame: int, place: tuple[int, int], box: int) -> str:
    """The picture of a frame that is on the sheet, once more, as attributes and content of an <svg>."""
    return f'viewBox="{place[0]} {place[1]} {TILE} {box}" opacity=".6"><use href="#f{frame}"/>'


def _mosaic(layout: bytes) -> str:
    """What was kept of a picture, a 4 x 4 grid of (Y, Cb, Cr), as attributes and content of an <svg>."""
    buffer = io.BytesIO()
    Image.frombytes("YCbCr", (4, 4), layout).convert("RGB").save(buffer, "PNG")
    address = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return f'opacity=".8"><image width="100%" height="100%" preserveAspectRatio="none" href="{address}"/>'


def _text(x: int, y: int, style: str, text: str, room: float = float("inf"), px: float = 1.0) -> str:
    return f'<text x="{x}" y="{y}" class="{style}">{_fit(text, room, px)}</text>'


def _fit(text: str, room: float, px: float) -> str:
    """The text as far as there is room, escaped."""
    text = visible(text)
    if text_width(text, px) > room:
        while text and text_width(text + "…", px) > room:
            text = text[:-1]
        text += "…"
    return escape(text)
