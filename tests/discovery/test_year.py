"""Nights on end, on a site that does everything awkward. The whole year: python -m tests.benchmarks.bench_year."""

import statistics

import pytest

from tests.site.year import simulate


@pytest.mark.slow
@pytest.mark.parametrize(("nights", "failing", "seed"), [(40, 0.0, 1), (20, 0.2, 2)])
def test_nothing_is_missed_or_doubled_and_quiet_nights_are_cheap(nights: int, failing: float, seed: int) -> None:
    year = simulate(nights, 8, failing=failing, seed=seed)
    assert year.missed == set()
    assert year.doubled == 0
    assert year.unwanted == set()
    assert len(year.must) > 100
    assert year.requests <= year.served
    if not failing:
        assert year.requests == year.served
        assert statistics.fmean(year.quiet) <= 1.1
