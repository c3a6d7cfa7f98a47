"""What one decoded picture looks like (small and grey, for measuring) and how it is stored (upright RGB, as JPEG)."""

import io
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray
from PIL import Image

from tasks.frames.hashing import SIDE_PX, dct_hashes, reference_hash

SMALL_PX = 160
MIN_SMALL_PX = 8  # SSIM looks through a 7 x 7 window
LAYOUT_CELLS = 4
HD_LINES = 720  # from here on pictures that name no colour matrix are BT.709, as players take it
MAX_PIXEL_ASPECT = 4.0
SCALING = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
QUARTER_TURN = 90


@dataclass(frozen=True)
class Look:
    """Measures of one upright picture.

    small: luma at 160 px on the longer side, (height, width) uint8, full range.
    layout: mean (Y, Cb, Cr) of a 4 x 4 grid, (4, 4, 3) uint8, rows first.
    luma, contrast: mean and standard deviation of luma, 0-255 and 0-128.
    sharpness: variance of the Laplacian of `small`.
    flat: too even a picture for the bits of `phash` to mean anything.
    """

    width: int
    height: int
    small: NDArray[np.uint8]
    layout: NDArray[np.uint8]
    luma: float
    contrast: float
    sharpness: float
    phash: int
    flat: bool


@dataclass
class Lens:
    """Measures and encodes decoded frames; keeps the scalers, which cost more to set up than to use.

    hash_name: `dct-grey32-v1`, or `imagehash` for bits identical with imagehash.phash of the upright RGB picture.
    pixel_aspect: width of a pixel to its height, where the video says so.
    """

    hash_name: str
    pixel_aspect: Fraction | None = None
    _grey: VideoReformatter = field(default_factory=VideoReformatter)
    _small: VideoReformatter = field(default_factory=VideoReformatter)
    _rgb: VideoReformatter = field(default_factory=VideoReformatter)
    _first: tuple[float, int, int] | None = None

    def look(self, frame: Any) -> Look:
        turns = quarter_turns(frame)
        width, height = self._display_size(frame, turns)
        scale = SMALL_PX / max(frame.width, frame.height)
        wide, high = (min(max(round(side * min(scale, 1)), MIN_SMALL_PX), SMALL_PX) for side in (frame.width, frame.height))
        planes = self._small.reformat(
            frame, wide, high, "yuv420p", interpolation=SCALING, dst_color_range=ColorRange.JPEG, threads=1, **matrix(frame))
        luma, *chroma = (np.rot90(_plane(plane), turns) for plane in planes.planes)
        layout = np.stack([_cell_means(plane) for plane in (luma, *chroma)], axis=-1)
        phash, flat = self.hash(frame)
        values = luma.astype(np.float32)
        return Look(width, height, np.ascontiguousarray(luma), layout, float(values.mean()), float(values.std()),
                    _laplacian_variance(values), phash, flat)

    def hash(self, frame: Any) -> tuple[int, bool]:
        """(64 bits of the upright picture, is it too flat for them to mean anything?)"""
        grey = self._grey.reformat(
            frame, SIDE_PX, SIDE_PX, "gray", interpolation=SCALING, dst_color_range=ColorRange.JPEG, threads=1, **matrix(frame))
        hashes, flat = dct_hashes(np.rot90(_plane(grey.planes[0]), quarter_turns(frame))[None])
        if self.hash_name == "imagehash":
            return reference_hash(self.rgb(frame)), bool(flat[0])
        return int(hashes[0]), bool(flat[0])

    def rgb(self, frame: Any) -> Image.Image:
        """The upright picture in RGB, in the size it was decoded in."""
        return self._upright(frame, frame.width, frame.height, quarter_turns(frame))

    def jpeg(self, frame: Any, quality: int, max_height: int) -> tuple[bytes, int, int]:
        """(JPEG bytes, width, height) of the upright picture, square pixels, no higher than `max_height`.

        Pictures of one shape get one size, even when the video changes its resolution on the way.
        """
        turns = quarter_turns(frame)
        width, height = self._display_size(frame, turns)
        shape = width / height
        if self._first is None:
            scale = min(1.0, max_height / height)
            self._first = (shape, max(1, round(width * scale)), max(1, round(height * scale)))
        if abs(shape / self._first[0] - 1) < 0.01:
            _, width, height = self._first
        else:
            scale = min(1.0, max_height / height)
            width, height = max(1, round(width * scale)), max(1, round(height * scale))
        lying = (height, width) if turns % 2 else (width, height)
        image = self._upright(frame, *lying, turns)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return stream.getvalue(), width, height

    def _display_size(self, frame: Any, turns: int) -> tuple[int, int]:
        """(width, height) in px of the upright picture with square pixels."""
        width = frame.width
        if self.pixel_aspect and 1 / MAX_PIXEL_ASPECT <= self.pixel_aspect <= MAX_PIXEL_ASPECT:
            width = max(1, round(width * self.pixel_aspect))
        return (frame.height, width) if turns % 2 else (width, frame.height)

    def _upright(self, frame: Any, width: int, height: int, turns: int) -> Image.Image:
        if frame.interlaced_frame:
            frame = _progressive(frame)
        rgb = self._rgb.reformat(frame, width, height, "rgb24", interpolation=SCALING, threads=1, **matrix(frame))
        return Image.fromarray(np.ascontiguousarray(np.rot90(rgb.to_ndarray(), turns)))


def quarter_turns(frame: Any) -> int:
    """Turns of 90 degrees counterclockwise that make the picture upright, 0-3."""
    return int(round(frame.rotation / QUARTER_TURN) % 4)


def matrix(frame: Any) -> dict[str, Any]:
    """Which colour matrix to undo, as arguments of reformat: what the video says, else by its size."""
    if frame.colorspace in (Colorspace.DEFAULT, 2) and frame.height >= HD_LINES:
        return {"src_colorspace": Colorspace.ITU709}
    return {}


def _plane(plane: Any) -> NDArray[np.uint8]:
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, :plane.width]


@lru_cache(maxsize=64)
def _cells(size: int) -> NDArray[np.float32]:
    """Weights that average `size` pixels into 4 cells, (4, size); a pixel on a border counts in part."""
    edges = np.arange(LAYOUT_CELLS + 1) * size / LAYOUT_CELLS
    pixels = np.arange(size)
    overlap = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    return np.asarray(np.maximum(overlap, 0) * LAYOUT_CELLS / size, dtype=np.float32)


def _cell_means(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = plane.shape
    return np.asarray(np.rint(_cells(height) @ plane.astype(np.float32) @ _cells(width).T), dtype=np.uint8)


def _laplacian_variance(luma: NDArray[np.float32]) -> float:
    """Variance of the 4-neighbour Laplacian. Source: Pech-Pacheco et al., ICPR 2000."""
    inner = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]
    return float(inner.var())


def _progressive(frame: Any) -> Any:
    """Both fields of an interlaced picture show different moments: keep one and fill in the other's lines."""
    graph = av.filter.Graph()
    source = graph.add_buffer(template=None, width=frame.width, height=frame.height, format=frame.format,
                              time_base=frame.time_base)
    graph.link_nodes(source, graph.add("estdif", "mode=frame:deint=interlaced"), graph.add("buffersink")).configure()
    graph.push(frame)
    graph.push(None)
    return graph.pull()
