"""The gate: a candidate takes the champion's place only on evidence. What it decided, and by which numbers, is kept."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tasks.errors import InputError, IntegrityError
from tasks.evaluation import metrics
from tasks.evaluation.bootstrap import draw_videos, paired_gain
from tasks.evaluation.evaluate import Evaluation, by_chance
from tasks.evaluation.metrics import Answers, Slice, Statistic
from tasks.evaluation.split import FrozenSplit
from tasks.params import GateParams
from tasks.storage.atomic import write_whole

VERDICT = "verdict.json"
FOUND_WITHIN = 10
LEAST_WORDS = 20  # with fewer, one word is as much as may be lost
# What each slice is judged by; of the others, figures are reported only.
JUDGED = {
    "all": ("precision_at_1", "r_at_10", "calibration_error"), "old channels": ("precision_at_1", "recall_at_5"),
    "new channels": ("precision_at_1", "recall_at_5"), "rare words": ("recall_at_5",)}
LOWER_IS_BETTER = ("calibration_error",)


@dataclass(frozen=True)
class Comparison:
    """One figure of one slice, before and after.

    gain: after minus before, turned round where less is better. lower: it is at least that with the asked confidence.
    needed: what `lower` must not be below. videos: of the slice. judged: false where they, or the words, are too few to tell.
    """

    slice: str
    metric: str
    before: float
    after: float
    gain: float
    lower: float
    needed: float
    videos: int
    judged: bool

    @property
    def passed(self) -> bool:
        return not self.judged or self.lower >= self.needed


@dataclass(frozen=True)
class Verdict:
    """passed: the candidate may take the champion's place. reasons: why not, or on what ground.

    candidate, champion: `<name>/<version>`; the champion is `chance` where there is none yet.
    """

    passed: bool
    reasons: tuple[str, ...]
    candidate: str
    weights: str
    champion: str
    split: str
    comparisons: tuple[Comparison, ...] = ()
    params: Mapping[str, Any] | None = None

    @property
    def summary(self) -> str:
        """In one line."""
        what = "promote" if self.passed else "refuse"
        more = f" (and {len(self.reasons) - 1} more)" if len(self.reasons) > 1 else ""
        return f"{what} {self.candidate}: {self.reasons[0]}{more}"


def compare(
    candidate: Evaluation, champion: Evaluation | None, params: GateParams, *, known_channels: Collection[str] = (),
    seen: Mapping[str, tuple[Collection[str], Collection[str]]] | None = None,
) -> Verdict:
    """Decide whether the candidate may be promoted.

    champion: None where there is none yet; then chance is to be beaten.
    known_channels: those of the dataset that the champion was trained with; others are new.
    seen: by net, the videos that it was trained on, and their channels where channels are split; none may be in the test split,
    or the comparison is not fair. Re-uploads count as the video they repeat.
    Raises InputError when they were judged on different test splits, IntegrityError when the champion is broken.
    """
    before = champion or by_chance(candidate.split, params.seed)
    if before.split.digest != candidate.split.digest:
        raise InputError(f"{candidate.net} and {before.net} were judged on different test splits", "evaluate both on one dataset")
    if before.answers is None:
        raise IntegrityError(f"champion {before.net}: {before.faults[0]}", "restore it, or roll back to an earlier version")
    verdict = Verdict(False, candidate.faults, candidate.net, candidate.weights, before.net, candidate.split.digest,
                      params=params.model_dump())
    if candidate.answers is None:
        return verdict
    if leaks := [leak for net, (videos, channels) in (seen or {}).items()
                 for leak in _leaks(net, candidate.split, set(videos), set(channels))]:
        return replace(verdict, reasons=tuple(leaks))
    if champion is None:
        return _first(verdict, candidate.split, candidate.answers, before.answers, params)
    parts = slices(candidate.split, known_channels)
    found = tuple(
        comparison for part in parts for comparison in _compare(candidate.split, before.answers, candidate.answers, part, params))
    failed = [_tell(one) for one in found if not one.passed]
    if not found[0].judged:
        failed = [f"{found[0].videos} test videos decide nothing, {params.min_videos} are needed"]
    kept = [f"no worse than {before.net} by more than is allowed, on {parts[0].size} test videos"]
    return replace(verdict, passed=not failed, reasons=tuple(failed or kept), comparisons=found)


def slices(split: FrozenSplit, known_channels: Collection[str]) -> tuple[Slice, ...]:
    """All; channels that were known, and new ones; words that were rare in training. Empty ones are left out."""
    whole = metrics.everything(split)
    old = np.array([channel in known_channels for channel in split.channels], np.bool_)
    parts = (whole, Slice("old channels", old, whole.words), Slice("new channels", ~old, whole.words),
             Slice("rare words", whole.videos, split.rare))
    return tuple(part for part in parts if part.videos.any() and part.words.any())


def measure_slices(evaluation: Evaluation, known_channels: Collection[str]) -> dict[str, dict[str, float]]:
    """The figures of each slice, by its name; none of a net that is broken."""
    if evaluation.answers is None:
        return {}
    return {part.name: metrics.measure(evaluation.split, evaluation.answers, part)
            for part in slices(evaluation.split, known_channels)}


def write_verdict(folder: Path, verdict: Verdict) -> None:
    """Write verdict.json into a net's folder."""
    said = {**asdict(verdict), "comparisons": [{**asdict(one), "passed": one.passed} for one in verdict.comparisons]}
    write_whole(folder / VERDICT, json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")


def read_verdict(folder: Path) -> Verdict | None:
    """What was decided about the net of a folder; None where nothing was. Raises IntegrityError when the file is none."""
    path = folder / VERDICT
    try:
        said = json.loads(path.read_bytes())
        found = tuple(Comparison(**{key: value for key, value in one.items() if key != "passed"}) for one in said["comparisons"])
        return Verdict(**{**said, "reasons": tuple(said["reasons"]), "comparisons": found})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{path}: not a verdict ({type(error).__name__})", "run `framewords evaluate` again") from error


def _first(verdict: Verdict, split: FrozenSplit, after: Answers, before: Answers, params: GateParams) -> Verdict:
    """Without a champion: surely better than chance by first_gain of it, or of what chance leaves where that is less."""
    whole = metrics.everything(split)
    found = tuple(
        replace(one, needed=_rounded(params.first_gain * min(one.before, 1 - one.before)), judged=_is_fine(one.metric, whole))
        for one in _compare(split, before, after, whole, params) if one.metric not in LOWER_IS_BETTER)
    failed = tuple(_tell(one) for one in found if not one.passed)
    kept = ("better than chance; there is no champion to compare with",)
    return replace(verdict, passed=not failed, reasons=failed or kept, comparisons=found)


def _compare(split: FrozenSplit, before: Answers, after: Answers, part: Slice, params: GateParams) -> list[Comparison]:
    draws = draw_videos(part, params.draws, params.seed)
    allowed = params.allowed_loss if part.name == "all" else params.slice_allowed_loss
    found = []
    for metric in JUDGED[part.name]:
        sign = -1 if metric in LOWER_IS_BETTER else 1
        old, new = (_statistic(metric, split, answers, part) for answers in (before, after))
        gain = paired_gain(_signed(old, sign), _signed(new, sign), draws, params.confidence)
        loss = allowed * abs(gain.before)
        if metric in LOWER_IS_BETTER:  # an error may grow up to a limit: a net that dares to say more is off by more
            loss = max(loss, params.max_calibration_error + gain.before)
        found.append(Comparison(
            part.name, metric, _rounded(sign * gain.before), _rounded(sign * gain.after), _rounded(gain.gain),
            _rounded(gain.lower), _rounded(-loss), part.size, part.size >= params.min_videos and _is_fine(metric, part)))
    return found


def _is_fine(metric: str, part: Slice) -> bool:
    """Whether a figure has small enough steps to decide by: R@10 is a share of words."""
    return metric != "r_at_10" or int(part.words.sum()) >= LEAST_WORDS


def _statistic(metric: str, split: FrozenSplit, answers: Answers, part: Slice) -> Statistic:
    if metric == "precision_at_1":
        return metrics.precision(split, answers, part, 1)
    if metric == "recall_at_5":
        return metrics.recall(split, answers, part)
    if metric == "r_at_10":
        return metrics.found_within(metrics.rank(split, answers, part), FOUND_WITHIN)
    return metrics.calibration(split, answers, part)


def _signed(statistic: Statistic, sign: int) -> Statistic:
    return lambda draws: sign * statistic(draws)


def _rounded(value: float) -> float:
    return round(value, 6) + 0.0  # no -0.0 in files


def _leaks(net: str, split: FrozenSplit, videos: set[str], channels: set[str]) -> tuple[str, ...]:
    """Test videos that were trained on, under whatever name."""
    seen = [video for video, group in zip(split.videos, split.groups, strict=True) if video in videos or group in videos]
    told = [f"{net} was trained on {len(seen)} test videos, such as {seen[0]}"] if seen else []
    shared = sorted(channels & set(split.channels) - {""})
    return (*told, *([f"{net} was trained on {len(shared)} channels of the test split, such as {shared[0]}"] if shared else []))


def _tell(one: Comparison) -> str:
    percent = f"{100 * one.before:.1f} % to {100 * one.after:.1f} %"
    return (f"{one.slice}: {one.metric} from {percent} is a gain of {100 * one.lower:+.1f} points at least, "
            f"and {100 * one.needed:+.1f} are needed")


def headline(verdict: Verdict) -> Sequence[str]:
    """The verdict as a table in Markdown, for the UI and the terminal."""
    rows = [f"| {one.slice} | {one.metric} | {100 * one.before:.1f} % | {100 * one.after:.1f} % | {100 * one.lower:+.1f} | "
            f"{100 * one.needed:+.1f} | {'yes' if one.passed else 'NO'}{'' if one.judged else ' (too few to tell)'} |"
            for one in verdict.comparisons]
    head = ["| slice | figure | champion | candidate | gain at least, points | must be at least | passed |",
            "| --- | --- | --- | --- | --- | --- | --- |"] if rows else []
    return [f"**{verdict.summary}**", "", *head, *rows]
