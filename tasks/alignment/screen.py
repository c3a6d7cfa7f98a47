"""When each picture is on screen: a kept frame from its own time on, and again whenever a later frame repeats it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# Neighbouring samples of one shot differ by less, as the mean over their 4 x 4 layouts (0-255): on generated videos with
# moving pictures 95 % of them do, and 5 % of neighbours across a cut. What they show has one name.
SAME_VIEW_LEVELS = 6.0
VIEW_SECONDS = 12.0  # in a longer shot the talk moves on while the picture stays

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Screen:
    """Kept frames in order of time, and the spans during which one of them, or a repeat of it, is on screen.

    frame, timestamp, until: shape (pictures,); `until` ends the first span of each.
    view: pictures of one shot, and of the shots that repeat it, share a number, shape (pictures,).
    picture, start, end: shape (spans,), in order of time and without overlap; `picture` counts from 0.
    """

    frame: Ints
    timestamp: Floats
    until: Floats
    view: Ints
    picture: Ints
    start: Floats
    end: Floats


def on_screen(frames: pa.Table) -> Screen:
    """The spans of every kept frame of one video, from all its sampled frames (schema FRAMES; `jpeg` is not needed).

    A frame that is neither kept nor the repeat of a kept one shows nothing: it ends a span and begins none.
    """
    frames = frames.select(["frame", "timestamp", "end", "dropped", "duplicate_of", "layout"]).sort_by("timestamp")
    rows = frames.drop_columns("layout").to_pylist()
    layouts = np.frombuffer(b"".join(frames["layout"].to_pylist()), dtype=np.uint8).reshape(len(rows), 48).astype(np.float64)
    alike = np.append(False, np.abs(np.diff(layouts, axis=0)).mean(axis=1) < SAME_VIEW_LEVELS) if rows else np.empty(0, bool)
    picture_of: dict[int, int] = {}  # frame -> picture
    kept: list[tuple[int, float]] = []
    spans: list[tuple[int, float, float]] = []
    view: list[int] = []  # picture -> an earlier picture of the same view, or itself
    since = -np.inf  # when the shot began
    for row, same in zip(rows, alike.tolist(), strict=True):
        if row["dropped"] is None:
            picture_of[row["frame"]] = len(kept)
            view.append(len(kept))
            kept.append((row["frame"], row["timestamp"]))
        elif row["duplicate_of"] in picture_of:
            picture_of[row["frame"]] = picture_of[row["duplicate_of"]]
        picture = picture_of.get(row["frame"])
        if picture is None:
            continue
        follows = bool(spans) and spans[-1][2] == row["timestamp"]
        if follows and same and row["end"] - since <= VIEW_SECONDS:
            first, second = sorted((_first(view, picture), _first(view, spans[-1][0])))
            view[second] = first
        else:
            since = row["timestamp"]
        if follows and spans[-1][0] == picture:
            spans[-1] = (picture, spans[-1][1], row["end"])
        else:
            spans.append((picture, row["timestamp"], row["end"]))
    frame, timestamp = np.array(kept, dtype=np.float64).reshape(-1, 2).T
    shown, start, end = np.array(spans, dtype=np.float64).reshape(-1, 3).T
    _, first_span = np.unique(shown, return_index=True)  # every kept frame has a span, the first of which is its own
    views = np.array([_first(view, picture) for picture in range(len(view))], dtype=np.int64)
    return Screen(frame.astype(np.int64), timestamp, end[first_span], views, shown.astype(np.int64), start, end)


def distance_to(screen: Screen, picture: Ints, time: Floats) -> Floats:
    """Seconds that each time is behind the nearest span of its picture; negative when ahead of it, 0 within.

    picture, time: shape (pairs,).
    """
    order = np.argsort(screen.picture, kind="stable")
    begin = np.searchsorted(screen.picture[order], picture)
    count = np.searchsorted(screen.picture[order], picture, side="right") - begin
    pair, at = expand(begin, count)
    span = order[at]
    distance = np.maximum(time[pair] - screen.end[span], 0) - np.maximum(screen.start[span] - time[pair], 0)
    best = np.lexsort((np.abs(distance), pair))
    nearest: Floats = distance[best][np.cumsum(count) - count]
    return nearest


def expand(begin: Ints, count: Ints) -> tuple[Ints, Ints]:
    """(k, begin[k]), (k, begin[k] + 1) ... count[k] of them for each k, as two columns."""
    k = np.repeat(np.arange(len(count)), count)
    return k, np.arange(len(k)) - np.repeat(np.cumsum(count) - count - begin, count)


def _first(view: list[int], picture: int) -> int:
    while view[picture] != picture:
        picture = view[picture]
    return picture
