"""From scores to probabilities: a slope for all words and an intercept for each, fitted on pictures that were not trained on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.nets.store import Calibration

BINS = 10
PULL = 4.0  # how many pictures' worth of evidence an intercept of its own must outweigh
LEAST_PULL = 0.01  # the same of the common intercept
STEPS, LARGEST_STEP = 50, 1.0  # of Newton's method
LEAST_WEIGHT = 0.05  # probabilities below it are not acted upon: the error is that of the others


def fit_calibration(scores: NDArray[np.float32], shown: NDArray[np.float32], half: NDArray[np.bool_]) -> Calibration:
    """Logistic regression of what is shown on the net's scores, word by word.

    scores, shown: (pictures, words); shown: the probability that the picture shows the word, from its labels.
    half: (pictures,), True for about half of the videos: the error is of each half under the curve of the other one. Where
    all are in one half it is of the very pictures that were fitted.
    """
    slope, intercepts = _fit(scores, shown)
    parts = [part for part in (half, ~half) if part.any()]
    curves = [_fit(scores[part], shown[part]) for part in parts]
    judged = [_probability(scores[part], *curve) for part, curve in zip(parts, reversed(curves), strict=True)]
    error = calibration_error(np.concatenate(judged), np.concatenate([shown[part] for part in parts]).astype(np.float64))
    return Calibration(round(slope, 6), tuple(round(float(value), 6) for value in intercepts), round(error, 6))


def _fit(scores: NDArray[np.float32], shown: NDArray[np.float32]) -> tuple[float, NDArray[np.float64]]:
    """-> (slope, an intercept a word). Intercepts are drawn towards a common one and the slope towards 1, so that a handful of
    pictures does not make them run away. Newton's method in float64.
    """
    x, target = scores.astype(np.float64), shown.astype(np.float64)
    slope, common, own = 1.0, 0.0, np.zeros(x.shape[1])
    for _ in range(STEPS):
        p = _probability(x, slope, common + own)
        error, curve = target - p, p * (1 - p)
        # The matrix of second derivatives is an arrow: own intercepts touch the slope and the common one, not each other.
        diagonal = curve.sum(0) + PULL
        side = np.stack([(curve * x).sum(0), curve.sum(0)])
        core = np.array([[(curve * x * x).sum() + PULL, side[0].sum()], [side[0].sum(), side[1].sum() + LEAST_PULL]])
        gradient = np.array([(error * x).sum() - PULL * (slope - 1), error.sum() - LEAST_PULL * common])
        own_gradient = error.sum(0) - PULL * own
        step = np.linalg.solve(core - (side / diagonal) @ side.T, gradient - side @ (own_gradient / diagonal))
        step = np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        slope, common = slope + float(step[0]), common + float(step[1])
        own = own + np.clip((own_gradient - step @ side) / diagonal, -LARGEST_STEP, LARGEST_STEP)
    if slope <= 0:  # scores that point the wrong way say nothing: each word as often as it is shown
        share = target.mean(0).clip(1e-6, 1 - 1e-6)
        return 0.0, np.log(share / (1 - share))
    return slope, common + own


def _probability(scores: NDArray[Any], slope: float, intercepts: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = slope * scores.astype(np.float64) + intercepts
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -40, 40))))


def calibration_error(probability: NDArray[np.float64], shown: NDArray[np.float64], least: float = LEAST_WEIGHT) -> float:
    """Expected calibration error over ten equal bins, of probabilities not below `least`; 0 when there are none."""
    counts = probability >= least
    p, target = probability[counts], shown[counts]
    if not len(p):
        return 0.0
    at = np.minimum((p * BINS).astype(int), BINS - 1)
    gaps = np.abs(np.bincount(at, p, BINS) - np.bincount(at, target, BINS))
    return float(gaps.sum() / len(p))
