"""How right are the labels? Run: python -m tests.benchmarks.bench_alignment [--engine vosk --model FOLDER] [--plot FILE.svg]

On generated narrated videos of one minute, half of whose sentences name nothing in view; the seeds are neither those of
fit_alignment nor any that a choice was made on. Beside it stand the labelling without thought (every noun within 5 s of
a frame, weighted by nearness) and the same within 2 s with each video's true lag taken off, both on a frame a second;
and nearness alone on the frames that are kept. Needs espeak-ng, and ffmpeg for --engine vosk.

Frames are judged half a second into their time on screen, so that none at a cut is right for what went before. Labels
are counted three ways: `objects` (classes of the bed), `nouns` (all that the labelling without thought counts), `all`.
Recall is over the words that the engine heard.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.alignment.align import align
from tasks.alignment.calibration import read_calibration
from tasks.audio.extract import extract_audio
from tasks.frames.sample import sample_frames
from tasks.keywords.pick import lemma_of
from tasks.params import AlignmentParams, Params, load_params
from tasks.schema import Media
from tasks.storage.artefact import Fingerprint
from tasks.transcription.choose import choose_engine
from tasks.transcription.transcribe import transcribe
from tests.alignment.narrated import Narrated, class_of_lemma, make_narrated, with_keywords
from tests.bed.make import Bed, MissingToolsError, make_bed
from tests.bed.score import Frames, Truth, baseline, score_pairs
from tests.bed.truth import VideoTruth, read_truth
from tests.bed.vocabulary import NOUNS
from tests.benchmarks.plot_alignment import Curve, Panel, draw_panels

LAGS = {"unknown lag": (-6.0, 6.0), "lag 0": (0.0, 0.0)}
RECALLS = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98, 0.99, 1.0)
INSIDE_SECONDS = 0.5
SAME_WORD_SECONDS = 0.4  # between the middles of a word as said and as heard
BINS = 10
POINTS = 60
PLOTTED_LABELS = 10  # fewer in a tenth of the scale tell nothing
KEPT_WEIGHT = 0.05  # alignment.min_weight as it comes
NONE = Fingerprint("bench", 1, {}, {})
COUNTED = ("objects", "nouns", "all")


class Found(NamedTuple):
    """One label of a frame; behind: seconds heard after the frame."""

    word: str
    weight: float
    behind: float


def curve(truth: Truth, frames: Frames, counted: str) -> Curve:
    """Recall and precision at POINTS weights, by the bed's own scorer."""
    if counted == "nouns":
        nouns = {lemma_of(word, ("en",)) for word in NOUNS} | NOUNS | truth.classes
        frames = {key: [label for label in labels if label[0] in nouns] for key, labels in frames.items()}
    weights = [weight for labels in frames.values() for word, weight in labels if counted != "objects" or word in truth.classes]
    steps = np.unique(np.quantile(weights, np.linspace(0, 1, POINTS), method="nearest"))
    scores = [score_pairs(truth, frames, only_objects=counted == "objects", min_weight=step) for step in steps[::-1]]
    return Curve(*(np.array([score[name] for score in scores], dtype=np.float64)
                   for name in ("recall_spoken_and_visible", "pair_precision")))


def precision_at(line: Curve, recall: float) -> float | None:
    reached = line.precision[line.recall >= recall]
    return round(float(reached.max()), 3) if len(reached) else None


def reliability(truth: Truth, frames: Frames) -> tuple[float, list[tuple[float, float, int]]]:
    """Expected calibration error, and (mean weight, share right, labels) of each tenth of the scale that occurs."""
    judged = [(weight, word in truth.visible(*key)) for key, labels in frames.items() for word, weight in labels]
    weight, right = (np.array(column, dtype=np.float64) for column in zip(*judged, strict=True))
    at = np.minimum((weight * BINS).astype(int), BINS - 1)
    bins = [(float(weight[at == k].mean()), float(right[at == k].mean()), int((at == k).sum()))
            for k in range(BINS) if (at == k).any()]
    return sum(abs(mean - share) * count for mean, share, count in bins) / len(at), bins


def labelled(
    narrated: Sequence[Narrated], examples: Sequence[pa.Table], classes: set[str]) -> dict[tuple[str, float], list[Found]]:
    """What is on each frame, by video and a time well inside the frame's first span, as the scorer keys frames."""
    names = class_of_lemma(classes)
    return {
        (one.video["video_id"], row["timestamp"] + min(INSIDE_SECONDS, (row["until"] - row["timestamp"]) / 2)):
        [Found(names.get(label["label"], label["label"]), label["weight"], label["offset_seconds"]) for label in row["labels"]]
        for one, table in zip(narrated, examples, strict=True) for row in table.to_pylist()}


def hear_and_see(folder: Path, truth: Sequence[VideoTruth], params: Params) -> list[Narrated]:
    """The tables of real files: frames sampled, sound extracted and recognised, as an ingest does it."""
    tables = []
    for video in truth:
        path, video_id = folder / video["path"], video["video_id"]
        media = Media(video_id, path, path, (), None, path, video["duration"], "0" * 32)
        with tempfile.TemporaryDirectory() as place:
            out = Path(place)
            sample_frames(video_id, path, out / "frames", NONE, params.frames, progress=lambda _: None)
            sound = extract_audio(video_id, path, out / "wav", params.audio, progress=lambda _: None)
            choice = choose_engine(media, params.transcription, out)
            transcribe(video_id, out / "wav", sound["segments"], out / "heard", NONE, choice, params.transcription,
                       progress=lambda _: None)
            frames = pq.ParquetFile(out / "frames").read().drop_columns(["jpeg"])
            tables.append((video, pq.ParquetFile(out / "heard").read(), frames))
    return with_keywords(tables)


def only_heard(truth: Truth, narrated: Sequence[Narrated]) -> Truth:
    """The truth without the pairs whose word the engine did not hear: what alignment can be asked for."""
    videos = dict(truth.videos)
    for one in narrated:
        heard = [(row["word"], (row["start"] + row["end"]) / 2) for row in one.words.select(["word", "start", "end"]).to_pylist()]
        pairs = [pair for pair in one.video["pairs"] if any(
            word == pair["word"] and abs(middle - (pair["word_start"] + pair["word_end"]) / 2) <= SAME_WORD_SECONDS
            for word, middle in heard)]
        videos[one.video["video_id"]] = {**one.video, "pairs": pairs}
    return replace(truth, videos=videos)


def offsets(narrated: Sequence[Narrated], examples: Sequence[pa.Table], params: AlignmentParams) -> dict[str, float | None]:
    """How often an offset is given, how far it is off, and how often one is given to the words of another video."""
    given = [(table["video_offset_seconds"][0].as_py(), one.video["lag"]["offset"])
             for one, table in zip(narrated, examples, strict=True)]
    errors = np.array([abs(found - true) for found, true in given if found is not None])
    strangers = [align(one.words, other.frames, params)["video_offset_seconds"][0].as_py()
                 for one, other in zip(narrated, [*narrated[1:], narrated[0]], strict=True)]
    return {
        "offset_given": round(len(errors) / len(given), 3),
        "offset_median_error_seconds": round(float(np.median(errors)), 3) if len(errors) else None,
        "offset_within_1_s": round(float((errors <= 1).mean()), 3) if len(errors) else None,
        "offset_given_to_strangers_words": round(sum(found is not None for found in strangers) / len(strangers), 3)}


def measure(name: str, truth: Truth, narrated: Sequence[Narrated], params: AlignmentParams) -> list[Panel]:
    """Print the figures of one set of videos; returns its curves."""
    examples = [align(one.words, one.frames, params) for one in narrated]
    found = labelled(narrated, examples, truth.classes)
    frames = {key: [(label.word, label.weight) for label in labels] for key, labels in found.items()}
    panels = []
    for counted in COUNTED:
        only = counted == "objects"
        near = {key: [(word, -abs(behind)) for word, _, behind in labels] for key, labels in found.items()}
        lines = {
            "framewords": curve(truth, frames, counted),
            "nearest word": curve(truth, near, counted),
            "every noun within 5 s": curve(truth, baseline(truth, 5, only_objects=only), counted),
            "lag known, within 2 s": curve(truth, baseline(truth, 2, known_lag=True, only_objects=only), counted)}
        for recall in RECALLS:
            ours, nearest, trivial, known = (precision_at(line, recall) for line in lines.values())
            print(json.dumps({
                "bench": "alignment", "set": name, "counted": counted, "recall": recall, "precision": ours,
                "nearest_word": nearest, "every_noun_within_5_s": trivial, "lag_known_within_2_s": known}), flush=True)
        panels.append(Panel(f"{name}, {counted}", lines))
    error, bins = reliability(truth, frames)
    kept = {key: [label for label in labels if label[1] >= KEPT_WEIGHT] for key, labels in frames.items()}
    print(json.dumps({"bench": "alignment", "set": name, "videos": len(narrated), "ece": round(error, 4),
                      "ece_of_kept_labels": round(reliability(truth, kept)[0], 4),
                      "weight_right_labels": [(round(w, 2), round(r, 2), n) for w, r, n in bins],
                      "calibration": read_calibration().version, **offsets(narrated, examples, params)}), flush=True)
    weights, shares = zip(*[(weight, right) for weight, right, count in bins if count >= PLOTTED_LABELS], strict=True)
    diagonal = np.array([0.0, 1.0])
    panels.append(Panel(f"{name}, calibration", {
        "framewords": Curve(np.array(weights), np.array(shares)), "perfect": Curve(diagonal, diagonal)},
        across="weight", up="share right"))
    return panels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7001, help="of the videos with unknown lag; those with lag 0 take the next")
    parser.add_argument("--engine", choices=["truth", "vosk"], default="truth")
    parser.add_argument("--model", help="with --engine vosk: folder of a Vosk model that knows the bed's voices")
    parser.add_argument("--bed", type=Path, help="measure these videos instead of making new ones (with --engine vosk)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--plot", type=Path, help="write the curves as SVG")
    options = parser.parse_args()
    if options.engine == "vosk" and not options.model:
        parser.error("--engine vosk needs --model")
    overrides = {"alignment.min_weight": 0.0, "transcription.engine": "vosk", "transcription.model": options.model or "none",
                 "transcription.fetch_models": False}
    params = load_params(Path("params.yaml"), overrides)
    panels = []
    for at, (name, lag) in enumerate({"bed": (0.0, 0.0)}.items() if options.bed else LAGS.items()):
        with tempfile.TemporaryDirectory() as place:
            folder, seed = options.bed or Path(place), options.seed + at
            try:
                if options.engine == "truth":
                    narrated = make_narrated(folder, options.videos, seed, lag, jobs=options.jobs)
                else:
                    if not options.bed:
                        make_bed(Bed(folder, options.videos, seed, lag=lag, channels=4, jobs=options.jobs))
                    narrated = hear_and_see(folder, read_truth(folder / "truth.jsonl"), params)
            except MissingToolsError as error:
                sys.exit(str(error))
            truth = only_heard(Truth.load(folder / "truth.jsonl"), narrated)
            panels += measure(name, truth, narrated, params.alignment)
    if options.plot:
        options.plot.write_text(draw_panels(panels))


if __name__ == "__main__":
    main()
