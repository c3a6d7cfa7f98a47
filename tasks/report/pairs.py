"""A picture of which words go together: two columns of words, joined by lines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LINE_HEIGHT = 26.0
LEFT, RIGHT, WIDTH = 150.0, 330.0, 480.0


@dataclass(frozen=True)
class PairsView:
    """What to draw. left, right: words with their heights. lines: SVG path and strength 0-1 of each pair, the surest first.

    table: the same pairs in numbers; pairs: how many are significant in all.
    """

    left: tuple[tuple[str, float], ...]
    right: tuple[tuple[str, float], ...]
    lines: tuple[tuple[str, float], ...]
    height: float
    table: Sequence[Mapping[str, Any]]
    pairs: int


def draw_pairs(associations: Sequence[Mapping[str, Any]], most: int) -> PairsView:
    """The surest significant pairs, at most `most`: what is done on the left, to what on the right, where that is known.

    associations: rows as in schema ASSOCIATIONS, the surest first.
    """
    significant = [row for row in associations if row["significant"]]
    table = significant[:most]
    degree = Counter(word for row in table for word in (row["first"], row["second"]))
    pairs = [_orient(row, degree) for row in table]
    left = _space_out(sorted({a for a, _ in pairs}, key=lambda word: (-degree[word], word)))
    places = {word: [left[a] for a, b in pairs if b == word] for _, word in pairs}
    right = _space_out(sorted(places, key=lambda word: (sum(places[word]) / len(places[word]), word)))
    lines = tuple((_curve(left[a], right[b]), min(1.0, max(0.0, row["npmi"]))) for (a, b), row in zip(pairs, table, strict=True))
    return PairsView(
        tuple(left.items()), tuple(right.items()), lines, LINE_HEIGHT * max(len(left), len(right), 1), table, len(significant))


def _orient(row: Mapping[str, Any], degree: Mapping[str, int]) -> tuple[str, str]:
    """Verb before noun; where the sentences do not tell, the word with more partners first."""
    first, second = row["first"], row["second"]
    if (row["first_kind"] == "verb") != (row["second_kind"] == "verb"):
        return (first, second) if row["first_kind"] == "verb" else (second, first)
    return (first, second) if degree[first] >= degree[second] else (second, first)


def _space_out(words: Sequence[str]) -> dict[str, float]:
    return {word: LINE_HEIGHT * (place + 0.5) for place, word in enumerate(words)}


def _curve(start: float, end: float) -> str:
    middle = (LEFT + RIGHT) / 2
    return f"M{LEFT + 8:.1f} {start:.1f}C{middle:.1f} {start:.1f} {middle:.1f} {end:.1f} {RIGHT - 8:.1f} {end:.1f}"
