"""Opening what was fetched: the format is pinned by magic bytes and everything is capped before a picture is decoded."""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import av

from tasks.errors import UnusableVideoError
from tasks.params import FramesParams
from tasks.storage.sniff import media_format

MAX_MOOV_BYTES = 256_000_000
SAMPLE_DESCRIPTION = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")
# FFmpeg's limits on what is read to find the streams; the defaults, named so that a newer FFmpeg cannot raise them.
OPTIONS = {"protocol_whitelist": "file", "probesize": "5000000", "analyzeduration": "5000000"}


def unusable(path: Path, problem: str, code: str, remedy: str = "drop the video or fetch it again") -> UnusableVideoError:
    return UnusableVideoError(f"{path.name}: {problem}", remedy, code)


@contextmanager
def open_picture(path: Path, params: FramesParams) -> Iterator[tuple[Any, Any]]:
    """(container, picture stream) of a file, ready to decode in one thread, with every cap checked.

    Raises UnusableVideoError naming what is wrong: the codes of `media_format`, and `no_index`, `truncated`,
    `encrypted`, `damaged`, `no_picture`, `too_many_pixels`, `over_cap`.
    """
    name = media_format(path)
    if name == "mp4":
        check_boxes(path)
    try:
        container = av.open(str(path.resolve()), format=name, options=OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, AttributeError, ValueError) as error:
        raise unusable(path, f"cannot be opened ({_reason(error)})", "damaged") from error
    with container:
        streams = [stream for stream in container.streams.video if not _is_cover(stream)]
        if len(container.streams) > params.max_streams:
            raise unusable(path, f"{len(container.streams)} streams, at most {params.max_streams}", "over_cap")
        if not streams or streams[0].codec_context is None:
            raise unusable(path, "no picture stream", "no_picture")
        stream = streams[0]
        _check_caps(path, container, stream, params)
        stream.codec_context.thread_count = 1  # more threads cost 42-57 % CPU, and damaged files then differ by run
        stream.codec_context.options = {"max_pixels": str(params.max_pixels)}  # also when the size changes later
        yield container, stream


def inspect_picture(path: Path, params: FramesParams, *, progress: Callable[[float], None]) -> dict[str, Any]:
    """Check that a file can be opened for its pictures, without decoding one. Raises as `open_picture`."""
    with open_picture(path, params):
        progress(0.0)
    return {}


def _check_caps(path: Path, container: Any, stream: Any, params: FramesParams) -> None:
    context = stream.codec_context
    if context.width * context.height > params.max_pixels:
        raise unusable(path, f"{context.width}x{context.height} px, at most {params.max_pixels} pixels", "too_many_pixels")
    if stream.average_rate and stream.average_rate > params.max_frames_per_second:
        raise unusable(
            path, f"{float(stream.average_rate):g} frames a second, at most {params.max_frames_per_second:g}", "over_cap")
    seconds = declared_seconds(container)
    if seconds is not None and seconds > params.max_duration_seconds:
        raise unusable(path, f"declares {seconds:g} s, at most {params.max_duration_seconds:g}", "over_cap")


def declared_seconds(container: Any) -> float | None:
    """How long the container says it lasts; None when it does not say."""
    return None if container.duration is None else container.duration / av.time_base


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def check_boxes(path: Path) -> None:
    """Walk the outermost boxes of an MP4: cheap, and it names what FFmpeg calls invalid or lets pass.

    Raises UnusableVideoError: `no_index`, `truncated`, `encrypted`.
    """
    size, at = path.stat().st_size, 0
    seen: set[bytes] = set()
    with path.open("rb") as file:
        while at + 8 <= size:
            kind, length = _box(file, at, size)
            if length < 8 or not kind.isascii() or (b"moov" in seen and not kind.isalnum()):
                break  # padding or foreign bytes behind the video, which no reader minds
            seen.add(kind)
            if at + length > size:
                code = "truncated" if seen & {b"moov", b"moof"} - {kind} else "no_index"
                raise unusable(path, f"{at + length - size} bytes are missing at the end", code)
            if kind == b"moov" and length <= MAX_MOOV_BYTES:
                file.seek(at)
                if _is_encrypted(file.read(length)[8:], SAMPLE_DESCRIPTION):
                    raise unusable(path, "encrypted picture", "encrypted", "fetch a copy without DRM")
            at += length
    if b"moov" not in seen:
        raise unusable(path, "no index (moov box)", "no_index")


def _box(file: BinaryIO, at: int, size: int) -> tuple[bytes, int]:
    """(kind, length) of the box at `at`."""
    file.seek(at)
    head = file.read(16)
    length, kind = struct.unpack(">I4s", head[:8])
    if length == 1 and len(head) == 16:
        length = struct.unpack(">Q", head[8:])[0]
    return kind, length or size - at


def _is_encrypted(boxes: bytes, path: tuple[bytes, ...]) -> bool:
    """Is there a sample description of kind `encv` below boxes of the kinds `path`?"""
    at = 0
    while at + 8 <= len(boxes):
        length, kind = struct.unpack_from(">I4s", boxes, at)
        if length < 8:
            return False
        if not path and kind == b"encv":
            return True
        if path and kind == path[0]:
            head = 16 if kind == b"stsd" else 8
            if _is_encrypted(boxes[at + head:at + length], path[1:]):
                return True
        at += length
    return False
