"""Decoding no more than the wanted moments need: one pass, one thread, no seeking."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import av

from tasks.frames.container import unusable
from tasks.frames.demux import Demux, Group
from tasks.frames.plan import Planner

SLACK_SECONDS = 1e-4  # times are rounded
BACKWARD_SHARE = 0.1


@dataclass
class Decoder:
    """Turns groups of pictures into the frames on screen at the planned moments, each once, with its own time.

    Pictures that no other picture needs are decoded only where one of them is wanted, and a group is left as soon as
    its last moment is reached.
    decoded: pictures that came out. errors: packets that the decoder refused. backward: pictures out of order.
    """

    demux: Demux
    planner: Planner
    decoded: int = 0
    errors: int = 0
    backward: int = 0
    _wanted: deque[float] = field(default_factory=deque)
    _exact: set[float] = field(default_factory=set)  # times of pictures to decode in any case
    _is_warm: bool = False  # does the decoder hold pictures that the next packet may refer to?
    _shown: tuple[float, Any] | None = None
    _last: float = float("-inf")

    def frames(self) -> Iterator[tuple[float, Any]]:
        """(timestamp, frame) in order of time. Raises UnusableVideoError (`bad_timestamps`)."""
        group: Group | None = None
        for following in self.demux.groups():
            if group is not None:
                yield from self._group(group, following)
            group = following
        if group is not None:
            yield from self._group(group, None)
        if self.backward > BACKWARD_SHARE * self.decoded:
            raise unusable(self.demux.path, f"{self.backward} of {self.decoded} pictures out of order", "bad_timestamps")

    def _group(self, group: Group, following: Group | None) -> Iterator[tuple[float, Any]]:
        until = following.times[0] if following else self.demux.seconds
        # Some codecs send pictures shown before a keyframe after it: they belong to this group's time.
        leading = [time for time in following.times if time < until] if following else []
        wanted = self.planner(group, until)
        self._wanted.extend(wanted)
        start = group.start
        shown = sorted([time for time in group.times if time >= start] + leading)
        self._exact |= {on_screen(shown, moment) for moment in wanted}
        reaches_on = following is not None and (not following.is_key or not self._exact.isdisjoint(leading))
        if reaches_on:
            end = len(group.packets)
        else:
            end = max((i + 1 for i, time in enumerate(group.times) if time in self._exact), default=0)
        for packet, time in zip(group.packets[:end], group.times[:end], strict=True):
            if self._is_warm or time >= group.times[0]:  # after a leap, leading pictures lack what they refer to
                yield from self._feed(packet, time in self._exact)
        self._exact.intersection_update(leading)
        self._is_warm = reaches_on
        if end and not reaches_on:
            yield from self._drain()

    def _feed(self, packet: Any, is_exact: bool) -> Iterator[tuple[float, Any]]:
        context = self.demux.stream.codec_context
        context.skip_frame = "DEFAULT" if is_exact else "NONREF"
        try:
            frames = context.decode(packet)
        except (av.FFmpegError, AttributeError, ValueError):
            self.errors += 1
            return
        for frame in frames:
            yield from self._show(frame)

    def _drain(self) -> Iterator[tuple[float, Any]]:
        """What the decoder still holds; then it is ready for another group."""
        context = self.demux.stream.codec_context
        try:
            frames = context.decode(None)
        except (av.FFmpegError, AttributeError, ValueError):
            self.errors += 1
            frames = []
        for frame in frames:
            yield from self._show(frame)
        context.flush_buffers()
        while self._wanted:
            self._wanted.popleft()
            yield from self._emit(self._shown)

    def _show(self, frame: Any) -> Iterator[tuple[float, Any]]:
        stamp = frame.pts if frame.pts is not None else frame.dts
        self.decoded += 1
        if stamp is None:
            self.backward += 1
            return
        time = self.demux.seconds_of(stamp)
        if self._shown is not None and time <= self._shown[0]:
            self.backward += 1
            return
        while self._wanted and time > self._wanted[0] + SLACK_SECONDS:
            self._wanted.popleft()
            yield from self._emit(self._shown or (time, frame))
        self._shown = time, frame

    def _emit(self, shown: tuple[float, Any] | None) -> Iterator[tuple[float, Any]]:
        if shown is not None and shown[0] > self._last:
            self._last = shown[0]
            yield shown


def on_screen(times: list[float], moment: float) -> float:
    """The time of the picture on screen at a moment: the last that is not later, or the first of all. times: sorted."""
    return times[max(bisect_right(times, moment + SLACK_SECONDS) - 1, 0)]
