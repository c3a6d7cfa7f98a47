"""What was found, as one picture to look at: the best first, each with its words, their chances and where to watch it."""

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFont

from tasks.errors import IntegrityError
from tasks.search.find import Found, percent
from tasks.storage.atomic import staged_file

TILE, RATIO, COLUMNS = 320, 9 / 16, 4
MARGIN, GAP, HEAD = 32, 20, 96
TITLE, BAR_LINE, MOST_BARS = 28, 21, 3
PAPER, INK, MUTED, BAR, ACCENT = "#fdfdfc", "#1a1a19", "#66645f", "#e2e0da", "#1d4fd7"


def draw_sheet(found: Sequence[Found], words: Sequence[str], searched: int, out: Path) -> None:
    """Write the sheet as PNG, whole or not at all. searched: among how many pictures.

    Raises IntegrityError when a shard no longer holds a picture that was found there.
    """
    rows = -(-len(found) // COLUMNS)
    columns = max(2, min(COLUMNS, len(found)))
    box = round(TILE * RATIO)
    high = box + TITLE + BAR_LINE * min(MOST_BARS, len(words)) + GAP
    size = (2 * MARGIN + columns * (TILE + GAP) - GAP, HEAD + rows * high - GAP + MARGIN)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    _text(draw, (MARGIN, 24), " + ".join(words), 28, INK, size[0] - 2 * MARGIN)
    said = f"best {len(found)} of {searched:,} pictures; a bar is the chance that the word is seen"
    _text(draw, (MARGIN, 60), said, 16, MUTED, size[0] - 2 * MARGIN)
    for place, (one, jpeg) in enumerate(zip(found, read_pictures(found), strict=True)):
        x, y = MARGIN + place % columns * (TILE + GAP), HEAD + place // columns * high
        _picture(sheet, jpeg, (x, y, TILE, box))
        _below(draw, one, words, place + 1, x, y + box + 6)
    with staged_file(out) as staging:
        sheet.save(staging, "PNG")


def read_pictures(found: Sequence[Found]) -> list[bytes]:
    """The JPEG of each picture, from its shard; only the row groups that hold one are read."""
    jpegs: dict[tuple[Path, int], bytes] = {}
    for shard in sorted({one.shard for one in found}):
        wanted = sorted({one.row for one in found if one.shard == shard})
        try:
            with pq.ParquetFile(shard, memory_map=True) as file:
                start = 0
                for group in range(file.metadata.num_row_groups):
                    end = start + file.metadata.row_group(group).num_rows
                    inside = [row for row in wanted if start <= row < end]
                    if inside:
                        images = file.read_row_group(group, ["image"], use_threads=False)["image"]
                        jpegs.update({(shard, row): images[row - start].as_py()["bytes"] for row in inside})
                    start = end
        except (pa.ArrowException, OSError) as error:
            raise IntegrityError(f"{shard}: cannot be read ({error})", "run `framewords verify`") from error
    try:
        return [jpegs[one.shard, one.row] for one in found]
    except KeyError as error:
        raise IntegrityError(f"{error.args[0][0]}: has no row {error.args[0][1]}", "run `framewords verify`") from error


def _picture(sheet: Image.Image, jpeg: bytes, place: tuple[int, int, int, int]) -> None:
    """A picture in its box, whole."""
    x, y, width, height = place
    sheet.paste(BAR, (x, y, x + width, y + height))
    with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
        scale = min(width / image.width, height / image.height)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image.draft("RGB", size)
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    sheet.paste(small, (x + (width - size[0]) // 2, y + (height - size[1]) // 2))


def _below(draw: ImageDraw.ImageDraw, one: Found, words: Sequence[str], rank: int, x: int, y: int) -> None:
    """Place and time in its video, and a bar for each word (three of them fit)."""
    minutes, seconds = divmod(int(one.seconds), 60)
    time = f"{rank}.  {minutes}:{seconds:02}"
    _text(draw, (x, y), time, 16, INK, TILE)
    left = x + int(_font(16).getlength(time)) + 12
    _text(draw, (left, y), one.title or one.video_id, 16, MUTED, x + TILE - left)
    for line, (word, chance) in enumerate(list(zip(words, one.chances, strict=True))[:MOST_BARS]):
        top = y + TITLE - 4 + BAR_LINE * line
        draw.rectangle((x, top, x + TILE - 1, top + 17), fill=BAR)
        draw.rectangle((x, top, x + max(2, round(chance * (TILE - 1))), top + 17), fill="#b9c9f6")
        _text(draw, (x + 6, top + 1), word, 14, INK, TILE - 70)
        draw.text((x + TILE - 7, top + 1), percent(chance), INK, _font(14), anchor="ra")


def _text(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, size: int, colour: str, room: float) -> None:
    """Text as far as there is room."""
    font = _font(size)
    text = "".join(letter for letter in text if letter.isprintable())[:500]
    if font.getlength(text) > room:
        while text and font.getlength(text + "…") > room:
            text = text[:-1]
        text += "…"
    draw.text(place, text, colour, font)


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels carry one
    return font
