"""The singular values of a layer's weights against those of random numbers: what stands out has been learnt.

A random N x M matrix (N >= M, entries independent, standard deviation s) has squared singular values which, divided by s^2 N,
fill the range (1 +- sqrt(M / N))^2 with a density that is known: the Marchenko-Pastur law. A direction that was learnt sticks
out of the range once it is strong enough (Baik, Ben Arous, Peche, 2005: strength above (M / N)^(1/4)).
Sources: Marchenko and Pastur, 1967; Johnstone, "On the distribution of the largest eigenvalue", 2001; Gavish and Donoho, 2014
(noise from the median); Clauset, Shalizi and Newman, 2009 (tails); Martin and Mahoney, 2021 (on nets); Roy and Vetterli, 2007
(rank).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FEWEST = 16  # singular values, from which on a layer can be judged
TRACY_WIDOM = 3.2724  # 99.9 % quantile of the law of the largest eigenvalue (real matrices), in its own units
FEWEST_IN_TAIL = 10
RANDOM_DRAWS = 5
GRID = 4_001  # points of the numerical integral of the law

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Tail:
    """Density falls as value^-exponent from `start` on. error: standard error. count: values in the tail."""

    exponent: float
    error: float
    start: float
    count: int


@dataclass(frozen=True)
class Spectrum:
    """One layer. shape: rows (outputs) and columns. values: squared singular values over sd^2 N, greatest first.

    sd: of the entries, as the bulk of the values tells. edge: the upper end of the law; limit: beyond it, a value is an outlier
    at 99.9 %. outliers: how many are. share: of the sum of all values. distance: greatest difference between the cumulative
    distributions of the others and the law, 0-1. effective_rank: exp of the entropy of the singular values; stable_rank: sum of
    the values over the greatest. tail: None where there are too few values.
    """

    name: str
    shape: tuple[int, int]
    values: Values
    sd: float
    edge: float
    limit: float
    outliers: int
    share: float
    distance: float
    effective_rank: float
    stable_rank: float
    tail: Tail | None

    @property
    def ratio(self) -> float:
        return min(self.shape) / max(self.shape)


def law_edges(ratio: float) -> tuple[float, float]:
    """Where the law begins and ends. ratio: M / N, 0-1."""
    return (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2


def law_density(values: Values, ratio: float) -> Values:
    """The Marchenko-Pastur density for variance 1."""
    low, high = law_edges(ratio)
    inside = np.clip((high - values) * (values - low), 0, None)
    return np.asarray(np.sqrt(inside) / (2 * np.pi * ratio * np.maximum(values, 1e-12)))


def law_cumulative(values: Values, ratio: float) -> Values:
    """The share of the law below some values."""
    points, below = _cumulative(ratio)
    return np.asarray(np.interp(values, points, below))


def law_quantile(share: float, ratio: float) -> float:
    """The value below which a share of the law lies."""
    points, below = _cumulative(ratio)
    return float(np.interp(share, below, points))


@lru_cache(maxsize=64)
def _cumulative(ratio: float) -> tuple[Values, Values]:
    """With values = middle - half * cos(t), the integrand has no poles at the edges, not even for square matrices."""
    low, high = law_edges(ratio)
    middle, half = (low + high) / 2, (high - low) / 2
    t = np.linspace(0, np.pi, GRID)
    points = middle - half * np.cos(t)
    integrand = half**2 * np.sin(t) ** 2 / (2 * np.pi * ratio * np.maximum(points, 1e-12))
    below = np.concatenate([[0.0], np.cumsum((integrand[1:] + integrand[:-1]) / 2 * np.diff(t))])
    return points, below / below[-1]


def spectrum_of(name: str, matrix: NDArray[np.floating]) -> Spectrum | None:
    """The spectrum of (rows, columns); None for a layer too small to be judged, or all of one value."""
    small, large = min(matrix.shape), max(matrix.shape)
    if small < FEWEST:
        return None
    singular = np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False)
    squares = singular**2
    if not squares[0] > 0:
        return None
    ratio, limit, outliers = small / large, _limit(small, large), 0
    variance = 0.0
    for _ in range(small):  # outliers lift the median a little: without them it is taken again
        rest = squares[outliers:]
        variance = float(np.median(rest)) / (large * law_quantile(0.5, ratio))
        found = int((squares > limit * variance * large).sum()) if variance > 0 else small
        if found <= outliers:
            break
        outliers = min(found, small // 2)
    values = squares / (large * variance) if variance > 0 else squares
    rest = values[outliers:][::-1]
    expected = law_cumulative(rest, ratio)
    steps = np.arange(len(rest) + 1) / len(rest)
    shares = singular / singular.sum()
    return Spectrum(
        name, (matrix.shape[0], matrix.shape[1]), values, float(np.sqrt(variance)), float(law_edges(ratio)[1]), limit, outliers,
        float(squares[:outliers].sum() / squares.sum()),
        float(max(np.abs(expected - steps[:-1]).max(), np.abs(expected - steps[1:]).max())),
        float(np.exp(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())), float(squares.sum() / squares[0]),
        tail_exponent(values))


def _limit(small: int, large: int) -> float:
    """The value that the greatest of a random matrix passes once in a thousand times (Johnstone, 2001)."""
    a, b = np.sqrt(large - 0.5), np.sqrt(small - 0.5)
    return float(((a + b) ** 2 + TRACY_WIDOM * (a + b) * (1 / a + 1 / b) ** (1 / 3)) / large)


@lru_cache(maxsize=256)
def random_tail(shape: tuple[int, int]) -> float:
    """The exponent that the tail of random numbers of this shape seems to have: the median of some draws."""
    draws = (np.random.default_rng(seed).standard_normal(shape) for seed in range(RANDOM_DRAWS))
    tails = [tail_exponent(np.asarray(np.linalg.svd(draw, compute_uv=False) ** 2)) for draw in draws]
    return float(np.median([tail.exponent for tail in tails if tail]))


def tail_exponent(values: Values) -> Tail | None:
    """The exponent of the tail by maximum likelihood, from where it fits best (least Kolmogorov-Smirnov distance)."""
    ordered = np.sort(values[values > 0])
    best: tuple[float, Tail] | None = None
    for first in range(len(ordered) - FEWEST_IN_TAIL + 1):
        tail = ordered[first:]
        logs = np.log(tail / tail[0])
        if not logs.sum() > 0:
            continue
        exponent = 1 + len(tail) / logs.sum()
        fitted = 1 - np.exp((1 - exponent) * logs)
        distance = float(np.abs(fitted - np.arange(len(tail)) / len(tail)).max())
        if best is None or distance < best[0]:
            best = distance, Tail(float(exponent), float((exponent - 1) / np.sqrt(len(tail))), float(tail[0]), len(tail))
    return best[1] if best else None
