import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.study.change import change_of, changes_between

RANDOM = np.random.default_rng(0)
LEFT = np.linalg.qr(RANDOM.standard_normal((64, 64)))[0]
RIGHT = np.linalg.qr(RANDOM.standard_normal((100, 64)))[0]


def layer(strengths: list[float], turn: float = 0.0) -> NDArray[np.float64]:
    """Main directions of these strengths; the first turned by an angle towards one that nothing else uses."""
    left = LEFT[:, :len(strengths)].copy()
    left[:, 0] = np.cos(turn) * LEFT[:, 0] + np.sin(turn) * LEFT[:, 63]
    return np.asarray(left @ np.diag(strengths) @ RIGHT[:, :len(strengths)].T)


def test_nothing_changed() -> None:
    same = change_of("layer", layer([5, 3]), layer([5, 3]), 2)
    assert same.relative == 0
    assert same.kept == pytest.approx(1)
    assert same.widest == pytest.approx(0, abs=1e-5)


def test_growth_alone_moves_no_direction() -> None:
    grown = change_of("layer", layer([5, 3]), 1.5 * layer([5, 3]), 2)
    assert grown.relative == pytest.approx(0.5)
    assert grown.kept == pytest.approx(1)


def test_an_angle_is_measured() -> None:
    """By hand: one of two directions turned by 30 degrees: squared cosines 1 and 3/4."""
    turned = change_of("layer", layer([5, 3]), layer([5, 3], np.pi / 6), 2)
    assert turned.widest == pytest.approx(30)
    assert turned.kept == pytest.approx(0.875)
    assert turned.relative == pytest.approx(2 * np.sin(np.pi / 12) * 5 / np.sqrt(34))


def test_random_subspaces_keep_what_chance_says() -> None:
    random = np.random.default_rng(1)
    kept = [change_of("layer", random.standard_normal((60, 40)), random.standard_normal((60, 40)), 6) for _ in range(50)]
    assert kept[0].by_chance == 0.1
    assert np.mean([one.kept for one in kept]) == pytest.approx(0.1, abs=0.01)


def test_layers_of_other_shapes_are_named() -> None:
    changes, others = changes_between(
        {"a": layer([1]), "b": layer([1])}, {"a": layer([2]), "b": np.ones((3, 3)), "c": layer([1])}, {"a": 1})
    assert [change.name for change in changes] == ["a"]
    assert others == ["b", "c"]
