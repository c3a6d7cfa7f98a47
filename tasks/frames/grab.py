"""The pictures on screen at given moments of a file, to make a dataset again from its recipe."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tasks.frames.container import open_picture
from tasks.frames.decode import SLACK_SECONDS, Decoder
from tasks.frames.demux import Demux, Group
from tasks.frames.picture import Lens
from tasks.params import FramesParams


def grab_pictures(
    path: Path, times: Sequence[float], folder: Path, params: FramesParams, *, progress: Callable[[float], None],
) -> dict[str, Any]:
    """Write a JPEG for each moment into `folder`. Runs in a child process.

    times: seconds, ascending; those of frames sampled before give the very same pictures.
    Returns pictures: for each moment the name of its file ("" when the video has no picture there) and its hash as text.
    Raises UnusableVideoError as `open_picture` does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[float, list[str]] = {}
    with open_picture(path, params) as (container, stream):
        demux = Demux(path, container, stream, params)
        lens = Lens(params.hash, stream.sample_aspect_ratio)
        for time, frame in Decoder(demux, lambda group, until: _between(times, group, until)).frames():
            jpeg, _, _ = lens.jpeg(frame, params.jpeg_quality, params.jpeg_max_height_px)
            name = f"{len(found):06d}.jpg"
            (folder / name).write_bytes(jpeg)
            found[time] = [name, str(lens.look(frame).phash)]
            progress(time)
    return {"pictures": [_nearest(found, moment) for moment in times]}


def _between(times: Sequence[float], group: Group, until: float) -> list[float]:
    return [moment for moment in times if group.start <= moment < until]


def _nearest(found: dict[float, list[str]], moment: float) -> list[str]:
    """The picture on screen at the moment: the last that began no later."""
    earlier = [time for time in found if time <= moment + SLACK_SECONDS]
    return found[max(earlier)] if earlier else ["", "0"]
