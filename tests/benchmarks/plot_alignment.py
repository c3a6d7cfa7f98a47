"""Curves as a small SVG: panels side by side, four to a row."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIDE, MARGIN, GAP, LEGEND = 220, 46, 26, 34  # px
COLUMNS = 4
COLOURS = ("#0b6e4f", "#e0a030", "#c44536", "#3066be")


class Curve(NamedTuple):
    """Points with 0-1 coordinates: recall and precision, or weight and the share that is right."""

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]


class Panel(NamedTuple):
    title: str
    lines: Mapping[str, Curve]
    across: str = "recall"
    up: str = "precision"


def draw_panels(panels: Sequence[Panel]) -> str:
    cell, rows = SIDE + MARGIN + GAP, -(-len(panels) // COLUMNS)
    width, height = COLUMNS * cell + GAP, rows * (cell + GAP) + LEGEND
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>']
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines if name != "perfect"))
    for at, name in enumerate(names):
        x = MARGIN + at * 220
        parts.append(f'<path d="M{x} 18h26" stroke="{COLOURS[at]}" stroke-width="2.5"/><text x="{x + 32}" y="22">{name}</text>')
    for at, panel in enumerate(panels):
        x, y = MARGIN + at % COLUMNS * cell, LEGEND + GAP + at // COLUMNS * (cell + GAP)
        parts.append(f'<g transform="translate({x},{y})">{"".join(_panel(panel, names))}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: Panel, names: Sequence[str]) -> list[str]:
    parts = [f'<text x="{SIDE / 2}" y="-8" text-anchor="middle" font-weight="bold">{panel.title}</text>']
    for tick in (0, 0.25, 0.5, 0.75, 1):
        at = tick * SIDE
        parts.append(f'<path d="M0 {at}h{SIDE}M{at} 0v{SIDE}" stroke="#ddd" fill="none"/>'
                     f'<text x="{at}" y="{SIDE + 15}" text-anchor="middle" fill="#666">{tick:g}</text>'
                     f'<text x="-6" y="{SIDE - at + 4}" text-anchor="end" fill="#666">{tick:g}</text>')
    parts.append(f'<text x="{SIDE / 2}" y="{SIDE + 30}" text-anchor="middle">{panel.across}</text>'
                 f'<text x="-34" y="{SIDE / 2}" text-anchor="middle" transform="rotate(-90,-34,{SIDE / 2})">{panel.up}</text>')
    for name, line in panel.lines.items():
        colour = COLOURS[names.index(name)] if name in names else "#999"
        points = " ".join(f"{SIDE * x:.1f},{SIDE * (1 - y):.1f}" for x, y in zip(line.recall, line.precision, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return parts
