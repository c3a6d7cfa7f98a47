"""How long is a file, truly? Its packets are read to the end, without decoding, and compared with what it declares."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from tasks.errors import UnusableVideoError
from tasks.storage.sniff import media_format

MAX_STREAMS = 64
PROGRESS_PACKETS = 5_000
AV_ERRORS = (av.FFmpegError, ValueError, AttributeError, LookupError, OverflowError)


def probe_media(path: str, *, progress: Callable[[float], None]) -> dict[str, Any]:
    """Facts about a media file; to be called in a child process, since a demuxer reads hostile bytes.

    Returns seconds (from the first to the end of the last packet), declared (seconds by the header, or None), picture and
    sound (is there such a stream), gap (the longest stretch of seconds that no packet of any stream begins in).
    Raises UnusableVideoError: as `media_format`, and `undecodable`, `too_many_streams`.
    """
    name = media_format(Path(path))
    try:
        with av.open(path, format=name, metadata_errors="replace") as container:
            return _facts(container, progress)
    except AV_ERRORS as error:
        raise UnusableVideoError(
            f"{Path(path).name}: cannot be opened as {name} ({type(error).__name__})", "fetch it again or re-encode it",
            "undecodable") from error


def _facts(container: Any, progress: Callable[[float], None]) -> dict[str, Any]:
    if len(container.streams) > MAX_STREAMS:
        raise UnusableVideoError(f"{len(container.streams)} streams", f"keep under {MAX_STREAMS}", "too_many_streams")
    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    streams = [*pictures[:1], *container.streams.audio[:1]]
    starts: dict[int, float] = {}
    ends: dict[int, float] = {}
    gap, latest = 0.0, None
    for count, packet in enumerate(_packets(container, streams)):
        moment = packet.pts if packet.pts is not None else packet.dts
        if moment is None or packet.time_base is None:
            continue
        begin = float(moment * packet.time_base)
        end = begin + float((packet.duration or 0) * packet.time_base)
        index = packet.stream.index
        starts[index] = min(begin, starts.get(index, begin))
        ends[index] = max(end, ends.get(index, end))
        gap = gap if latest is None else max(gap, begin - latest)
        latest = max(end, latest if latest is not None else end)
        if count % PROGRESS_PACKETS == 0:
            progress(end)
    declared = container.duration / av.time_base if container.duration and container.duration > 0 else None
    return {
        "seconds": max(ends.values()) - min(starts.values()) if ends else 0.0, "declared": declared,
        "picture": bool(pictures) and pictures[0].index in ends,
        "sound": bool(container.streams.audio) and container.streams.audio[0].index in ends, "gap": gap}


def _packets(container: Any, streams: list[Any]) -> Any:
    """The packets up to the end or to the first that cannot be read; what is missing shows in the seconds."""
    packets = iter(container.demux(streams)) if streams else iter(())
    while True:
        try:
            packet = next(packets, None)
        except AV_ERRORS:
            return
        if packet is None:
            return
        yield packet
