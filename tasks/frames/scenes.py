"""The start of each scene, found by looking at the pictures themselves; costs a full decode."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from tasks.params import FramesParams

GRID = (32, 18)  # width, height of the picture that is compared
CHANGED = 16  # a cell is another when its mean luma or colour moved by more, of 255
MOVING = 2  # a cell is moving when it changed by more since the frame before
STEADY_SHARE = 0.02  # of the cells may move once a scene has settled


def scene_frames(frames: Iterator[tuple[float, Any]], params: FramesParams) -> Iterator[tuple[float, Any]]:
    """(timestamp, frame) of the first picture of each scene, or the first steady one after a dissolve, in order of time.

    frames: every frame of the video. A scene begins when `scene_threshold` of the picture differs from how the last
    one began. A picture that never settles is taken after `every_seconds`.
    """
    scaler = VideoReformatter()
    begun: NDArray[np.int16] | None = None
    before: NDArray[np.int16] | None = None
    last = 0.0
    for time, frame in frames:
        small = scaler.reformat(frame, *GRID, "yuv444p", interpolation=Interpolation.AREA, threads=1)
        cells = small.to_ndarray().astype(np.int16)
        if begun is None or before is None or (_change(cells, begun, CHANGED) >= params.scene_threshold and (
                _change(cells, before, CHANGED) >= params.scene_threshold  # a cut
                or _change(cells, before, MOVING) <= STEADY_SHARE
                or time - last >= params.every_seconds)):
            yield time, frame
            begun, last = cells, time
        before = cells


def _change(a: NDArray[np.int16], b: NDArray[np.int16], levels: int) -> float:
    """Share of cells that differ by more than `levels` in luma or colour, 0-1. a, b: (3, height, width)."""
    return float((np.abs(a - b) > levels).any(axis=0).mean())
