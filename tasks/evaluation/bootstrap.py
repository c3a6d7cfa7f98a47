"""How sure a gain is: the same videos drawn again for both nets, many times.

Pictures of one video resemble each other, so that it is videos that are drawn, not pictures.
Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, percentile intervals.
"""

from typing import NamedTuple

import numpy as np

from tasks.evaluation.metrics import Draws, Slice, Statistic, once

ROUNDS_AT_ONCE = 250


class Gain(NamedTuple):
    """before, after: the figure of either net. lower: the gain is at least that, with the asked confidence."""

    before: float
    after: float
    lower: float

    @property
    def gain(self) -> float:
        return self.after - self.before


def draw_videos(part: Slice, rounds: int, seed: int) -> Draws:
    """As many of the part's videos as it has, with replacement, in each round: how often each of all videos came, (rounds, V)."""
    chosen = np.flatnonzero(part.videos)
    draws = np.zeros((rounds, len(part.videos)), np.int32)
    if len(chosen):
        shares = np.full(len(chosen), 1 / len(chosen))
        draws[:, chosen] = np.random.default_rng(seed).multinomial(len(chosen), shares, size=rounds)
    return draws


def paired_gain(before: Statistic, after: Statistic, draws: Draws, confidence: float) -> Gain:
    """The gain from one net to the other on the same videos. confidence: one-sided, 0-1."""
    parts = [after(block) - before(block) for block in np.array_split(draws, -(-len(draws) // ROUNDS_AT_ONCE))]
    whole = once(draws.shape[1])
    lower = float(np.quantile(np.concatenate(parts), 1 - confidence))
    return Gain(float(before(whole)[0]), float(after(whole)[0]), lower)
