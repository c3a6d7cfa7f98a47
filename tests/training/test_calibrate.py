"""Probabilities mean what they say."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.nets.store import Calibration
from tasks.training import calibrate
from tasks.training.calibrate import calibration_error


def sigmoid(x: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


def fit_calibration(scores: NDArray[np.float32], shown: NDArray[np.float32]) -> Calibration:
    return calibrate.fit_calibration(scores, shown, np.arange(len(scores)) % 2 == 0)


def test_slope_and_intercepts_of_a_known_curve_are_found_again() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(0, 2, (20_000, 3)).astype(np.float32)
    true = sigmoid(0.7 * scores + np.array([-1.0, 0.5, -3.0]))
    shown = (random.random(true.shape) < true).astype(np.float32)
    found = fit_calibration(scores, shown)
    assert found.slope == pytest.approx(0.7, abs=0.02)
    assert found.intercepts == pytest.approx([-1.0, 0.5, -3.0], abs=0.08)
    assert found.error < 0.02


def test_a_word_never_heard_in_validation_leans_on_the_others() -> None:
    random = np.random.default_rng(1)
    scores = random.normal(0, 1, (4000, 6)).astype(np.float32)
    shown = (random.random(scores.shape) < sigmoid(scores - 2)).astype(np.float32)
    few = fit_calibration(scores[:20], shown[:20])
    assert np.ptp(few.intercepts) < 2.5
    assert np.isfinite(few.intercepts).all()


def test_a_handful_of_pictures_does_not_make_the_slope_run_away() -> None:
    scores = np.array([[5.0, -5.0], [-5.0, 5.0]], np.float32)
    found = fit_calibration(scores, np.eye(2, dtype=np.float32))
    assert 0 <= found.slope < 3


def test_scores_that_point_the_wrong_way_are_not_trusted() -> None:
    scores = np.linspace(-3, 3, 400, dtype=np.float32)[:, None].repeat(2, 1)
    found = fit_calibration(scores, (scores < 0).astype(np.float32))
    assert found.slope == 0
    assert found.intercepts == pytest.approx([0.0, 0.0])  # shown half of the time


def test_the_error_is_of_pictures_that_were_not_fitted() -> None:
    """Words without any sense: a curve of their own looks right on the pictures it was fitted on, not on others."""
    random = np.random.default_rng(2)
    scores = random.normal(0, 1, (60, 40)).astype(np.float32)
    shown = (random.random(scores.shape) < 0.2).astype(np.float32)
    within = calibrate.fit_calibration(scores, shown, np.ones(60, bool)).error
    assert fit_calibration(scores, shown).error > within


def test_the_error_is_the_mean_gap_between_said_and_true() -> None:
    said = np.array([0.9, 0.9, 0.9, 0.9, 0.3, 0.3])
    true = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.6])
    # bin of 0.9: said 3.6, true 2; bin of 0.3: said 0.6, true 0.6
    assert calibration_error(said, true) == pytest.approx(1.6 / 6)
    assert calibration_error(np.array([0.01, 0.9]), np.array([1.0, 0.9])) == pytest.approx(0.0)  # 0.01 is not acted upon
