"""Which moments to look at, decided from the packets alone: their times, their sizes, and which are keyframes."""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from tasks.frames.demux import Group

# (group, start of the next group) -> the moments wanted from the group, in order
Planner = Callable[[Group, float], list[float]]
# Coded pictures cost bytes where something changes. The figures were set on generated videos whose changes are known.
WINDOW_SECONDS = 0.25  # the largest packet of each window; the median over the windows is the usual cost
QUIET_SECONDS = 0.3  # a change is over when nothing costly came for this long
LOUD = 2.0  # times the usual cost
CHANGE_SHARE = 0.25  # of the keyframe's bytes, spent above the usual cost, is a change of picture
RENEWED_SHARE = 1.0  # of the keyframe's bytes, however spent, could have drawn the picture anew
CUT_SHARE = 0.6  # of a burst in one packet is a cut
MIN_SPACING_SECONDS = 0.5  # between samples of codecs that have nothing but keyframes


@dataclass
class Interval:
    """Moments k x every_seconds, whatever the video does."""

    every_seconds: float
    following: int = 0

    def __call__(self, group: Group, until: float) -> list[float]:
        moments = []
        while self.following * self.every_seconds < until:
            moments.append(self.following * self.every_seconds)
            self.following += 1
        return moments


def every_picture(group: Group, until: float) -> list[float]:
    """The time of each picture of the group."""
    return sorted(time for time in group.times if time >= group.start)


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
        if group.is_key:
            self.key_bytes = group.packets[0].size
            if len(group.packets) > 1 or group.start - self.last >= MIN_SPACING_SECONDS:
                moments.append(group.start)
                self.last = group.start
        if self.adapt:
            moments += self._hidden_changes(group, until)
        return moments

    def _hidden_changes(self, group: Group, until: float) -> list[float]:
        shown = sorted((time, packet.size) for packet, time in zip(group.packets, group.times, strict=True)
                       if time > group.start and not packet.is_keyframe)
        if not shown:
            return []
        loud = LOUD * usual_cost(shown)
        renewed = 0.0 if group.is_long else RENEWED_SHARE * self.key_bytes
        moments: list[float] = []
        spent, burst = 0, Burst()
        for time, size in [*shown, (until, 0)]:
            is_over = time - burst.end > QUIET_SECONDS
            if is_over and burst.cost >= CHANGE_SHARE * self.key_bytes:
                moments.append(burst.settled)
            elif time - self.last >= self.every_seconds and spent >= renewed and time < until:
                moments.append(time)
            if moments and moments[-1] > self.last:
                self.last, spent = moments[-1], 0
            if is_over:
                burst = Burst()
            spent += size
            if size > loud:
                burst.add(time, size - loud)
        return moments


@dataclass
class Burst:
    """Costly packets close together. cost, peak: bytes above the usual, of all and of the largest."""

    cost: float = 0.0
    peak: float = 0.0
    peak_time: float = 0.0
    end: float = math.inf

    def add(self, time: float, cost: float) -> None:
        self.cost += cost
        self.end = time
        if cost > self.peak:
            self.peak, self.peak_time = cost, time

    @property
    def settled(self) -> float:
        """When the new picture stands: at once after a cut, at the end of a dissolve."""
        return self.peak_time if self.peak >= CUT_SHARE * self.cost else self.end


def usual_cost(shown: list[tuple[float, int]]) -> float:
    """Bytes of a costly packet in an ordinary quarter of a second. shown: (seconds, bytes) of each packet."""
    windows: dict[int, int] = {}
    for time, size in shown:
        window = int(time / WINDOW_SECONDS)
        windows[window] = max(windows.get(window, 0), size)
    return float(statistics.median(windows.values()))
