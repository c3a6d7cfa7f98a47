"""Labels judged by what nets see in the pictures, each net in videos of channels that it never saw.

Rounds of: judges learn from the labels of the other folds; every video is labelled anew with what its judge sees. The result
is a pure function of labels, list, settings and code: judges learn from the first N videos that are labelled, N from a series
that grows by half, so that a video more costs one look, and now and then new judges.
"""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tasks.alignment.align import Evidence, weigh
from tasks.alignment.calibration import read_calibration
from tasks.alignment.screen import Floats, Ints
from tasks.dataset.labels import Fingerprinted, fingerprint_video
from tasks.errors import IntegrityError
from tasks.evidence.calibration import read_evidence_calibration
from tasks.evidence.cohort import assign_folds, cohort_size, duplicate_groups, fold_units
from tasks.evidence.combine import classes_of, judged, judged_examples, log_evidence, looks_of, seen_in_views, shares
from tasks.evidence.judge import Judge, Pictures, load_judge, save_judge, train_judge
from tasks.evidence.sights import read_pictures, some_of
from tasks.params import AlignmentParams, EvidenceParams
from tasks.schema import Video
from tasks.storage.artefact import Fingerprint, digest_json, is_done, read_table, write_table
from tasks.storage.atomic import write_whole
from tasks.training.samples import Progress, silent

VERSION = 1  # raise it when the same labels and settings would give other evidence
LEARNT_PICTURES = 100  # of one video at most, evenly spread: a long one must not crowd out the others
MOST_WORDS = 500  # that a judge tells apart, those of most videos
TRUSTS = (0.0, 0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)  # 0: what judges see counts for nothing
TRUST_VIDEOS = 200  # tell which of them is best
NOTHING_SHOWN = 0.3  # share of pictures taken to show none of the words, before any was looked at
WORDS_COLUMNS = ["word_index", "segment", "word", "start", "end", "confidence", "lemma", "why_not", "rarity", "visual"]
FRAMES_COLUMNS = ["frame", "timestamp", "end", "dropped", "duplicate_of", "layout"]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvidenceSummary:
    """What a run came to. cohort: videos that judges learn from; 0: too few are labelled, labels stay those of timing alone.

    moved: how far labels moved in each round, mean over all names. trained: judges trained now. written, kept: videos.
    """

    labelled: int
    cohort: int
    folds: int
    moved: tuple[float, ...]
    trained: int
    written: int
    kept: int


@dataclass(frozen=True)
class Cohort:
    """The videos that judges learn from. fold: of each. words: what the judges tell apart. fingerprint: of the judges.

    pictures: of all videos, uint8 (rows, H, W, 3). picture: the kept frame that a row shows, as counted by Screen.
    starts: the first row of each video, and the end.
    """

    videos: tuple[Fingerprinted, ...]
    fold: tuple[int, ...]
    words: tuple[str, ...]
    fingerprint: str
    pictures: Pictures
    picture: Ints
    starts: Ints


    @property
    def folds(self) -> int:
        return len(set(self.fold))

    @property
    def index(self) -> dict[str, int]:
        return {word: at for at, word in enumerate(self.words)}

    def rows_outside(self, fold: int) -> Ints:
        """The pictures of all other folds."""
        return np.flatnonzero(np.repeat(np.array(self.fold) != fold, np.diff(self.starts)))


@dataclass(frozen=True)
class Panel:
    """The judges after some rounds, one a fold; none before the first. trust: as in seen_in_views. moved: of each round."""

    judges: tuple[Judge, ...]
    trust: float
    moved: tuple[float, ...]


def gather_evidence(
    labels: Path, videos: Sequence[Video], out: Path, alignment: AlignmentParams, params: EvidenceParams, duplicate_bits: int,
    progress: Progress = silent,
) -> EvidenceSummary:
    """Bring `out`/<video id>.parquet (schema EXAMPLES) up to date with the labels of the videos, in list order.

    labels: holds <id>/{frames,words,examples}.parquet. Videos without them, and damaged ones, are passed over, and what is
    in `out` of them or of videos no longer listed goes. Judges are kept in `out`/nets, so that a run that was stopped goes on.
    duplicate_bits: as in the dataset: re-uploads share a fold.
    """
    torch.set_num_threads(params.threads)
    labelled = _labelled(labels, videos)
    size = cohort_size(len(labelled), params.first_videos, params.max_videos) if params.rounds else 0
    members = labelled[:size]
    folds = assign_folds(fold_units(members, duplicate_groups(members, duplicate_bits)), params.folds)
    if len(set(folds)) < 2:  # nobody could judge what he has not seen
        _sweep(out, set(), set())
        return EvidenceSummary(len(labelled), 0, 0, (), 0, 0, 0)
    print_ = cohort_fingerprint(members, folds, alignment, params).digest
    panel, trained = _read_panel(out, print_, len(set(folds)), params), 0
    if not _is_finished(panel, params):
        cohort = _read_cohort(members, folds, print_, params, progress)
        panel, trained = _run_rounds(cohort, out, alignment, params, progress)
    written = 0
    for at, one in enumerate(labelled):
        progress("judging labels", at, len(labelled))
        mine = panel if at >= size else replace(panel, judges=(panel.judges[folds[at]],))
        fingerprint = evidence_fingerprint(one, print_, None if at >= size else folds[at], alignment)
        path = out / f"{one.video.id}.parquet"
        if not is_done(path, fingerprint):
            _write_judged(one, path, mine, fingerprint, alignment, params)
            written += 1
    _sweep(out, {f"{one.video.id}.parquet" for one in labelled}, {_name(fold, len(panel.moved) - 1) for fold in set(folds)})
    return EvidenceSummary(len(labelled), size, len(set(folds)), panel.moved, trained, written, len(labelled) - written)


def cohort_fingerprint(
    members: Sequence[Fingerprinted], folds: Sequence[int], alignment: AlignmentParams, params: EvidenceParams) -> Fingerprint:
    """What judges depend on: pictures and words of the cohort, who is in which fold, settings and code."""
    inputs = {one.video.id: digest_json([one.records[step]["fingerprint"] for step in ("frames", "words")] + [fold])
              for one, fold in zip(members, folds, strict=True)}
    settings = {"evidence": params.model_dump(), "window_seconds": alignment.window_seconds,
                "timing": digest_json(read_calibration().model_dump())}
    return Fingerprint("judges", VERSION, settings, inputs)


def evidence_fingerprint(one: Fingerprinted, judges: str, fold: int | None, alignment: AlignmentParams) -> Fingerprint:
    """What the judged examples of a video depend on. fold: its own, or None for a later video, which all judges look at."""
    inputs = {step: one.records[step]["fingerprint"] for step in ("frames", "words", "examples")}
    calibration = digest_json(read_evidence_calibration().model_dump())
    return Fingerprint("evidence", VERSION, {"alignment": alignment.model_dump(mode="json"), "fold": fold},
                       {**inputs, "judges": judges, "calibration": calibration})


def _labelled(labels: Path, videos: Sequence[Video]) -> list[Fingerprinted]:
    found = []
    for video in videos:
        try:
            one = None if video.is_forgotten else fingerprint_video(labels / video.id, video)
        except IntegrityError as error:
            log.warning("%s is not judged: %s", video.id, error)
            continue
        if one is not None:
            found.append(one)
    return found


def _read_cohort(
    members: Sequence[Fingerprinted], folds: Sequence[int], fingerprint: str, params: EvidenceParams, progress: Progress,
) -> Cohort:
    heard: Counter[str] = Counter()
    parts, picture, starts = [], [], [0]
    for at, one in enumerate(members):
        progress("reading pictures", at, len(members))
        words = read_table(_file(one, "words"), ["lemma", "why_not"])
        heard.update({lemma for lemma, why in zip(words["lemma"].to_pylist(), words["why_not"].to_pylist(), strict=True)
                      if why is None})
        kept = _kept_frames(one)
        some = some_of(len(kept), LEARNT_PICTURES)
        pictures, places = read_pictures(_file(one, "frames"), kept[some], params.picture_px)
        parts.append(pictures)
        picture.append(some[places])
        starts.append(starts[-1] + len(places))
    common = sorted((-count, word) for word, count in heard.items() if count >= params.min_videos)[:MOST_WORDS]
    return Cohort(tuple(members), tuple(folds), tuple(sorted(word for _, word in common)), fingerprint,
                  np.concatenate(parts), np.concatenate(picture), np.array(starts))


def _run_rounds(
    cohort: Cohort, out: Path, alignment: AlignmentParams, params: EvidenceParams, progress: Progress) -> tuple[Panel, int]:
    """Label, train, label again, from wherever a stopped run stood. Returns the last panel, and how many judges were trained."""
    panel = _read_panel(out, cohort.fingerprint, cohort.folds, params)
    trained = 0
    probability, wanted = _label_cohort(cohort, panel, alignment)
    while not _is_finished(panel, params):
        number = len(panel.moved)
        judges: list[Judge] = []
        for fold in range(cohort.folds):
            path = out / "nets" / _name(fold, number)
            judge = load_judge(path, params.width, cohort.fingerprint)
            if judge is None:
                progress(f"training judges, round {number + 1}", fold, cohort.folds)
                theirs = cohort.rows_outside(fold)
                judge = train_judge(cohort.pictures[theirs], wanted[theirs], cohort.words, params,
                                    params.seed + 1000 * number + fold, panel.judges[fold] if panel.judges else None)
                save_judge(path, judge, cohort.fingerprint)
                trained += 1
            judges.append(judge)
        before = probability
        panel = Panel(tuple(judges), _choose_trust(cohort, judges, alignment), panel.moved)
        probability, wanted = _label_cohort(cohort, panel, alignment)
        panel = replace(panel, moved=(*panel.moved, round(float(np.abs(probability - before).mean()), 4)))
        record = {"fingerprint": cohort.fingerprint, "moved": panel.moved, "trust": panel.trust}
        write_whole(out / "nets" / "rounds.json", json.dumps(record, sort_keys=True).encode() + b"\n")
    return panel, trained


def _choose_trust(cohort: Cohort, judges: Sequence[Judge], alignment: AlignmentParams) -> float:
    """The power of what judges see under which the words heard in videos that they never saw are likeliest: no truth is asked."""
    total = np.zeros(len(TRUSTS))
    for at in some_of(len(cohort.videos), TRUST_VIDEOS).tolist():
        judge = judges[cohort.fold[at]]
        evidence = _weigh(cohort.videos[at], alignment)
        classes = classes_of(evidence, cohort.index)
        seen = _seen(cohort, at, judge, evidence)
        total += [log_evidence(_look(evidence, seen, judge.prior, trust, classes, alignment)) for trust in TRUSTS]
    return TRUSTS[int(total.argmax())]


def _label_cohort(cohort: Cohort, panel: Panel, alignment: AlignmentParams) -> tuple[Floats, NDArray[np.float32]]:
    """Every video of the cohort labelled, by timing alone before there are judges.

    Returns the probability of every candidate name, and what each picture is taken to show, shape (pictures, words + 1).
    """
    wanted = np.empty((len(cohort.pictures), len(cohort.words) + 1), np.float32)
    guess = np.append(np.full(len(cohort.words), (1 - NOTHING_SHOWN) / max(len(cohort.words), 1)), NOTHING_SHOWN)
    probabilities = [np.empty(0)]
    for at, one in enumerate(cohort.videos):
        rows = slice(cohort.starts[at], cohort.starts[at + 1])
        evidence = _weigh(one, alignment)
        classes = classes_of(evidence, cohort.index)
        seen = np.tile(guess, (len(evidence.screen.frame), 1))
        if panel.judges:
            judge = panel.judges[cohort.fold[at]]
            seen = _seen(cohort, at, judge, evidence)
            evidence = _look(evidence, seen, judge.prior, panel.trust, classes, alignment)
        wanted[rows] = shares(evidence, seen, classes)[cohort.picture[rows]]
        probabilities.append(evidence.probability)
    return np.concatenate(probabilities), wanted


def _seen(cohort: Cohort, at: int, judge: Judge, evidence: Evidence) -> Floats:
    """What a judge sees in the kept pictures of a video of the cohort, shape (pictures, classes); nan in those not at hand."""
    rows = slice(cohort.starts[at], cohort.starts[at + 1])
    seen = np.full((len(evidence.screen.frame), len(judge.prior)), np.nan)
    seen[cohort.picture[rows]] = judge.look(cohort.pictures[rows])
    return seen


def _write_judged(
    one: Fingerprinted, path: Path, panel: Panel, fingerprint: Fingerprint, alignment: AlignmentParams,
    params: EvidenceParams) -> None:
    """The examples of one video as its judges see them; several judges see together."""
    evidence = _weigh(one, alignment)
    wanted = evidence.screen.frame
    pictures, places = read_pictures(_file(one, "frames"), wanted, params.picture_px)
    prior = np.mean([judge.prior for judge in panel.judges], axis=0)
    seen = np.full((len(wanted), len(prior)), np.nan)
    seen[places] = np.mean([judge.look(pictures) for judge in panel.judges], axis=0)
    classes = classes_of(evidence, {word: at for at, word in enumerate(panel.judges[0].words)})
    evidence = _look(evidence, seen, prior, panel.trust, classes, alignment)
    table = judged_examples(read_table(_file(one, "examples")), read_table(_file(one, "words"), WORDS_COLUMNS), evidence,
                            alignment.min_weight, read_evidence_calibration())
    write_table(table, path, fingerprint)


def _look(
    evidence: Evidence, seen: Floats, prior: Floats, trust: float, classes: Ints, alignment: AlignmentParams) -> Evidence:
    looks = looks_of(evidence, seen_in_views(evidence, seen, prior, trust), prior, classes)
    return judged(evidence, looks, alignment.window_seconds, read_calibration())


def _weigh(one: Fingerprinted, alignment: AlignmentParams) -> Evidence:
    words, frames = read_table(_file(one, "words"), WORDS_COLUMNS), read_table(_file(one, "frames"), FRAMES_COLUMNS)
    return weigh(words, frames, alignment.window_seconds, read_calibration())


def _kept_frames(one: Fingerprinted) -> Ints:
    """Numbers of the kept frames in order of time, as Screen has them."""
    numbers: Ints = read_table(_file(one, "examples"), ["frame"])["frame"].to_numpy().astype(np.int64)
    return numbers


def _file(one: Fingerprinted, step: str) -> Path:
    return one.examples.with_name(f"{step}.parquet")


def _name(fold: int, number: int) -> str:
    return f"{fold}/round{number + 1}.safetensors"


def _read_panel(out: Path, fingerprint: str, folds: int, params: EvidenceParams) -> Panel:
    """The judges of the last finished round; none when there was none, or they are not all there and whole."""
    none = Panel((), 1.0, ())
    try:
        record: dict[str, Any] = json.loads((out / "nets" / "rounds.json").read_bytes())
        moved, trust, mine = tuple(record["moved"]), float(record["trust"]), record["fingerprint"] == fingerprint
    except (OSError, ValueError, KeyError, TypeError):
        return none
    found = [load_judge(out / "nets" / _name(fold, len(moved) - 1), params.width, fingerprint) for fold in range(folds)]
    judges = tuple(judge for judge in found if judge is not None)
    return Panel(judges, trust, moved) if mine and len(judges) == folds else none


def _is_finished(panel: Panel, params: EvidenceParams) -> bool:
    return len(panel.moved) >= params.rounds or (bool(panel.moved) and panel.moved[-1] < params.settled)


def _sweep(out: Path, videos: set[str], nets: set[str]) -> None:
    """Remove what no video of the list and no judge in use accounts for."""
    for path in sorted(out.glob("*.parquet")):
        if path.name not in videos:
            path.unlink()
    for path in sorted((out / "nets").glob("*/*.safetensors")):
        if path.relative_to(out / "nets").as_posix() not in nets:
            path.unlink()
    if not nets:
        (out / "nets" / "rounds.json").unlink(missing_ok=True)
