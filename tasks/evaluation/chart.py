"""Lines and texts of an SVG: everything in the file, nothing fetched, a white ground of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

INK, SOFT, GRID = "#1a1a1a", "#5c5c5c", "#e4e4e4"
COLOURS = ("#0b6e4f", "#c4631c", "#3066be", "#8a3fa0")
RIGHT, DOUBTFUL, WRONG = "#1a8a4f", "#d99a1b", "#c4362c"
FONT = "system-ui,'DejaVu Sans',sans-serif"
LETTER = 0.56  # mean width of a letter, in font sizes


@dataclass(frozen=True)
class Line:
    """points: (x, y). hollow: which of them are drawn as rings; strong: as large dots."""

    name: str
    points: Sequence[tuple[float, float]]
    hollow: frozenset[int] = frozenset()
    strong: frozenset[int] = frozenset()


def page(width: int, height: int, parts: Iterable[str]) -> bytes:
    """A whole SVG file. width, height: px."""
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'font-family="{FONT}" font-size="14" fill="{INK}"><rect width="{width}" height="{height}" rx="8" fill="#fff"/>')
    return "\n".join([head, *parts, "</svg>\n"]).encode()


def text(x: float, y: float, said: object, *, size: int = 14, colour: str = INK, bold: bool = False, anchor: str = "start",
         room: float = 10_000) -> str:
    """One line of text. room: px that it may take; a longer one ends in an ellipsis."""
    shown = "".join(sign if sign.isprintable() else " " for sign in str(said))
    letters = max(1, int(room / (size * LETTER)))
    shown = shown if len(shown) <= letters else shown[:letters - 1] + "…"
    weight = ' font-weight="600"' if bold else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}>'
            f"{escape(shown)}</text>")


def box(x: float, y: float, width: float, height: float, fill: str, *, stroke: str = "none", thick: float = 0) -> str:
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="{thick:g}"/>')


def plot(
    left: float, top: float, width: float, height: float, lines: Sequence[Line], *, across: Sequence[tuple[float, str]],
    up: tuple[float, float], percent: bool,
) -> Iterable[str]:
    """Lines over a grid, each named at its right end. across: labelled places of the x axis. up: range of y."""
    low, high = up
    first, last = across[0][0], across[-1][0]

    def place(point: tuple[float, float]) -> tuple[float, float]:
        share = (point[0] - first) / (last - first) if last > first else 0.5
        return left + share * width, top + height - (point[1] - low) / (high - low) * height

    for step in range(5):
        value = low + (high - low) * step / 4
        y = place((first, value))[1]
        yield f'<path d="M{left} {y:.1f}h{width}" stroke="{GRID}"/>'
        yield text(left - 8, y + 5, f"{100 * value:.0f} %" if percent else f"{value:.3g}", size=13, colour=SOFT, anchor="end")
    for value, said in across:
        yield text(place((value, low))[0], top + height + 20, said, size=13, colour=SOFT, anchor="middle")
    ends = spread([place(line.points[-1])[1] for line in lines], 18)
    for line, end, colour in zip(lines, ends, COLOURS, strict=False):
        places = [place(point) for point in line.points]
        if len(places) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>'
        for at, (x, y) in enumerate(places):
            if at in line.hollow or at in line.strong or len(places) <= 12:
                fill, radius = ("#fff" if at in line.hollow else colour), (7 if at in line.strong else 4)
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        yield text(left + width + 14, end + 5, line.name, colour=colour, bold=True)


def spread(places: Sequence[float], apart: float) -> list[float]:
    """The places, moved down where they would come closer than `apart` to the one above."""
    moved = list(places)
    order = sorted(range(len(places)), key=places.__getitem__)
    for above, below in pairwise(order):
        moved[below] = max(moved[below], moved[above] + apart)
    return moved


def round_range(values: Sequence[float]) -> tuple[float, float]:
    """A range around some values whose quarters are short numbers."""
    low, high = min(values), max(values)
    step = next(step for power in range(-4, 12) for step in (10.0**power, 2 * 10.0**power, 5 * 10.0**power)
                if (low // step) * step + 4 * step >= high)
    start = (low // step) * step
    return start, start + 4 * step
