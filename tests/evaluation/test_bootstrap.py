"""The bound holds what it promises."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.evaluation.bootstrap import draw_videos, paired_gain
from tasks.evaluation.metrics import Slice, Statistic


def part(videos: int) -> Slice:
    return Slice("all", np.ones(videos, np.bool_), np.ones(1, np.bool_))


def weighted(values: NDArray[np.float64]) -> Statistic:
    """The mean of one value a video."""
    return lambda draws: np.asarray(draws @ values / len(values), np.float64)


def test_each_round_draws_as_many_videos_as_the_slice_has_and_no_others() -> None:
    some = Slice("some", np.array([True, False, True, True]), np.ones(1, np.bool_))
    draws = draw_videos(some, 50, seed=1)
    assert (draws.sum(axis=1) == 3).all()
    assert (draws[:, 1] == 0).all()
    assert (draw_videos(some, 50, seed=1) == draws).all()


def test_the_same_net_gains_nothing_for_sure() -> None:
    values = np.random.default_rng(0).random(20)
    gain = paired_gain(weighted(values), weighted(values), draw_videos(part(20), 200, 0), 0.95)
    assert (gain.gain, gain.lower) == (0, 0)


def test_the_bound_lies_below_the_true_gain_as_often_as_promised() -> None:
    """500 splits of 60 videos whose gains have mean 0.1: at 95 % the bound may be above it in about 25."""
    random, above, bounds = np.random.default_rng(5), 0, []
    for seed in range(500):
        gains = random.normal(0.1, 0.3, 60)
        found = paired_gain(weighted(np.zeros(60)), weighted(gains), draw_videos(part(60), 300, seed), 0.95)
        above += found.lower > 0.1
        bounds.append(found.lower)
    assert 10 <= above <= 50
    assert np.mean(bounds) == pytest.approx(0.1 - 1.645 * 0.3 / 60**0.5, abs=0.01)
