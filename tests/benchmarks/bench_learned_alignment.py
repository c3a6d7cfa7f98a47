"""Do pictures put the labels right? Run: python -m tests.benchmarks.bench_learned_alignment [--videos N] [--work FOLDER]

Generated videos of one minute with half of their sentences off topic and an unknown lag (-6 to 6 s), of many channels.
Judges learn from labels by timing alone, no truth is shown to them; each judges only channels that it never saw. Scored as
bench_alignment scores, over the objects of the bed; beside it timing alone, and every noun within 5 s, on the same videos.
`later` are videos that come after the judges were trained: all look at them, on channels that they have not seen either.

--fit writes tasks/evidence/calibration.json instead, from videos of another seed than the benchmark's.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.alignment.align import align
from tasks.evidence.calibration import FILE, EvidenceCalibration, read_evidence_calibration
from tasks.evidence.crossfit import gather_evidence
from tasks.params import Params, load_params
from tasks.schema import Video
from tasks.storage.artefact import read_table
from tests.alignment.narrated import Narrated, class_of_lemma, shown_at
from tests.bed.score import Frames, Truth, baseline
from tests.benchmarks.bench_alignment import INSIDE_SECONDS, KEPT_WEIGHT, curve, labelled, precision_at, reliability
from tests.benchmarks.fit_alignment import logistic
from tests.benchmarks.plot_alignment import Curve, Panel, draw_panels
from tests.training.bed_dataset import BedDataset, BedOptions, make_bed_dataset

SEED, LATER_SEED, FIT_SEED = 9401, 9406, 8801  # the first two have no channel in common
VIDEOS, LATER, CHANNELS, LATER_CHANNELS = 400, 40, 24, 8
BARS = {0.7: 0.85, 0.8: None}
RECALLS = (0.5, 0.7, 0.8, 0.9, 0.95)
ERROR_BAR = 0.05
LEAST_WEIGHT = 0.005  # labels below are in no curve: they would only make its steps coarser
NEAR_SECONDS = 1.0
RIGHT_OFFSETS = 0.97  # share of the offsets given that must be right


def read_narrated(bed: BedDataset, videos: Sequence[Video]) -> list[Narrated]:
    """The truth and tables of some videos of the bed."""
    return [Narrated(bed.truth[video.id], read_table(bed.labels / video.id / "words.parquet"),
                     read_table(bed.labels / video.id / "frames.parquet").drop_columns(["jpeg"])) for video in videos]


def as_frames(narrated: Sequence[Narrated], examples: Sequence[pa.Table], truth: Truth) -> Frames:
    found = labelled(narrated, examples, truth.classes)
    return {key: [(label.word, label.weight) for label in labels if label.weight >= LEAST_WEIGHT]
            for key, labels in found.items()}


def lag_found(narrated: Sequence[Narrated], examples: Sequence[pa.Table]) -> dict[str, float]:
    given = [(table["video_offset_seconds"][0].as_py(), one.video["lag"]["offset"])
             for one, table in zip(narrated, examples, strict=True) if len(table)]
    errors = np.array([abs(found - true) for found, true in given if found is not None])
    return {"lag_given": round(len(errors) / len(given), 3),
            "lag_within_1_s": round(float((errors <= NEAR_SECONDS).mean()), 3) if len(errors) else 0.0}


def measure(
    name: str, truth: Truth, narrated: Sequence[Narrated], timed: Sequence[pa.Table], judged: Sequence[pa.Table]) -> list[Panel]:
    """Print the figures of one set of videos; returns its curves."""
    frames = as_frames(narrated, judged, truth)
    lines = {
        "timing and pictures": curve(truth, frames, "objects"),
        "timing alone": curve(truth, as_frames(narrated, timed, truth), "objects"),
        "every noun within 5 s": curve(truth, baseline(truth, 5, only_objects=True), "objects")}
    for recall in RECALLS:
        ours, timing, trivial = (precision_at(line, recall) for line in lines.values())
        print(json.dumps({
            "bench": f"learned_alignment {name}, precision at recall {recall}", "value": ours, "bar": BARS.get(recall),
            "at_most": False, "timing_alone": timing, "every_noun_within_5_s": trivial}), flush=True)
    error, bins = reliability(truth, frames)
    kept = {key: [label for label in labels if label[1] >= KEPT_WEIGHT] for key, labels in frames.items()}
    error_of_kept, bins_of_kept = reliability(truth, kept)
    for what, value in (("all labels", error), ("kept labels", error_of_kept)):
        print(json.dumps({"bench": f"learned_alignment {name}, calibration error of {what}", "value": round(value, 4),
                          "bar": ERROR_BAR}), flush=True)
    print(json.dumps({"bench": f"learned_alignment {name}, facts", "videos": len(narrated), **lag_found(narrated, judged),
                      "timing_alone": lag_found(narrated, timed),
                      "weight_right_labels": [(round(w, 2), round(r, 2), n) for w, r, n in bins_of_kept]}), flush=True)
    diagonal = np.array([0.0, 1.0])
    weights, right, _ = zip(*bins, strict=True)
    return [Panel(f"{name}: objects", lines), Panel(f"{name}: calibration", {
        "timing and pictures": Curve(np.array(weights), np.array(right)), "perfect": Curve(diagonal, diagonal)},
        across="weight", up="share right")]


def fit_calibration(bed: BedDataset, judged: Sequence[pa.Table], told: str) -> EvidenceCalibration:
    """From weights as they were written, by the calibration in use, to the shares that were right; and which offsets to give."""
    used = read_evidence_calibration()
    weights, right, given = [], [], []
    for video, table in zip(bed.videos, judged, strict=True):
        truth = bed.truth[video.id]
        names = class_of_lemma(set(truth["objects"]))
        for row in table.to_pylist():
            shown = shown_at(truth, row["timestamp"] + min(INSIDE_SECONDS, (row["until"] - row["timestamp"]) / 2))
            for label in row["labels"]:
                weights.append(label["weight"])
                right.append(names.get(label["label"]) in shown)
        if len(table) and (offset := table["video_offset_seconds"][0].as_py()) is not None:
            given.append((table["video_offset_confidence"][0].as_py(), abs(offset - truth["lag"]["offset"]) <= NEAR_SECONDS))
    sure = np.clip(np.array(weights, dtype=np.float64), 1e-4, 1 - 1e-4)
    signs = np.stack([np.ones(len(sure)), np.log(sure / (1 - sure))], axis=1)
    intercept, slope = logistic(signs, np.array(right), np.ones(len(sure)))
    confidence, near = np.array(sorted(given, reverse=True)).T
    enough = np.flatnonzero(np.cumsum(near) / np.arange(1, len(near) + 1) >= RIGHT_OFFSETS)
    return used.model_copy(update={
        "note": "Fitted by logistic regression on labels with known truth; docs/alignment.md", "fitted_on": told,
        "weight_intercept": round(float(intercept + slope * used.weight_intercept), 3),
        "weight_slope": round(float(slope * used.weight_slope), 3),
        "offset_threshold": round(float(confidence[enough[-1]]) if len(enough) else used.offset_threshold, 3)})


def run(work: Path, options: argparse.Namespace, params: Params) -> None:
    bed = make_bed_dataset(work / f"bed-{options.seed}", BedOptions(
        options.videos, options.seed, options.channels, jobs=options.jobs))
    later = None if options.fit else make_bed_dataset(work / f"bed-{LATER_SEED}", BedOptions(
        LATER, LATER_SEED, LATER_CHANNELS, jobs=options.jobs))
    out = work / f"evidence-{options.seed}"
    began = time.process_time()
    summary = gather_evidence(bed.labels, bed.videos, out, params.alignment, params.evidence, params.dataset.duplicate_bits,
                              progress=lambda what, done, of: print(f"{what} {done}/{of}", file=sys.stderr, flush=True))
    cpu = time.process_time() - began
    print(json.dumps({"bench": "learned_alignment cost", "videos": len(bed.videos), "channels": options.channels,
                      "folds": summary.folds, "moved": summary.moved, "trained": summary.trained, "cpu_seconds": round(cpu, 1),
                      "evidence": params.evidence.model_dump()}), flush=True)
    judged = [read_table(out / f"{video.id}.parquet") for video in bed.videos]
    if options.fit:
        told = f"{options.videos} generated videos of {options.channels} channels, seed {options.seed}, lag -6..6 s"
        FILE.write_text(fit_calibration(bed, judged, told).model_dump_json(indent=2) + "\n")
        print(FILE.read_text())
        return
    panels = []
    narrated = read_narrated(bed, bed.videos)
    timed = [align(one.words, one.frames, params.alignment) for one in narrated]
    panels += measure("unseen channels", Truth.load(work / f"bed-{options.seed}" / "truth.jsonl"), narrated, timed, judged)
    if later is not None:
        panels += measure_later(work, bed, later, out, params)
    if options.plot:
        options.plot.write_text(draw_panels(panels))


def measure_later(work: Path, bed: BedDataset, later: BedDataset, out: Path, params: Params) -> list[Panel]:
    """Videos of other channels that come after: the same judges look at them."""
    labels = work / "labels"
    labels.mkdir(exist_ok=True)
    for one in (bed, later):
        for folder in one.labels.iterdir():
            if not (labels / folder.name).exists():
                (labels / folder.name).symlink_to(folder.resolve())
    began = time.process_time()
    summary = gather_evidence(labels, [*bed.videos, *later.videos], out, params.alignment, params.evidence,
                              params.dataset.duplicate_bits)
    print(json.dumps({"bench": "learned_alignment later", "trained": summary.trained, "written": summary.written,
                      "cpu_seconds_a_video": round((time.process_time() - began) / max(summary.written, 1), 3)}), flush=True)
    narrated = read_narrated(later, later.videos)
    return measure("later videos", Truth.load(work / f"bed-{LATER_SEED}" / "truth.jsonl"), narrated,
                   [align(one.words, one.frames, params.alignment) for one in narrated],
                   [read_table(out / f"{video.id}.parquet") for video in later.videos])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=VIDEOS)
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--work", type=Path, help="keep drawn videos and nets here, and go on from what is there")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="settings to try")
    parser.add_argument("--fit", action="store_true", help="fit tasks/evidence/calibration.json")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--plot", type=Path, help="write the curves as SVG")
    options = parser.parse_args()
    options.seed = options.seed or (FIT_SEED if options.fit else SEED)
    tried = {key: json.loads(value) if value[:1] in "0123456789" else value
             for key, _, value in (one.partition("=") for one in options.set)}
    params = load_params(Path("params.yaml"), {
        "alignment.min_weight": 0.0, "evidence.first_videos": options.videos, "evidence.max_videos": options.videos, **tried})
    with tempfile.TemporaryDirectory() as place:
        run(options.work or Path(place), options, params)


if __name__ == "__main__":
    main()
