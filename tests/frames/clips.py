"""Small clips made for one test each, with PyAV's own encoders."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tasks.params import FramesParams, load_params

Picture = NDArray[np.uint8]
ROOT = Path(__file__).parents[2]


def frames_params(**changes: object) -> FramesParams:
    """The project's own params.yaml with some values changed."""
    return load_params(ROOT / "params.yaml", {f"frames.{key}": value for key, value in changes.items()}).frames


def solid(red: int, green: int, blue: int, width: int = 96, height: int = 64) -> Picture:
    return np.full((height, width, 3), (red, green, blue), np.uint8)


def scene(seed: int, width: int = 96, height: int = 64) -> Picture:
    """A picture of its own for each seed: patches of 16 px, so that coding keeps it."""
    cells = np.random.default_rng(seed).integers(30, 226, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
    return np.repeat(np.repeat(cells, 16, axis=0), 16, axis=1)[:height, :width]


def write_clip(
    path: Path, pictures: Iterable[Picture], *, codec: str = "libx264", pixel_format: str = "yuv420p", rate: int = 25,
    times: Iterable[int] | None = None, options: Mapping[str, str] | None = None, container_format: str | None = None,
    colours: Mapping[str, int] | None = None,
) -> Path:
    """Encode RGB pictures. times: of each picture in 1/rate s, for a variable frame rate.

    colours: `colorspace` and `color_range` to convert to and to write into the stream, as libav's numbers.
    """
    pictures = list(pictures)
    stamps = list(times) if times is not None else list(range(len(pictures)))
    colours = colours or {}
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = Fraction(1, rate)
        for name, value in colours.items():
            setattr(stream.codec_context, name, value)
        for stamp, picture in zip(stamps, pictures, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
                format=pixel_format, dst_colorspace=colours.get("colorspace"), dst_color_range=colours.get("color_range"))
            frame.pts = stamp
            frame.time_base = Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
