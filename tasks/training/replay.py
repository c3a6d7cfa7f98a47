"""Which pictures each epoch shows: from scratch all; later what is new, and some of the old so that it is not forgotten."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.training.samples import Samples

MONTH = len("2026-01")


@dataclass(frozen=True)
class Plan:
    """new: rows shown in every epoch. old: rows that `replay` of them are drawn from for each epoch, by their chance."""

    new: NDArray[np.int64]
    old: NDArray[np.int64]
    chance: NDArray[np.float64]
    replay: int
    epochs: int
    seed: int

    def __len__(self) -> int:
        """Pictures an epoch."""
        return len(self.new) + self.replay

    def rows(self, epoch: int) -> NDArray[np.int64]:
        """The rows of an epoch in the order they are shown: it depends on seed and epoch alone."""
        random = np.random.default_rng([self.seed, epoch])
        drawn = self.old[:0]
        if self.replay:  # without putting back, by chance: the smallest of exponential times (Efraimidis and Spirakis, 2006)
            times = random.exponential(size=len(self.old)) / self.chance
            drawn = np.sort(self.old[np.argsort(times, kind="stable")[:self.replay]])
        return np.asarray(random.permutation(np.concatenate([self.new, drawn])), np.int64)


def plan_all(samples: Samples, epochs: int, seed: int) -> Plan:
    """Every picture in every epoch."""
    return Plan(np.arange(len(samples)), np.empty(0, np.int64), np.empty(0), 0, epochs, seed)


def plan_replay(samples: Samples, known: Collection[str], replay_share: float, epochs: int, seed: int) -> Plan:
    """What is new, with old pictures beside it. known: fingerprints of the videos that the base was trained on."""
    is_old = np.array([fingerprint in known for fingerprint in samples.fingerprint], bool)
    new, old = np.flatnonzero(~is_old), np.flatnonzero(is_old)
    wanted = round(len(new) * replay_share / (1 - replay_share))
    return Plan(new, old, balanced(samples, old), min(len(old), wanted), epochs, seed)


def balanced(samples: Samples, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Chance of each row: every month alike, in it every channel, in that every group of re-uploads, in that every picture.

    So a channel that publishes a hundred times as much is not remembered a hundred times as well.
    """
    months = [samples.uploaded[row][:MONTH] for row in rows.tolist()]
    channels = [(month, samples.channel[row]) for month, row in zip(months, rows.tolist(), strict=True)]
    groups = [(*channel, samples.group[row]) for channel, row in zip(channels, rows.tolist(), strict=True)]
    channels_in = Counter(month for month, _ in set(channels))
    groups_in = Counter(group[:2] for group in set(groups))
    rows_in = Counter(groups)
    return np.array([1 / (channels_in[month] * groups_in[channel] * rows_in[group])
                     for month, channel, group in zip(months, channels, groups, strict=True)])
