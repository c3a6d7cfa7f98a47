"""Where everything of a video lies on its timeline: pictures above, words below, at their own times.

The timeline is written like music: rows of about ROW_SECONDS, one below the other, all of a video at one scale. Lengths are px
of the SVG; y counts from the top of a row.
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

ROW_SECONDS = 20.0
ROW_WIDTH, WIDTH = 1080.0, 1128.0  # a row, and the same with room for the word that begins at its end
TICK_SECONDS = 5
MANY_ROWS = 5  # from here on a stub at the end is no matter

AXIS = 18.0
PICTURE_TOP, PICTURE_HEIGHT, PICTURE_MIN_WIDTH, PICTURE_GAP = 22.0, 76.0, 20.0, 5.0
BAR_TOP = PICTURE_TOP + PICTURE_HEIGHT + 4
KEYS_TOP = BAR_TOP + 46  # room for the lines between
KEY_PX, KEY_LANE = 14.0, 20.0
WORD_PX, WORD_LANE = 11.5, 15.0
ROW_GAP = 28.0
BAR_GAP = 2.0  # between the bars of two different pictures
ARROW_WIDTH = 44.0  # "→ 12:34" after a word whose picture lies in another row
NEAR_SECONDS = 8.0  # a key word this near a picture that has it as a label was counted there, though another saying weighs more
MAX_LETTERS = 24
WIDE_EM, NARROW_EM = 1.0, 0.58  # generous widths of a letter: words may stand apart, never on each other


@dataclass(frozen=True)
class Ruler:
    """The times of one row: from `start`, `seconds` long, ROW_WIDTH px wide."""

    start: float
    seconds: float

    @property
    def end(self) -> float:
        return self.start + self.seconds

    def holds(self, time: float) -> bool:
        return self.start <= time < self.end

    def x(self, time: float) -> float:
        """Where a time stands; what is outside the row stands at its edge."""
        return ROW_WIDTH * min(1.0, max(0.0, (time - self.start) / self.seconds))


@dataclass(frozen=True)
class Sample:
    """One sampled frame: a kept picture, or a dropped one with its reason.

    bar: (x, width) of the time it stays on screen. shows: the kept frame that it is or repeats, if any, first seen at `first`.
    """

    frame: int
    x: float
    width: float
    bar: tuple[float, float]
    timestamp: float
    until: float
    dropped: str | None
    shows: int | None
    first: float = 0.0
    labels: tuple[str, ...] = ()
    continued: bool = False  # on screen since the row before


@dataclass(frozen=True)
class Spoken:
    """One word. Key words carry the chance `weight` that the picture `frame` shows them, and the line that joins them.

    elsewhere: time of that picture when it lies in another row. again: said once more near a picture that it is a label of.
    """

    text: str
    x: float
    y: float
    start: float
    why_not: str | None
    weight: float | None = None
    line: str = ""
    elsewhere: float | None = None
    again: bool = False


@dataclass(frozen=True)
class Row:
    """One row; `top` is its place in the whole drawing, `length` how far the video reaches in it."""

    ruler: Ruler
    top: float
    height: float
    length: float
    ticks: tuple[tuple[float, float], ...]
    samples: tuple[Sample, ...]
    keys: tuple[Spoken, ...]
    words: tuple[Spoken, ...]

    def at_top(self) -> "Row":
        """The same row, drawn alone."""
        return replace(self, top=0.0)


@dataclass
class _Lanes:
    """Words side by side in as few lanes as keep them apart; the first lane that is free takes the next word."""

    ends: list[float] = field(default_factory=list)

    def place(self, x: float, width: float) -> int:
        for lane, end in enumerate(self.ends):
            if end <= x:
                self.ends[lane] = x + width
                return lane
        self.ends.append(x + width)
        return len(self.ends) - 1


def draw_rows(
    frames: Sequence[Mapping[str, Any]], examples: Sequence[Mapping[str, Any]], words: Sequence[Mapping[str, Any]],
    seconds: float, max_rows: int,
) -> list[Row]:
    """The rows of a timeline, at most `max_rows`.

    frames, examples, words: rows as in schema FRAMES (without jpeg), EXAMPLES and WORDS, in order of time.
    seconds: how long the video is.
    """
    shown = {example["frame"]: example for example in examples}
    best: dict[int, tuple[float, int]] = {}
    for example in examples:
        for label in example["labels"]:
            if label["weight"] > best.get(label["word_index"], (0.0, 0))[0]:
                best[label["word_index"]] = (label["weight"], example["frame"])
    rows: list[Row] = []
    top = 0.0
    for ruler in rulers(seconds)[:max_rows]:
        # The last sample of the row before is drawn again while it is still on screen.
        on_screen = [one for one in frames if one["end"] > ruler.start and one["timestamp"] < ruler.end]
        samples = _place_samples(on_screen, shown, ruler)
        spoken = [one for one in words if ruler.holds(one["start"])]
        keys, lanes = _place_keys([one for one in spoken if one["why_not"] is None], best, shown, samples, ruler)
        words_top = KEYS_TOP + max(1, lanes) * KEY_LANE + 4
        rest, lanes = _place_words([one for one in spoken if one["why_not"] is not None], ruler, words_top)
        height = words_top + max(1, lanes) * WORD_LANE
        first = math.ceil(ruler.start / TICK_SECONDS)
        last = math.floor(min(ruler.end, max(seconds, ruler.start)) / TICK_SECONDS)
        ticks = tuple((ruler.x(tick * TICK_SECONDS), float(tick * TICK_SECONDS)) for tick in range(first, last + 1))
        rows.append(Row(ruler, top, height, ruler.x(seconds), ticks, samples, keys, rest))
        top += height + ROW_GAP
    return rows


def rulers(seconds: float) -> list[Ruler]:
    """Rows of equal length: of ROW_SECONDS for a long video, and so that no stub is left of a short one."""
    if seconds > MANY_ROWS * ROW_SECONDS:
        return [Ruler(row * ROW_SECONDS, ROW_SECONDS) for row in range(math.ceil(seconds / ROW_SECONDS))]
    count = max(1, round(seconds / ROW_SECONDS))
    length = max(seconds / count, ROW_SECONDS / 2)
    return [Ruler(row * length, length) for row in range(count)]


def _place_samples(
    frames: Sequence[Mapping[str, Any]], shown: Mapping[int, Mapping[str, Any]], ruler: Ruler,
) -> tuple[Sample, ...]:
    samples: list[Sample] = []
    for frame, after in zip(frames, [*frames[1:], None], strict=False):
        x = ruler.x(frame["timestamp"])
        room = (ROW_WIDTH if after is None else ruler.x(after["timestamp"])) - x - PICTURE_GAP
        width = min(PICTURE_HEIGHT * frame["width"] / max(frame["height"], 1), room)
        same = after is not None and _shows(frame) == _shows(after) is not None
        bar = max(1.0, ruler.x(frame["end"]) - x - (0.0 if same else BAR_GAP))
        example = shown.get(-1 if (shows := _shows(frame)) is None else shows)
        samples.append(Sample(
            frame["frame"], x, width if width >= PICTURE_MIN_WIDTH else 0.0, (x, bar), frame["timestamp"], frame["end"],
            frame["dropped"], None if example is None else shows, 0.0 if example is None else example["timestamp"],
            () if example is None else tuple(label["label"] for label in example["labels"]), frame["timestamp"] < ruler.start))
    return tuple(samples)


def _shows(frame: Mapping[str, Any]) -> int | None:
    """The frame whose picture is on screen: itself when kept, else the one it repeats."""
    shows: int | None = frame["frame"] if frame["dropped"] is None else frame["duplicate_of"]
    return shows


def _place_keys(
    words: Sequence[Mapping[str, Any]], best: Mapping[int, tuple[float, int]], shown: Mapping[int, Mapping[str, Any]],
    samples: Sequence[Sample], ruler: Ruler,
) -> tuple[tuple[Spoken, ...], int]:
    """Key words in the lanes nearest the pictures, each joined to the picture it most likely names."""
    lanes, placed = _Lanes(), []
    for word in words:
        x = ruler.x(word["start"])
        weight, frame = best.get(word["word_index"], (None, 0))
        picture = _nearest(samples, frame, word["start"]) if weight is not None else None
        elsewhere = shown[frame]["timestamp"] if weight is not None and picture is None else None
        text = _cap(word["word"])
        width = text_width(text, KEY_PX) + (0 if elsewhere is None else ARROW_WIDTH)
        y = KEYS_TOP + lanes.place(x, width + 8) * KEY_LANE
        line = ""
        if picture is not None:
            line = _join(x + text_width(text, KEY_PX) / 2, y - KEY_PX, picture)
        again = weight is None and _is_label_nearby(word, shown.values())
        placed.append(Spoken(text, x, y, word["start"], None, weight, line, elsewhere, again))
    return tuple(placed), len(lanes.ends)


def _place_words(words: Sequence[Mapping[str, Any]], ruler: Ruler, top: float) -> tuple[tuple[Spoken, ...], int]:
    lanes, placed = _Lanes(), []
    for word in words:
        x = ruler.x(word["start"])
        text = _cap(word["word"])
        lane = lanes.place(x, text_width(text, WORD_PX) + 4)
        placed.append(Spoken(text, x, top + lane * WORD_LANE, word["start"], word["why_not"]))
    return tuple(placed), len(lanes.ends)


def _is_label_nearby(word: Mapping[str, Any], examples: Iterable[Mapping[str, Any]]) -> bool:
    return any(
        example["timestamp"] - NEAR_SECONDS <= word["start"] <= example["until"] + NEAR_SECONDS
        and any(label["label"] == word["lemma"] for label in example["labels"]) for example in examples)


def _nearest(samples: Sequence[Sample], frame: int, time: float) -> Sample | None:
    """The showing of a kept frame nearest to a time, the frame itself or a repeat of it; None when not in this row."""
    return min((one for one in samples if one.shows == frame), key=lambda one: abs(one.timestamp - time), default=None)


def _join(x: float, y: float, picture: Sample) -> str:
    """An SVG path from a word up to the bar under its picture."""
    end = picture.x + max(picture.width, 8.0) / 2
    middle = (y + BAR_TOP) / 2
    return f"M{x:.1f} {y:.1f}C{x:.1f} {middle:.1f} {end:.1f} {middle:.1f} {end:.1f} {BAR_TOP + 6:.1f}"


def _cap(word: str) -> str:
    return word if len(word) <= MAX_LETTERS else word[:MAX_LETTERS - 1] + "…"


def text_width(text: str, px: float) -> float:
    return sum(WIDE_EM if unicodedata.east_asian_width(letter) in "WF" else NARROW_EM for letter in text) * px
