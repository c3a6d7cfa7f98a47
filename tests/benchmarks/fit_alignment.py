"""Fit tasks/alignment/calibration.json on generated videos with known truth. Run: python -m tests.benchmarks.fit_alignment

Takes about half an hour on two cores and needs espeak-ng. The seeds are never those of bench_alignment.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.alignment.align import Evidence, weigh
from tasks.alignment.calibration import FILE, Calibration, read_calibration
from tasks.alignment.coherence import Mentions, Nearby, find_nearby, lags, name_views
from tasks.alignment.offset import NEAR_SECONDS, estimate_offset
from tests.alignment.narrated import Narrated, class_of_lemma, make_narrated, shown_at

# Seed, videos, seconds each, lag. As many in step as not: the prior of offset.py.
RUNS = ((3001, 40, 60, (-6.0, 6.0)), (3002, 40, 60, (0.0, 0.0)), (3006, 8, 240, (-6.0, 6.0)))
WINDOW_SECONDS = 8.0
FALSE_OFFSETS = 0.05  # share of videos with a stranger's words that may be given an offset
STRANGERS = 4  # videos whose words each video is tried with; together they count as much as its own
INSIDE_SECONDS = 0.5  # a frame shows what is on screen this long after it: a cut is never doubtful
# How each coefficient is searched: through its logarithm, its log odds, or as it is; and the first step.
SEARCHED = {
    "jitter_seconds": ("log", 0.2), "named_share": ("odds", 0.4), "vocabulary": ("log", 0.5),
    "elsewhere_words": ("log", 0.7), "common_by_rarity": ("plain", 1.0), "name_by_rarity": ("plain", 1.0),
    "name_by_visual": ("plain", 1.0)}
TO: dict[str, Callable[[float], float]] = {"log": math.log, "odds": lambda x: math.log(x / (1 - x)), "plain": float}
FROM: dict[str, Callable[[float], float]] = {"log": math.exp, "odds": lambda x: 1 / (1 + math.exp(-x)), "plain": float}

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Case(NamedTuple):
    """One video as the model sees it, and the truth: which names are right, and the lag (None: words of another video)."""

    mentions: Mentions
    evidence: Evidence
    right: Bools
    lag: float | None


def read_case(narrated: Narrated, fitted: Calibration, *, stranger: Narrated | None = None) -> Case:
    """stranger: take the words of that video instead."""
    video, words, frames = narrated
    evidence = weigh(stranger.words if stranger else words, frames, WINDOW_SECONDS, fitted)
    return Case(evidence.mentions, evidence, right_names(narrated, evidence), None if stranger else video["lag"]["offset"])


def right_names(narrated: Narrated, evidence: Evidence) -> Bools:
    """Whether each candidate name is in view, shape (names,)."""
    video = narrated.video
    classes = class_of_lemma(set(video["objects"]))
    named = [classes.get(lemma) for lemma in evidence.lemmas]
    screen, first = evidence.screen, evidence.names.first
    shown = {int(view): shown_at(video, time + INSIDE_SECONDS) for view, time in zip(screen.view, screen.timestamp, strict=True)}
    pairs = zip(evidence.mentions.lemma[evidence.nearby.mention[first]], evidence.nearby.view[first], strict=True)
    return np.array([named[lemma] in shown[view] for lemma, view in pairs], dtype=bool)


def loss(cases: Sequence[Case], fitted: Calibration) -> float:
    """Cross-entropy of names, plus that of the lag, per video; in nats."""
    total = 0.0
    for mentions, evidence, right, lag in cases:
        nearby = _nearby(mentions, evidence, fitted)
        names = name_views(mentions, nearby, fitted)
        posterior = estimate_offset(lags(WINDOW_SECONDS), names.log_likelihood, fitted).posterior
        sure = np.clip(names.probability @ posterior, 1e-6, 1 - 1e-6)
        total -= float(np.log(np.where(right, sure, 1 - sure)).sum())
        total -= 2 * math.log(max(posterior[np.abs(lags(WINDOW_SECONDS) - lag).argmin()], 1e-9)) if lag is not None else 0
    return total / len(cases)


def _nearby(mentions: Mentions, evidence: Evidence, fitted: Calibration) -> Nearby:
    return find_nearby(mentions, evidence.screen, WINDOW_SECONDS, fitted)


def search(cases: Sequence[Case], start: Calibration, rounds: int) -> Calibration:
    """Compass search: a step along each coefficient while it helps, then smaller steps."""
    steps = {name: step for name, (_, step) in SEARCHED.items()}
    best, low = start, loss(cases, start)
    for _ in range(rounds):
        for name, (scale, _) in SEARCHED.items():
            for sign in (1, -1):
                value = FROM[scale](TO[scale](getattr(best, name)) + sign * steps[name])
                trial = best.model_copy(update={name: float(f"{value:.3g}")})
                found = loss(cases, trial)
                if found < low:
                    best, low = trial, found
                    steps[name] *= 1.5
                    break
            else:
                steps[name] /= 2
        print(json.dumps({"loss": round(low, 4), **{name: getattr(best, name) for name in SEARCHED}}), flush=True)
    return best


def logistic(signs: Floats, right: Bools, counts: Floats, rounds: int = 50) -> Floats:
    """Coefficients of a logistic regression by Newton's method.

    signs: shape (rows, columns), a column of ones included. counts: how many times each row counts.
    """
    found = np.zeros(signs.shape[1])
    for _ in range(rounds):
        guess = 1 / (1 + np.exp(-signs @ found))
        slope = signs.T @ (counts * (right - guess)) - 1e-3 * found
        bend = (signs * (counts * guess * (1 - guess))[:, None]).T @ signs + 1e-3 * np.eye(len(found))
        found += np.linalg.solve(bend, slope)
    return found


def calibrate(cases: Sequence[Case], strangers: Sequence[Case], fitted: Calibration) -> Calibration:
    """Turn posteriors into the shares that were right: of labels, and of offsets."""
    sure = np.clip(np.concatenate([case.evidence.probability for case in cases]), 1e-9, 1 - 1e-9)
    right = np.concatenate([case.right for case in cases])
    intercept, slope = logistic(np.stack([np.ones(len(sure)), np.log(sure / (1 - sure))], axis=1), right, np.ones(len(sure)))
    signs = np.array([case.evidence.offset.signs for case in (*cases, *strangers)])
    near = np.array([case.lag is not None and abs(case.evidence.offset.best - case.lag) <= NEAR_SECONDS
                     for case in (*cases, *strangers)])
    odds = logistic(signs, near, np.where(np.arange(len(near)) < len(cases), 1, len(cases) / len(strangers)))
    chance = 1 / (1 + np.exp(-signs[len(cases):] @ odds))
    threshold = float(np.quantile(chance, 1 - FALSE_OFFSETS))
    values = (intercept, slope, *odds, threshold)
    names = ("weight_intercept", "weight_slope", "offset_intercept", "offset_by_mass", "offset_by_spread", "offset_threshold")
    return fitted.model_copy(update={name: round(float(value), 3) for name, value in zip(names, values, strict=True)})


def fit(videos: Sequence[Narrated], rounds: int, start: Calibration, say: Callable[[str], None] = print) -> Calibration:
    found = search([read_case(one, start) for one in videos], start, rounds)
    strangers = [read_case(one, found, stranger=videos[at - apart])
                 for apart in range(3, 3 + STRANGERS) for at, one in enumerate(videos)]
    fitted = calibrate([read_case(one, found) for one in videos], strangers, found)
    say(fitted.model_dump_json())
    return fitted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    videos: list[Narrated] = []
    for seed, count, seconds, lag in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            videos += make_narrated(Path(folder), count, seed, lag, seconds=seconds, jobs=options.jobs)
    fitted = fit(videos, options.rounds, read_calibration())
    told = {
        "note": "Fitted by minimising the cross-entropy of labels and lags, then by logistic regression; docs/alignment.md",
        "fitted_on": f"generated videos: seed, videos, seconds each, lag: {RUNS}",
        "command": "python -m tests.benchmarks.fit_alignment"}
    FILE.write_text(json.dumps({**fitted.model_dump(), **told}, indent=2) + "\n")


if __name__ == "__main__":
    main()
