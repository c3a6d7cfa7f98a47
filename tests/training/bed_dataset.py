"""A sealed dataset of bed videos, with their truth, in seconds: small pictures, times of words by their length.

    python -m tests.training.bed_dataset --out DIR --videos 400 --channels 20

The videos follow the same rules as those of tests.bed.make (scenes, narration, lag, off-topic sentences), but stills are
drawn at 320 x 180, one a distinct scene, and nothing is spoken, recognised or encoded. About 0.8 s of CPU a video; drawn
ones are kept in the folder and used again.
"""

import argparse
import hashlib
import io
import json
import multiprocessing
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from tasks.alignment.align import align
from tasks.dataset.build import build_dataset
from tasks.dataset.splits import assign_splits
from tasks.evidence.crossfit import gather_evidence
from tasks.keywords.pick import lemma_of
from tasks.params import Params, load_params
from tasks.schema import EXAMPLES, FRAMES, Video
from tasks.storage.artefact import Fingerprint, digest_json, write_table
from tasks.storage.atomic import staged_file
from tests.alignment.narrated import Narrated, tables_of
from tests.bed import draw, make
from tests.bed.make import Bed
from tests.bed.objects import OBJECTS
from tests.bed.scenes import Still, make_stills
from tests.bed.speech import TimedWord, Voice
from tests.bed.truth import Json, VideoTruth, read_truth, write_truth
from tests.bed.vocabulary import NOUNS

VERSION = 1  # raise it when the same options would give other videos or labels
STILL_PX = (320, 180)
WINDOW_SECONDS = 5.0
DRAWS_NOTHING = ("labels", "test_share", "validation_share", "jobs")  # options that leave the videos as they are
Labels = Literal["ours", "perfect", "visible", "window"]


@dataclass(frozen=True)
class BedOptions:
    """What to make. labels: `ours` (timing alone) | `perfect` (each picture with the word truly said about it) | `visible`
    (with all that is on it, said or not) | `window` (every noun within 5 s, weighted by nearness).

    channels: videos are dealt to them in turn. test_share, validation_share: of the channels.
    """

    videos: int
    seed: int = 1
    channels: int = 20
    labels: Labels = "ours"
    lag: tuple[float, float] = (-6.0, 6.0)
    offtopic: float = 0.5
    seconds: float = 60.0
    classes: int = 32
    test_share: float = 0.2
    validation_share: float = 0.1
    jobs: int = 1


@dataclass(frozen=True)
class BedDataset:
    """A sealed dataset, and what is true about it."""

    dataset: Path
    labels: Path  # holds <video id>/{frames,words,examples}.parquet
    videos: tuple[Video, ...]
    splits: dict[str, str]  # video id -> train | validation | test
    truth: dict[str, VideoTruth]
    classes: frozenset[str]  # as lemmas, as labels name them

    def shown(self, video_id: str, timestamp: float) -> set[str]:
        """Lemmas of what the kept picture of that time truly shows."""
        return shown_objects(self.truth[video_id], timestamp)


class Drawn(NamedTuple):
    """One video: its truth; mean colours (48 bytes) and JPEG of each scene at its start."""

    truth: VideoTruth
    layouts: list[bytes]
    jpegs: list[bytes]


def make_bed_dataset(folder: Path, options: BedOptions) -> BedDataset:
    """Make `folder`/{dataset,labels,truth.jsonl}, or take what the same options made there; drawn videos are kept beside it."""
    said = json.dumps({**asdict(options), "jobs": 1, "version": VERSION})
    made = folder / "options.json"
    if not (made.is_file() and made.read_text() == said):
        seal_bed(folder, draw_videos(folder.parent, options), options)
        made.write_text(said)
    truth = read_truth(folder / "truth.jsonl")
    videos = [_listed(one) for one in truth]
    splits = assign_splits(videos, _dataset_params(videos, options))
    return BedDataset(
        folder / "dataset", folder / "labels", tuple(videos),
        dict(zip((video.id for video in videos), splits, strict=True)), {one["video_id"]: one for one in truth},
        frozenset(lemma_of(name, ("en",)) for one in truth for name in one["objects"]))


def seal_bed(folder: Path, drawn: Sequence[Drawn], options: BedOptions) -> None:
    """Label and seal drawn videos."""
    narrated = tables_of([one.truth for one in drawn], [one.layouts for one in drawn])
    labels = folder / "labels"
    for one, video, table in zip(drawn, narrated, label_examples(narrated, options.labels), strict=True):
        _write_labels(labels / one.truth["video_id"], one, video, table)
    write_truth(folder / "truth.jsonl", [one.truth for one in drawn])
    videos = [_listed(one.truth) for one in drawn]
    build_dataset(labels, videos, folder / "dataset", _dataset_params(videos, options))


def with_judged_labels(bed: BedDataset, folder: Path, options: BedOptions, params: Params) -> BedDataset:
    """The same videos in `folder`/dataset, their labels judged by nets in videos that these never saw.

    Judges see nothing of the test split, so that what is trained on their labels knows nothing of it either.
    """
    judged = [video for video in bed.videos if bed.splits[video.id] != "test"]
    gather_evidence(bed.labels, judged, folder / "evidence", params.alignment, params.evidence, params.dataset.duplicate_bits)
    build_dataset(bed.labels, bed.videos, folder / "dataset", _dataset_params(bed.videos, options), folder / "evidence")
    return replace(bed, dataset=folder / "dataset")


def shown_objects(truth: VideoTruth, timestamp: float) -> set[str]:
    scene = max((s for s in truth["scenes"] if s["start"] <= timestamp + 1e-3), key=lambda s: s["start"])
    names = {scene["object"], *scene["distractors"]} if scene["object"] else set()
    return {lemma_of(name, ("en",)) for name in names if name}


# --- labels -----------------------------------------------------------------------------
def label_examples(narrated: Sequence[Narrated], labels: Labels) -> list[pa.Table]:
    """Schema EXAMPLES for each video: from timing, or with its labels replaced."""
    params = load_params(Path("params.yaml")).alignment
    tables = [align(one.words, one.frames, params) for one in narrated]
    if labels == "ours":
        return tables
    return [_relabelled(one, table, labels) for one, table in zip(narrated, tables, strict=True)]


def _relabelled(one: Narrated, table: pa.Table, labels: Labels) -> pa.Table:
    rows = table.to_pylist()
    words = one.words.select(["word_index", "word", "lemma", "start", "end", "why_not"]).to_pylist()
    for row in rows:
        weights = (window_words(words, row["timestamp"]) if labels == "window"
                   else dict.fromkeys(_true_words(one.video, row["timestamp"], labels), 1.0))
        row["labels"] = [_label(name, weight, words, row["timestamp"]) for name, weight in
                         sorted(weights.items(), key=lambda item: (-item[1], item[0]))]
    return pa.Table.from_pylist(rows, schema=EXAMPLES)


def window_words(words: Sequence[Json], time: float) -> dict[str, float]:
    """Every noun within 5 s, by nearness: as tests.bed.score.baseline weighs it."""
    near: dict[str, float] = {}
    for word in words:
        distance = abs((word["start"] + word["end"]) / 2 - time)
        if word["word"] in NOUNS | set(OBJECTS) and distance <= WINDOW_SECONDS:
            near[word["lemma"]] = max(near.get(word["lemma"], 0.0), 1 - distance / (WINDOW_SECONDS + 1e-6))
    return {name: weight for name, weight in near.items() if weight > 0}


def _true_words(truth: VideoTruth, time: float, labels: Labels) -> set[str]:
    if labels == "visible":
        return shown_objects(truth, time)
    scene = next(k for k in reversed(range(len(truth["scenes"]))) if truth["scenes"][k]["start"] <= time + 1e-3)
    shown_again = {k for k, other in enumerate(truth["scenes"]) if k == scene or other["dup_of"] == scene}
    return {lemma_of(pair["word"], ("en",)) for pair in truth["pairs"] if pair["scene"] in shown_again}


def _label(name: str, weight: float, words: Sequence[Json], time: float) -> Json:
    said = [word for word in words if word["lemma"] == name] or list(words[:1])
    nearest = min(said, key=lambda word: abs(word["start"] - time))
    return {"label": name, "weight": weight, "offset_seconds": nearest["start"] - time, "word_index": nearest["word_index"],
            "start": nearest["start"], "confidence": 1.0, "count": 1}


# --- drawing ----------------------------------------------------------------------------
class SilentSpeaker:
    """Says nothing, in the time that the words would take at so many words a minute."""

    rate = 100  # Hz

    def say(self, words: Sequence[str], voice: Voice) -> tuple[NDArray[np.float32], list[TimedWord]]:
        ends = np.cumsum([60 / voice.wpm * (0.35 + 0.65 * len(word) / 4.3) for word in words])
        timed = [TimedWord(word, float(start), float(end)) for word, start, end in zip(words, [0, *ends], ends, strict=False)]
        return np.full(int(ends[-1] * self.rate), 0.5, np.float32), timed


def draw_videos(folder: Path, options: BedOptions) -> list[Drawn]:
    """All videos of the options, by number; drawn ones are read again from `folder`/drawn-*.parquet."""
    what = {name: value for name, value in asdict(options).items() if name not in DRAWS_NOTHING}
    path = folder / f"drawn-{digest_json({**what, 'version': VERSION})[:12]}.parquet"
    if not path.is_file():
        bed = Bed(folder, options.videos, options.seed, options.seconds, options.classes, options.lag, channels=options.channels,
                  offtopic=options.offtopic, truth_only=True)
        objects = list(OBJECTS)[:options.classes]
        jobs = [make._Job(bed, number, objects, None) for number in range(options.videos)]
        with multiprocessing.get_context("spawn").Pool(options.jobs, initializer=_draw_small) as pool:
            rows = [_row(one) for one in pool.imap(_draw_video, jobs, chunksize=4)]
        with staged_file(path) as staging:
            pq.write_table(pa.Table.from_pylist(rows), staging)
    table = pq.ParquetFile(path).read()
    return [Drawn(json.loads(row["truth"]), row["layouts"], row["jpegs"]) for row in table.to_pylist()]


def _row(one: Drawn) -> Json:
    return {"truth": json.dumps(one.truth), "layouts": one.layouts, "jpegs": one.jpegs}


_stills: list[Still] = []


def _draw_small() -> None:
    """Make this process draw small pictures and speak in silence."""
    draw.W, draw.H = STILL_PX

    def keep_stills(*arguments: Any) -> list[Still]:
        _stills[:] = make_stills(*arguments)
        return list(_stills)

    module: Any = make
    module.Speaker, module.make_stills = SilentSpeaker, keep_stills
    module.draw.thumbnail = lambda *arguments: Image.new("RGB", (8, 8))
    module._thumbnail = lambda *arguments: {}


def _draw_video(job: Any) -> Drawn:
    (job.bed.out / "unused").mkdir(parents=True, exist_ok=True)
    bed = replace(job.bed, out=job.bed.out / "unused")
    truth = make._make_video(replace(job, bed=bed))
    layouts, jpegs = [], []
    for scene, still in zip(truth["scenes"], _stills, strict=True):
        left, top, width, height = scene["window"][0]
        across, down = still[0].size
        box = (left * across, top * down, (left + width) * across, (top + height) * down)
        layouts.append(still[0].resize((4, 4), Image.Resampling.BOX, box=box).convert("YCbCr").tobytes())
        content = io.BytesIO()
        still[0].resize(STILL_PX, Image.Resampling.BICUBIC, box=box).save(content, "JPEG", quality=85)
        jpegs.append(content.getvalue())
    return Drawn(truth, layouts, jpegs)


# --- sealing ----------------------------------------------------------------------------
def _listed(truth: VideoTruth) -> Video:
    return Video(id=truth["video_id"], url=f"https://example.org/{truth['path']}", title=truth["title"], channel=truth["channel"],
                 uploaded=truth["published"][:10], licence="CC-BY-4.0")


def _write_labels(folder: Path, drawn: Drawn, narrated: Narrated, examples: pa.Table) -> None:
    scene_of = {scene["start"]: scene["i"] for scene in drawn.truth["scenes"]}
    frames = narrated.frames.to_pylist()
    for row in frames:
        row["phash"] = int.from_bytes(
            hashlib.blake2b(f"{row['video_id']}/{row['frame']}".encode(), digest_size=8).digest(), "big")
        row["jpeg"] = drawn.jpegs[scene_of[row["timestamp"]]] if row["dropped"] is None else None
        row["jpeg_width"], row["jpeg_height"] = STILL_PX if row["dropped"] is None else (None, None)
    made: dict[str, str] = {}
    tables = {"frames": pa.Table.from_pylist(frames, schema=FRAMES), "words": narrated.words, "examples": examples}
    for step, table in tables.items():
        content = digest_json([str(row) for row in table.to_pylist()])
        fingerprint = Fingerprint(step, 1, {}, {**made, "content": content} if step == "examples" else {"content": content})
        write_table(table, folder / f"{step}.parquet", fingerprint, plain_columns=("jpeg",))
        made[step] = fingerprint.digest


def _dataset_params(videos: Sequence[Video], options: BedOptions) -> Any:
    """Settings with the seed that gives exactly the wanted number of channels to each split."""
    wanted = {name: round(share * options.channels)
              for name, share in (("test", options.test_share), ("validation", options.validation_share))}
    base = {"dataset.test_share": options.test_share, "dataset.validation_share": options.validation_share}
    for seed in range(10_000):
        params = load_params(Path("params.yaml"), {**base, "dataset.split_seed": seed}).dataset
        one_each = {video.channel: split for video, split in zip(videos, assign_splits(videos, params), strict=True)}
        if all(sum(split == name for split in one_each.values()) == count for name, count in wanted.items()):
            return params
    raise ValueError(f"no seed gives {wanted} of {options.channels} channels")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="drawn videos are kept beside it")
    parser.add_argument("--videos", type=int, default=400)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--labels", choices=["ours", "perfect", "visible", "window"], default="ours")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    made = make_bed_dataset(options.out, BedOptions(
        options.videos, options.seed, options.channels, options.labels, jobs=options.jobs))
    print(f"{made.dataset}: {len(made.videos)} videos")


if __name__ == "__main__":
    main()
