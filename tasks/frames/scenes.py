"""The start of each scene, found by looking at the pictures themselves; costs a full decode."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from tasks.params import FramesParams

GRID = (32, 18)  # width, height of the picture that is compared
CHANGED_LUMA = 16  # a cell is another when its mean luma moved by more
STEADY_SHARE = 0.02  # of the cells may change from frame to frame once a scene has settled


def scene_frames(frames: Iterator[tuple[float, Any]], params: FramesParams) -> Iterator[tuple[float, Any]]:
    """(timestamp, frame) of the first steady picture of each scene, in order of time.

    frames: every frame of the video. A scene begins when `scene_threshold` of the picture differs from how the last
    one began. A picture that never settles is taken after `every_seconds`.
    """
    scaler = VideoReformatter()
    begun: NDArray[np.int16] | None = None
    before: NDArray[np.int16] | None = None
    last = 0.0
    for time, frame in frames:
        grey = scaler.reformat(frame, *GRID, "gray", interpolation=Interpolation.AREA, threads=1).to_ndarray().astype(np.int16)
        if begun is None or before is None or (
                _change(grey, begun) >= params.scene_threshold
                and (_change(grey, before) <= STEADY_SHARE or time - last >= params.every_seconds)):
            yield time, frame
            begun, last = grey, time
        before = grey


def _change(a: NDArray[np.int16], b: NDArray[np.int16]) -> float:
    """Share of cells that differ, 0-1."""
    return float((np.abs(a - b) > CHANGED_LUMA).mean())
