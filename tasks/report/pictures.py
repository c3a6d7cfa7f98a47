"""Kept frames as small pictures that can lie inside the page."""

import base64
import io
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image, UnidentifiedImageError

WEBP_EFFORT = 4  # 0-6; the middle is 2 % larger than the slowest at a third of its time


@dataclass(frozen=True)
class Thumbnail:
    """A picture as a data: address, with its size in px."""

    address: str
    width: int
    height: int


def read_jpegs(path: Path, frames: Collection[int]) -> dict[int, bytes]:
    """The JPEG bytes of some frames of one frames.parquet; only row groups that hold one are read."""
    wanted, found = set(frames), {}
    with pq.ParquetFile(path) as file:
        for group in range(file.metadata.num_row_groups):
            if wanted.isdisjoint(file.read_row_group(group, ["frame"]).column(0).to_pylist()):
                continue
            rows = file.read_row_group(group, ["frame", "jpeg"])
            found.update({frame: jpeg for frame, jpeg in zip(rows["frame"].to_pylist(), rows["jpeg"].to_pylist(), strict=True)
                          if frame in wanted and jpeg is not None})
    return found


def shrink(jpeg: bytes, width: int, quality: int, effort: int = WEBP_EFFORT) -> Thumbnail | None:
    """A picture at most `width` px wide, never enlarged, as WebP; None when the bytes are no whole JPEG of a sane size."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
                wide = min(width, image.width)
                size = (wide, max(1, round(image.height * wide / image.width)))
                image.draft("RGB", size)
                small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    except (UnidentifiedImageError, Image.DecompressionBombWarning, Image.DecompressionBombError, OSError, ValueError):
        return None
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=quality, method=effort)
    return Thumbnail("data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode(), *size)
