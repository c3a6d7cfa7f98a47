"""Labels judged by what nets see in the pictures, each net in videos of channels that it never saw.

Rounds of: judges learn from the labels of the other folds; every video is labelled anew with what its judge sees. The result
is a pure function of labels, list, settings and code: judges learn from the first N videos that are labelled, N from a series
that grows by half, so that a video more costs one look, and now and then new judges.
"""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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
from tasks.evidence.combine import classes_of, judged, judged_examples, looks_of, seen_in_views, shares
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
    judges, moved, trained = _find_judges(out, print_, len(set(folds)), params), _read_moved(out, print_), 0
    if judges is None or not _is_finished(moved, params):
        cohort = _read_cohort(members, folds, print_, params, progress)
        judges, moved, trained = _run_rounds(cohort, out, alignment, params, progress)
    written = 0
    for at, one in enumerate(labelled):
        progress("judging labels", at, len(labelled))
        mine = judges if at >= size else [judges[folds[at]]]
        fingerprint = evidence_fingerprint(one, print_, None if at >= size else folds[at], alignment)
        path = out / f"{one.video.id}.parquet"
        if not is_done(path, fingerprint):
            _write_judged(one, path, mine, fingerprint, alignment, params)
            written += 1
    _sweep(out, {f"{one.video.id}.parquet" for one in labelled}, {_name(fold, len(moved) - 1) for fold in set(folds)})
    return EvidenceSummary(len(labelled), size, len(set(folds)), tuple(moved), trained, written, len(labelled) - written)


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
    cohort: Cohort, out: Path, alignment: AlignmentParams, params: EvidenceParams, progress: Progress,
) -> tuple[list[Judge], list[float], int]:
    """Label, train, label again, from wherever a stopped run stood. Returns judges, movements, and how many were trained."""
    judges = _find_judges(out, cohort.fingerprint, len(set(cohort.fold)), params)
    moved = _read_moved(out, cohort.fingerprint) if judges else []
    trained = 0
    probability, wanted = _label_cohort(cohort, judges, alignment)
    while judges is None or not _is_finished(moved, params):
        number = len(moved)
        following = []
        for fold in sorted(set(cohort.fold)):
            path = out / "nets" / _name(fold, number)
            judge = load_judge(path, params.width, cohort.fingerprint)
            if judge is None:
                progress(f"training judges, round {number + 1}", fold, len(set(cohort.fold)))
                theirs = np.concatenate([np.arange(cohort.starts[at], cohort.starts[at + 1])
                                         for at, other in enumerate(cohort.fold) if other != fold])
                judge = train_judge(cohort.pictures[theirs], wanted[theirs], cohort.words, params,
                                    params.seed + 1000 * number + fold, judges[fold] if judges else None)
                save_judge(path, judge, cohort.fingerprint)
                trained += 1
            following.append(judge)
        judges = following
        before = probability
        probability, wanted = _label_cohort(cohort, judges, alignment)
        moved.append(round(float(np.abs(probability - before).mean()), 4))
        record = {"fingerprint": cohort.fingerprint, "moved": moved}
        write_whole(out / "nets" / "rounds.json", json.dumps(record, sort_keys=True).encode() + b"\n")
    return judges, moved, trained


def _label_cohort(
    cohort: Cohort, judges: Sequence[Judge] | None, alignment: AlignmentParams) -> tuple[Floats, NDArray[np.float32]]:
    """Every video of the cohort labelled, by timing alone before there are judges.

    Returns the probability of every candidate name, and what each picture is taken to show, shape (pictures, words + 1).
    """
    index = {word: at for at, word in enumerate(cohort.words)}
    wanted = np.empty((len(cohort.pictures), len(index) + 1), np.float32)
    guess = np.append(np.full(len(index), (1 - NOTHING_SHOWN) / max(len(index), 1)), NOTHING_SHOWN)
    probabilities = [np.empty(0)]
    for at, (one, fold) in enumerate(zip(cohort.videos, cohort.fold, strict=True)):
        rows = slice(cohort.starts[at], cohort.starts[at + 1])
        picture = cohort.picture[rows]
        evidence = _weigh(one, alignment)
        classes = classes_of(evidence, index)
        seen = np.full((len(evidence.screen.frame), len(guess)), np.nan)
        seen[picture] = judges[fold].look(cohort.pictures[rows]) if judges else guess
        if judges:
            evidence = _look(evidence, seen, judges[fold].prior, classes, alignment)
        wanted[rows] = shares(evidence, np.where(np.isnan(seen), guess, seen), classes)[picture]
        probabilities.append(evidence.probability)
    return np.concatenate(probabilities), wanted


def _write_judged(
    one: Fingerprinted, path: Path, judges: Sequence[Judge], fingerprint: Fingerprint, alignment: AlignmentParams,
    params: EvidenceParams) -> None:
    """The examples of one video as its judges see them; several judges see together."""
    evidence = _weigh(one, alignment)
    wanted = evidence.screen.frame
    pictures, places = read_pictures(_file(one, "frames"), wanted, params.picture_px)
    prior = np.mean([judge.prior for judge in judges], axis=0)
    seen = np.full((len(wanted), len(prior)), np.nan)
    seen[places] = np.mean([judge.look(pictures) for judge in judges], axis=0)
    classes = classes_of(evidence, {word: at for at, word in enumerate(judges[0].words)})
    evidence = _look(evidence, seen, prior, classes, alignment)
    table = judged_examples(read_table(_file(one, "examples")), read_table(_file(one, "words"), WORDS_COLUMNS), evidence,
                            alignment.min_weight, read_evidence_calibration())
    write_table(table, path, fingerprint)


def _look(evidence: Evidence, seen: Floats, prior: Floats, classes: Ints, alignment: AlignmentParams) -> Evidence:
    looks = looks_of(evidence, seen_in_views(evidence, seen, prior), prior, classes)
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


def _find_judges(out: Path, fingerprint: str, folds: int, params: EvidenceParams) -> list[Judge] | None:
    """The judges of the last finished round, a fold each; None when there was none, or they are not all there."""
    number = len(_read_moved(out, fingerprint)) - 1
    found = [load_judge(out / "nets" / _name(fold, number), params.width, fingerprint) for fold in range(folds)]
    judges = [judge for judge in found if judge is not None]
    return judges if len(judges) == folds else None


def _read_moved(out: Path, fingerprint: str) -> list[float]:
    """How far labels moved in each finished round of these judges."""
    try:
        record: dict[str, Any] = json.loads((out / "nets" / "rounds.json").read_bytes())
        return list(record["moved"]) if record["fingerprint"] == fingerprint else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _is_finished(moved: Sequence[float], params: EvidenceParams) -> bool:
    return len(moved) >= params.rounds or (bool(moved) and moved[-1] < params.settled)


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
