"""The frames step: from the picture stream of a video to a table of its sampled frames."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.frames.container import open_picture, unusable
from tasks.frames.decode import Decoder
from tasks.frames.dedup import Kept
from tasks.frames.demux import Demux
from tasks.frames.picture import Lens, Look
from tasks.frames.plan import Interval, Keyframes, Planner, every_picture
from tasks.frames.scenes import scene_frames
from tasks.params import FramesParams
from tasks.schema import FRAMES
from tasks.storage.artefact import Fingerprint, table_writer

VERSION = 1  # raise it when the same video and params would give different bytes
# What changes the bytes. Caps and time limits only decide whether there are any.
DEPENDS_ON = {
    "mode", "every_seconds", "max_keyframe_gap_seconds", "scene_threshold", "hash", "duplicate_bits", "ssim_min",
    "black_luma", "blank_contrast", "blurred_sharpness", "jpeg_quality", "jpeg_max_height_px"}
ROW_GROUP_ROWS = 100
PROGRESS_SECONDS = 5.0


def frames_fingerprint(content: str, params: FramesParams) -> Fingerprint:
    """What frames.parquet is made from. content: Media.content."""
    return Fingerprint("frames", VERSION, params.model_dump(mode="json", include=DEPENDS_ON), {"media": content})


def sample_frames(
    video_id: str, picture: Path, out: Path, fingerprint: Fingerprint, params: FramesParams, *,
    progress: Callable[[float], None],
) -> dict[str, Any]:
    """Write frames.parquet: every sampled frame a row, JPEG bytes where it is kept.

    Runs in a child process, since damaged or hostile files can crash a decoder. Memory does not grow with the length.
    progress: told the media time reached, now and then.
    Returns counts: sampled, kept, dropped by reason, decode_errors; mode, hash, and seconds of media.
    Raises UnusableVideoError with a code when there is nothing whole to sample; then nothing was written.
    """
    drops: Counter[str] = Counter()
    with open_picture(picture, params) as (container, stream):
        demux = Demux(picture, container, stream, params)
        decoder = Decoder(demux, _planner(params))
        frames = scene_frames(decoder.frames(), params) if params.mode == "scenes" else decoder.frames()
        rows = _Rows(video_id, Lens(params.hash, stream.sample_aspect_ratio), params)
        with table_writer(out, FRAMES, fingerprint, row_group_rows=ROW_GROUP_ROWS, plain_columns=("jpeg",)) as writer:
            for row in _with_ends(rows.of(frames, progress), demux):
                drops[row["dropped"] or "kept"] += 1
                writer.add(row)
            demux.check()
            if not drops:
                raise unusable(picture, f"no picture could be decoded ({decoder.errors} errors)", "no_picture")
            kept = drops.pop("kept", 0)
            summary = {
                "sampled": kept + drops.total(), "kept": kept, "dropped": dict(sorted(drops.items())), "mode": params.mode,
                "hash": params.hash, "seconds": demux.seconds, "decode_errors": decoder.errors + demux.errors}
            writer.extra.update(summary)
    return summary


def _planner(params: FramesParams) -> Planner:
    if params.mode == "interval":
        return Interval(params.every_seconds)
    if params.mode == "scenes":
        return every_picture
    return Keyframes(params.every_seconds, adapt=params.mode == "auto")


def _with_ends(rows: Iterator[dict[str, Any]], demux: Demux) -> Iterator[dict[str, Any]]:
    """Each row lasts until the next begins, the last until the pictures end."""
    waiting: dict[str, Any] | None = None
    for row in rows:
        if waiting is not None:
            yield waiting | {"end": row["timestamp"]}
        waiting = row
    if waiting is not None:
        yield waiting | {"end": max(demux.seconds, waiting["timestamp"])}


@dataclass
class _Rows:
    """Decides about each frame as it comes, so that no frame has to wait."""

    video_id: str
    lens: Lens
    params: FramesParams
    kept: Kept = field(init=False)

    def __post_init__(self) -> None:
        self.kept = Kept(self.params.duplicate_bits, self.params.ssim_min)

    def of(self, frames: Iterator[tuple[float, Any]], progress: Callable[[float], None]) -> Iterator[dict[str, Any]]:
        told = 0.0
        for number, (time, frame) in enumerate(frames):
            if time - told >= PROGRESS_SECONDS:
                progress(time)
                told = time
            yield self._row(number, max(time, 0.0), frame)

    def _row(self, number: int, time: float, frame: Any) -> dict[str, Any]:
        look = self.lens.look(frame)
        dropped, duplicate_of = self._why_drop(look, frame.is_corrupt), None
        if dropped is None:
            duplicate_of = self.kept.find(look)
            dropped = None if duplicate_of is None else "duplicate"
        jpeg: tuple[bytes | None, int | None, int | None] = None, None, None
        if dropped is None:
            self.kept.add(number, look)
            jpeg = self.lens.jpeg(frame, self.params.jpeg_quality, self.params.jpeg_max_height_px)
        return {
            "video_id": self.video_id, "frame": number, "timestamp": time, "width": look.width, "height": look.height,
            "phash": look.phash, "flat": look.flat, "luma": look.luma, "contrast": look.contrast,
            "sharpness": look.sharpness, "layout": look.layout.tobytes(), "dropped": dropped, "duplicate_of": duplicate_of,
            "jpeg": jpeg[0], "jpeg_width": jpeg[1], "jpeg_height": jpeg[2]}

    def _why_drop(self, look: Look, is_corrupt: bool) -> str | None:
        if is_corrupt:
            return "damaged"
        if look.luma < self.params.black_luma and look.contrast < self.params.black_luma:
            return "black"  # bright letters on black have contrast
        if look.contrast < self.params.blank_contrast:
            return "blank"
        if look.sharpness < self.params.blurred_sharpness:
            return "blurred"
        return None
