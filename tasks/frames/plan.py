"""Which moments to look at, decided from the packets alone: their times, their sizes, and which are keyframes."""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from tasks.frames.demux import TIME_DECIMALS, Group

# (group, start of the next group) -> the moments wanted from the group, in order
Planner = Callable[[Group, float], list[float]]
# Coded pictures cost bytes where something changes. The figures were set on generated videos whose changes are known.
WINDOW_SECONDS = 0.25  # the largest packet of each window; the median over the windows is the usual cost
QUIET_SECONDS = 0.3  # a change is over when nothing costly came for this long
LOUD = 2.0  # times the usual cost
CHANGE_SHARE = 0.25  # of the keyframe's bytes, spent above the usual cost, is a change of picture
RENEWED_SHARE = 1.0  # of the keyframe's bytes, however spent, could have drawn the picture anew
SLOW_PICTURES_PER_SECOND = 2.5
LONG_BURST_SECONDS = 1.5  # longer than a dissolve: the picture moves, and waiting for the end is no use
TAIL_SHARE = 0.1  # of the peak; smaller packets only correct what is already drawn
MIXED_SECONDS = 0.1  # a dissolve that goes on this soon after a keyframe had begun before it
CUT_SHARE = 0.6  # of a burst in one packet is a cut
MIN_SPACING_SECONDS = 0.5  # between samples of codecs that have nothing but keyframes


@dataclass
class Interval:
    """Moments k x every_seconds, whatever the video does."""

    every_seconds: float
    following: int = 0

    def __call__(self, group: Group, until: float) -> list[float]:
        moments = []
        while (moment := round(self.following * self.every_seconds, TIME_DECIMALS)) < until:
            moments.append(moment)
            self.following += 1
        return moments


def every_picture(group: Group, until: float) -> list[float]:
    """The time of each picture of the group."""
    start = group.start
    return sorted(time for time in group.times if time >= start)


@dataclass
class Keyframes:
    """Every keyframe; with `adapt` also where the packets between tell of a change that no keyframe marks.

    A cut costs one large packet, a dissolve a burst of them. A picture that keeps moving is looked at again after
    `every_seconds`, once the bytes spent since could have drawn it anew, or when keyframes are too far apart.
    """

    every_seconds: float
    adapt: bool
    last: float = -math.inf
    key_bytes: int = 0

    def __call__(self, group: Group, until: float) -> list[float]:
        moments = []
        is_first = self.last == -math.inf
        if group.is_key:
            self.key_bytes = group.packets[0].size
            if len(group.packets) > 1 or group.start - self.last >= MIN_SPACING_SECONDS:
                moments.append(group.start)
                self.last = group.start
        if not self.adapt:
            return moments
        changes, is_mixed = self._hidden_changes(group, until)
        return changes if is_mixed and not is_first else moments + changes

    def _hidden_changes(self, group: Group, until: float) -> tuple[list[float], bool]:
        """Moments after the start, and whether the group begins in the middle of a dissolve: a mixture of two pictures."""
        start = group.start
        shown = sorted((time, packet.size) for packet, time in zip(group.packets, group.times, strict=True)
                       if time > start and not packet.is_keyframe)
        if not shown:
            return [], False
        is_slow = len(shown) < SLOW_PICTURES_PER_SECOND * (until - start)
        loud = 0.0 if is_slow else LOUD * usual_cost(shown)  # a slide show: every picture may be another
        renewed = 0.0 if group.is_long else RENEWED_SHARE * self.key_bytes
        moments: list[float] = []
        is_mixed = False
        spent, burst = 0, Burst()
        for time, size in [*shown, (until, 0)]:
            is_over = time - burst.end > QUIET_SECONDS
            is_changing = not is_over and 0 <= time - burst.start < LONG_BURST_SECONDS
            if is_over and burst.cost >= CHANGE_SHARE * self.key_bytes:
                moments.append(burst.settled)
                is_mixed |= burst.start - start < MIXED_SECONDS and not burst.is_cut
            elif not is_changing and time - self.last >= self.every_seconds and spent >= renewed and time < until:
                moments.append(time)
            if moments and moments[-1] > self.last:
                self.last, spent = moments[-1], 0
            if is_over:
                burst = Burst()
            spent += size
            if size > loud:
                burst.add(time, size - loud)
        return moments, is_mixed


@dataclass
class Burst:
    """Costly packets close together. cost, peak: bytes above the usual, of all and of the largest."""

    cost: float = 0.0
    peak: float = 0.0
    peak_time: float = 0.0
    start: float = math.inf
    last: float = 0.0  # but for the small corrections that follow
    end: float = math.inf

    def add(self, time: float, cost: float) -> None:
        self.cost += cost
        self.start, self.end = min(self.start, time), time
        if cost > self.peak:
            self.peak, self.peak_time = cost, time
        if cost >= TAIL_SHARE * self.peak:
            self.last = time

    @property
    def is_cut(self) -> bool:
        return self.peak >= CUT_SHARE * self.cost

    @property
    def settled(self) -> float:
        """When the new picture stands: at once after a cut, at the end of a dissolve."""
        return self.peak_time if self.is_cut else self.last


def usual_cost(shown: list[tuple[float, int]]) -> float:
    """Bytes of a costly packet in an ordinary quarter of a second. shown: (seconds, bytes) of each packet."""
    windows: dict[int, int] = {}
    for time, size in shown:
        window = int(time / WINDOW_SECONDS)
        windows[window] = max(windows.get(window, 0), size)
    return float(statistics.median(windows.values()))
