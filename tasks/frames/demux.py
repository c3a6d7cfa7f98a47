"""One pass over the packets of a file, cut into groups of pictures; nothing is decoded here."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av

from tasks.frames.container import declared_seconds, unusable
from tasks.params import FramesParams
from tasks.storage.sniff import clock_origin

TIME_DECIMALS = 4
MAX_GROUP_BYTES = 32_000_000
TOLERANCE_SECONDS = 2.0
TOLERANCE_SHARE = 0.01
SPARE_FRAMES = 1000
MIN_SECONDS = 0.5
BACKWARD_SHARE = 0.1


@dataclass(frozen=True)
class Group:
    """Packets of one group of pictures in decoding order, or a part of a very long one.

    times: presentation seconds of each packet from the start of the media.
    is_key: begins with a keyframe. is_long: no keyframe follows within the allowed gap.
    """

    packets: list[Any]
    times: list[float]
    is_key: bool
    is_long: bool

    @property
    def start(self) -> float:
        """When its first picture is shown; what an edit list cuts off is decoded but never shown."""
        return next((time for packet, time in zip(self.packets, self.times, strict=True) if not packet.is_discard),
                    self.times[0])


@dataclass
class Demux:
    """Reads the groups of the picture stream and keeps count of what went by.

    seconds: end of the last picture. media_seconds: end of the last packet of any stream.
    errors: places where the container could not be read on.
    """

    path: Path
    container: Any
    stream: Any
    params: FramesParams
    seconds: float = 0.0
    media_seconds: float = 0.0
    packets: int = 0
    untimed: int = 0
    errors: int = 0
    _origin: float = field(init=False)

    def __post_init__(self) -> None:
        self._origin = clock_origin(self.container)

    def seconds_of(self, stamp: int) -> float:
        """Seconds from the start of the media of a time stamp of the picture stream."""
        base = self.stream.time_base
        return _seconds(stamp, base.numerator, base.denominator, self._origin)

    def groups(self) -> Iterator[Group]:
        """Groups in order. Raises UnusableVideoError (`over_cap`) when more comes than the caps allow."""
        packets: list[Any] = []
        times: list[float] = []
        size, is_key, is_long = 0, True, False
        for packet, time in self._picture_packets():
            begins = packet.is_keyframe and bool(packets)
            is_cut = bool(packets) and (
                time - times[0] > self.params.max_keyframe_gap_seconds or size > MAX_GROUP_BYTES)
            if begins or is_cut:
                self._check_order(times[0], time)
                yield Group(packets, times, is_key, is_long or (is_cut and not begins))
                is_key, is_long = packet.is_keyframe, not begins
                packets, times, size = [], [], 0
            packets.append(packet)
            times.append(time)
            size += packet.size
        if packets:
            yield Group(packets, times, is_key, is_long)

    def _picture_packets(self) -> Iterator[tuple[Any, float]]:
        reader = self.container.demux()
        # Fractions would cost more than reading the packets.
        bases = {stream.index: (stream.time_base.numerator, stream.time_base.denominator)
                 for stream in self.container.streams if stream.time_base}
        while True:
            try:
                packet = next(reader, None)
            except (av.FFmpegError, AttributeError, ValueError):
                self.errors += 1  # what was read so far may still be most of the video; `check` decides
                return
            if packet is None:
                return
            if not packet.size:
                continue
            stamp = packet.pts if packet.pts is not None else packet.dts
            is_picture = packet.stream_index == self.stream.index
            if stamp is None or packet.stream_index not in bases:
                self.untimed += is_picture
                continue
            base = bases[packet.stream_index]
            time = _seconds(stamp, *base, self._origin)
            end = _seconds(stamp + (packet.duration or 0), *base, self._origin)
            self.media_seconds = max(self.media_seconds, end)
            if self.media_seconds > self.params.max_duration_seconds:
                raise unusable(self.path, f"lasts beyond {self.params.max_duration_seconds:g} s", "over_cap")
            if is_picture:
                self.packets += 1
                self.seconds = max(self.seconds, end)
                self._check_rate()
                yield packet, time

    def _check_order(self, earlier: float, later: float) -> None:
        if later <= earlier:
            raise unusable(self.path, f"time runs backwards, from {earlier:.3f} s to {later:.3f} s", "bad_timestamps")

    def _check_rate(self) -> None:
        if self.packets > self.params.max_frames_per_second * self.seconds + SPARE_FRAMES:
            raise unusable(self.path, f"{self.packets} pictures within {self.seconds:g} s", "over_cap")

    def check(self) -> None:
        """What only the end can tell. Raises UnusableVideoError: `no_picture`, `bad_timestamps`, `too_short`, `truncated`."""
        if self.untimed > BACKWARD_SHARE * (self.untimed + self.packets):
            raise unusable(self.path, f"{self.untimed} of {self.untimed + self.packets} pictures have no time", "bad_timestamps")
        if not self.packets:
            raise unusable(self.path, "no picture in the picture stream", "no_picture")
        if self.packets < 2 and self.seconds < MIN_SECONDS:
            raise unusable(self.path, f"{self.packets} picture, {self.seconds:g} s", "too_short")
        declared = declared_seconds(self.container)
        if declared is not None:
            short = declared - self.media_seconds
            if short > max(TOLERANCE_SECONDS, TOLERANCE_SHARE * declared):
                raise unusable(
                    self.path, f"duration mismatch: declares {declared:.1f} s, holds {self.media_seconds:.1f} s", "truncated")


def _seconds(stamp: int, numerator: int, denominator: int, origin: float) -> float:
    """To 0.1 ms: finer digits are the rounding of time bases."""
    return round(stamp * numerator / denominator - origin, TIME_DECIMALS)
