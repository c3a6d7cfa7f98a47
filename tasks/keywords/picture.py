"""Associations as a picture: each row a word, behind it the words it goes with."""

import math
import unicodedata
from collections import Counter
from html import escape
from typing import Any

import pyarrow as pa

MAX_ROWS, MAX_CHIPS = 14, 8
WIDTH, MARGIN, TOP, ROW = 960, 24, 92, 40  # px
CHIP, GAP = 30, 8  # px: height of a chip, space between two
FONT = "font-family='system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif'"
KIND_COLOURS = {"verb": "#c2410c", "noun": "#1d4ed8", None: "#334155"}
PALE, DEEP = (224, 236, 250), (30, 86, 160)  # of a chip: at chance, never said apart


def associations_picture(table: pa.Table) -> bytes:
    """The strongest significant pairs as an SVG, for a page or a file of its own.

    table: schema ASSOCIATIONS, the surest pairs first. Each pair is shown once, in the row of its verb if it has one.
    """
    pairs = [row for row in table.to_pylist() if row["significant"]]
    rows = _rows(pairs)
    start = MARGIN + max((_width(row["word"], 16) for row in rows), default=0) + 24
    most = max((pair["together"] for pair in pairs), default=1)
    drawn = [part for at, row in enumerate(rows) for part in _draw_row(row, start, TOP + ROW * at, most)]
    shown = sum(part.startswith("<g>") for part in drawn)
    sentences = table["sentences"][0].as_py() if len(table) else 0
    height = TOP + ROW * max(1, len(rows)) + MARGIN
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' "
        f"role='img' aria-label='Words that go together' {FONT}>",
        f"<rect width='{WIDTH}' height='{height}' fill='#ffffff'/>",
        _text(MARGIN, 34, "Words that go together", 20, "#0f172a", bold=True),
        _text(MARGIN, 56, f"Said in one sentence more often than by chance: {shown} of {len(pairs)} significant pairs, "
              f"from {sentences:,} sentences.", 13, "#475569"),
        *_legend()]
    if not rows:
        parts.append(_text(MARGIN, TOP + 20, "No pair is beyond chance yet. More videos are needed.", 15, "#475569"))
    return "\n".join([*parts, *drawn, "</svg>\n"]).encode()


def _rows(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Words with the pairs they head: verbs first, then by the number of sentences left; the surest pair first."""
    kinds: dict[str, str | None] = {}
    for pair in pairs:
        kinds[pair["first"]], kinds[pair["second"]] = pair["first_kind"], pair["second_kind"]
    left = list(pairs)
    rows: list[dict[str, Any]] = []
    while left and len(rows) < MAX_ROWS:
        heard: Counter[str] = Counter()
        for pair in left:
            heard.update({pair["first"]: pair["together"], pair["second"]: pair["together"]})
        head = min(heard, key=lambda word: (kinds[word] != "verb", -heard[word], word))
        mine = [pair for pair in left if head in (pair["first"], pair["second"])]
        left = [pair for pair in left if head not in (pair["first"], pair["second"])]
        chips = [{**pair, "word": pair["second"] if pair["first"] == head else pair["first"]} for pair in mine[:MAX_CHIPS]]
        rows.append({"word": head, "kind": kinds[head], "chips": [{**chip, "kind": kinds[chip["word"]]} for chip in chips]})
    return rows


def _draw_row(row: dict[str, Any], start: float, top: float, most: int) -> list[str]:
    middle = top + ROW / 2
    parts = [
        f"<line x1='{MARGIN}' x2='{WIDTH - MARGIN}' y1='{top + ROW:g}' y2='{top + ROW:g}' stroke='#e2e8f0'/>",
        _text(MARGIN, middle + 6, row["word"], 16, KIND_COLOURS[row["kind"]], bold=True)]
    left = start
    for chip in row["chips"]:
        bar = 6 + 44 * math.sqrt(chip["together"] / most)
        width = 12 + bar + 8 + _width(f"{chip['word']} ", 15) + _width(str(chip["together"]), 12) + 10
        if left + width > WIDTH - MARGIN:
            break
        hint = f"{row['word']} + {chip['word']}: {chip['together']} sentences, {2 ** chip['pmi']:.1f} times as many as by chance"
        word = f"{escape(chip['word'])} <tspan font-size='12' fill='#64748b'>{chip['together']}</tspan>"
        parts += [
            f"<g><title>{escape(hint)}</title>",
            f"<rect x='{left:.1f}' y='{middle - CHIP / 2:.1f}' width='{width:.1f}' height='{CHIP}' rx='8' "
            "fill='#f8fafc' stroke='#cbd5e1'/>",
            f"<rect x='{left + 12:.1f}' y='{middle - 6:.1f}' width='{bar:.1f}' height='12' rx='3' "
            f"fill='{_shade(chip['npmi'])}'/>",
            f"<text x='{left + 20 + bar:.1f}' y='{middle + 5:.1f}' font-size='15' "
            f"fill='{KIND_COLOURS[chip['kind']]}'>{word}</text>",
            "</g>"]
        left += width + GAP
    return parts


def _legend() -> list[str]:
    """What length, shade and colour mean."""
    return [
        f"<rect x='{MARGIN}' y='70' width='40' height='10' rx='3' fill='{_shade(0.5)}'/>",
        _text(MARGIN + 48, 80, "longer: in more sentences (the number)", 12, "#475569"),
        f"<rect x='320' y='70' width='20' height='10' rx='3' fill='{_shade(0.1)}'/>",
        f"<rect x='342' y='70' width='20' height='10' rx='3' fill='{_shade(1)}'/>",
        _text(370, 80, "darker: seldom said apart", 12, "#475569"),
        _text(560, 80, "verb", 12, KIND_COLOURS["verb"], bold=True), _text(594, 80, "noun", 12, KIND_COLOURS["noun"], bold=True),
        _text(632, 80, "other", 12, KIND_COLOURS[None], bold=True)]


def _text(x: float, y: float, text: str, size: int, colour: str, *, bold: bool = False) -> str:
    weight = " font-weight='600'" if bold else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' fill='{colour}'{weight}>{escape(text)}</text>"


def _width(text: str, size: int) -> float:
    """Px a text takes at most in a common sans-serif: 0.62 of its size a letter, all of it for a Chinese character."""
    return sum(size * (1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.62) for letter in text)


def _shade(npmi: float) -> str:
    share = min(1.0, max(0.0, npmi))
    red, green, blue = (round(pale + share * (deep - pale)) for pale, deep in zip(PALE, DEEP, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"
