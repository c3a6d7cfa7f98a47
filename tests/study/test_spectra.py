"""Against theory: the Marchenko-Pastur law, the transition of Baik, Ben Arous and Peche, and power laws."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.study.spectra import Spectrum, law_cumulative, law_density, law_edges, law_quantile, spectrum_of, tail_exponent

SHAPES = [(128, 1152), (256, 256), (600, 200)]


def noise(rows: int, columns: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((rows, columns))


def planted(rows: int, columns: int, strength: float, seed: int = 0) -> NDArray[np.float64]:
    """Noise of variance 1 and one direction; strength in units of the square root of the longer side."""
    random = np.random.default_rng(seed + 1)
    u, v = (vector / np.linalg.norm(vector) for vector in (random.standard_normal(rows), random.standard_normal(columns)))
    return np.asarray(noise(rows, columns, seed) + strength * np.sqrt(max(rows, columns)) * np.outer(u, v))


def studied(matrix: NDArray[np.float64]) -> Spectrum:
    found = spectrum_of("layer", matrix)
    assert found is not None
    return found


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
@pytest.mark.parametrize("sd", [0.02, 3.0])
def test_random_numbers_follow_the_law(rows: int, columns: int, sd: float) -> None:
    """The greatest value fluctuates about the edge by about M^(-2/3); the deviation of sd is about 1 / M."""
    found = studied(sd * noise(rows, columns))
    small = min(rows, columns)
    assert found.edge == pytest.approx((1 + np.sqrt(small / max(rows, columns))) ** 2)
    assert found.values[0] == pytest.approx(found.edge, abs=6 * small ** (-2 / 3))
    assert found.sd == pytest.approx(sd, rel=3 / small)
    assert found.outliers == 0
    assert found.share == 0
    assert found.distance < 3 / small


def test_uniform_numbers_follow_the_same_law() -> None:
    found = studied(np.random.default_rng(0).uniform(-1, 1, (128, 1152)))
    assert found.outliers == 0
    assert found.sd == pytest.approx(1 / np.sqrt(3), rel=0.03)


def test_random_numbers_seldom_give_an_outlier() -> None:
    """At 99.9 %, 300 matrices give 0.3 in the mean; 4 or more come once in 3,800 times."""
    assert sum(studied(noise(48, 144, seed)).outliers for seed in range(300)) < 4


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_a_direction_above_the_transition_is_found_where_theory_puts_it(rows: int, columns: int) -> None:
    """A strength t above ratio^(1/4) shows at (1 + t^2)(ratio + t^2) / t^2."""
    ratio = min(rows, columns) / max(rows, columns)
    strength = 2 * ratio**0.25
    found = studied(planted(rows, columns, strength))
    assert found.outliers == 1
    assert found.values[0] == pytest.approx((1 + strength**2) * (ratio + strength**2) / strength**2, rel=0.08)
    assert found.share == pytest.approx(found.values[0] / found.values.sum())


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
def test_a_direction_below_the_transition_cannot_be_seen(rows: int, columns: int) -> None:
    ratio = min(rows, columns) / max(rows, columns)
    assert studied(planted(rows, columns, 0.5 * ratio**0.25)).outliers == 0


def test_many_strong_directions_do_not_hide_each_other() -> None:
    """24 of 128: the median of all values lies well above that of the noise, and is taken again without them."""
    random = np.random.default_rng(3)
    left, right = (np.linalg.qr(random.standard_normal((size, 24)))[0] for size in (128, 1152))
    found = studied(noise(128, 1152) + 3 * np.sqrt(1152) * left @ right.T)
    assert found.outliers == 24
    assert found.sd == pytest.approx(1, rel=0.04)


@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0])
def test_the_law_is_a_distribution_of_mean_one(ratio: float) -> None:
    low, high = law_edges(ratio)
    points = np.linspace(low, high, 200_001)[1:]
    density = law_density(points, ratio)
    step = points[1] - points[0]
    assert density.sum() * step == pytest.approx(1, abs=0.01)
    assert (points * density).sum() * step == pytest.approx(1, abs=0.01)
    middle = law_quantile(0.5, ratio)
    assert law_cumulative(np.array([low, middle, high]), ratio) == pytest.approx([0, 0.5, 1], abs=1e-6)
    assert density[points < middle].sum() * step == pytest.approx(0.5, abs=0.01)


def test_ranks_of_what_is_known() -> None:
    """Equal singular values: both ranks are their number. One that is k times the others: by hand."""
    equal = studied(np.eye(32, 64))
    assert equal.effective_rank == pytest.approx(32)
    assert equal.stable_rank == pytest.approx(32)
    one = studied(np.diag([10.0, *[1.0] * 31]))
    shares = np.array([10, *[1] * 31]) / 41
    assert one.stable_rank == pytest.approx((100 + 31) / 100)
    assert one.effective_rank == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


@pytest.mark.parametrize("exponent", [2.0, 3.5])
def test_the_exponent_of_a_power_law_is_found_within_its_error(exponent: float) -> None:
    """Pareto by inversion; the start of the tail is chosen by the data, so four standard errors are allowed."""
    uniform = np.random.default_rng(5).uniform(size=2_000)
    tail = tail_exponent(uniform ** (-1 / (exponent - 1)))
    assert tail is not None
    assert tail.error < 0.25
    assert tail.exponent == pytest.approx(exponent, abs=4 * tail.error)


def test_too_small_or_empty_layers_are_not_judged() -> None:
    assert spectrum_of("layer", noise(8, 500)) is None
    assert spectrum_of("layer", np.zeros((32, 32))) is None
    assert tail_exponent(np.ones(5)) is None
