"""When each picture is on screen: a kept frame from its own time on, and again whenever a later frame repeats it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Screen:
    """Kept frames in order of time, and the spans during which one of them, or a repeat of it, is on screen.

    frame, timestamp, until: shape (pictures,); `until` ends the first span of each.
    picture, start, end: shape (spans,), in order of time and without overlap; `picture` counts from 0.
    """

    frame: Ints
    timestamp: Floats
    until: Floats
    picture: Ints
    start: Floats
    end: Floats


def on_screen(frames: pa.Table) -> Screen:
    """The spans of every kept frame of one video, from all its sampled frames (schema FRAMES; `jpeg` is not needed).

    A frame that is neither kept nor the repeat of a kept one shows nothing: it ends a span and begins none.
    """
    rows = frames.select(["frame", "timestamp", "end", "dropped", "duplicate_of"]).sort_by("timestamp").to_pylist()
    picture_of: dict[int, int] = {}  # frame -> picture
    kept: list[tuple[int, float]] = []
    spans: list[tuple[int, float, float]] = []
    for row in rows:
        if row["dropped"] is None:
            picture_of[row["frame"]] = len(kept)
            kept.append((row["frame"], row["timestamp"]))
        elif row["duplicate_of"] in picture_of:
            picture_of[row["frame"]] = picture_of[row["duplicate_of"]]
        picture = picture_of.get(row["frame"])
        if picture is None:
            continue
        if spans and spans[-1][0] == picture and spans[-1][2] == row["timestamp"]:
            spans[-1] = (picture, spans[-1][1], row["end"])
        else:
            spans.append((picture, row["timestamp"], row["end"]))
    frame, timestamp = np.array(kept, dtype=np.float64).reshape(-1, 2).T
    shown, start, end = np.array(spans, dtype=np.float64).reshape(-1, 3).T
    _, first = np.unique(shown, return_index=True)  # every kept frame has a span, the first of which is its own
    return Screen(frame.astype(np.int64), timestamp, end[first], shown.astype(np.int64), start, end)
