"""Tables of generated narrated videos, made straight from their truth: nothing is encoded, decoded or recognised.

`python -m tests.alignment.narrated` writes recorded.jsonl.gz beside this file: the truth of the videos that
bench_alignment makes, cut down to what alignment needs, for machines without espeak-ng and for tests in seconds.
"""

import gzip
import json
import multiprocessing
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from PIL import Image

from tasks.keywords.corpus import Corpus
from tasks.keywords.pick import lemma_of, pick_keywords
from tasks.params import KeywordsParams
from tasks.schema import FRAMES, HEARD
from tests.bed.channels import make_channel
from tests.bed.make import Bed, make_bed
from tests.bed.scenes import make_stills, plan_scenes
from tests.bed.truth import Json, Scene, VideoTruth, write_truth

KEYWORDS = KeywordsParams(stopword_languages=("en",), numbers="drop", min_confidence=0.4, min_letters=2)


RECORDED = Path(__file__).with_name("recorded.jsonl.gz")
RECORDED_VIDEOS = 40
RECORDED_RUNS = {7001: (-6.0, 6.0), 7002: (0.0, 0.0)}  # seed -> lag, as bench_alignment has them
VIDEO_FIELDS = (
    "video_id", "channel", "title", "path", "page", "split", "seed", "duration", "fps", "gop", "width", "height", "objects",
    "lag", "cuts", "words", "pairs")
SCENE_FIELDS = ("i", "start", "end", "kind", "object", "distractors", "dup_of", "dup_kind")


class Narrated(NamedTuple):
    """A generated video: its truth, and the words and frames tables that alignment reads."""

    video: VideoTruth
    words: pa.Table
    frames: pa.Table


def make_narrated(
    folder: Path, videos: int, seed: int, lag: tuple[float, float], *, seconds: float = 60, jobs: int = 1,
) -> list[Narrated]:
    """Narrated videos with exact tables, without making the videos themselves.

    Raises MissingToolsError where espeak-ng is not installed.
    """
    truth = make_bed(Bed(folder, videos, seed, seconds, lag=lag, channels=4, jobs=jobs, truth_only=True))
    with multiprocessing.Pool(jobs) as pool:
        return tables_of(truth, pool.map(scene_layouts, truth))


def read_recorded(folder: Path, seed: int) -> list[Narrated]:
    """As make_narrated, from recorded.jsonl.gz; leaves truth.jsonl in `folder`. seed: one of RECORDED_RUNS."""
    lines = [json.loads(line) for line in gzip.decompress(RECORDED.read_bytes()).splitlines()]
    chosen = [line for line in lines if line["seed"] == seed]
    truth: list[VideoTruth] = [{**line} for line in chosen]  # type: ignore[typeddict-item]
    write_truth(folder / "truth.jsonl", truth)
    return tables_of(truth, [[bytes.fromhex(colours) for colours in line["colours"]] for line in chosen])


def record(path: Path) -> None:
    """Write the recorded truth: the same bytes for the same bed."""
    lines = []
    for seed, lag in RECORDED_RUNS.items():
        with tempfile.TemporaryDirectory() as folder:
            for video, _, frames in make_narrated(Path(folder), RECORDED_VIDEOS, seed, lag, jobs=2):
                lines.append(recorded(video, frames))
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode(), mtime=0))


def recorded(video: VideoTruth, frames: pa.Table) -> Json:
    kept: Json = {name: value for name, value in video.items() if name in VIDEO_FIELDS}
    kept["scenes"] = [{name: value for name, value in scene.items() if name in SCENE_FIELDS} for scene in video["scenes"]]
    colours = dict(zip(frames["timestamp"].to_pylist(), frames["layout"].to_pylist(), strict=True))
    kept["colours"] = [colours[scene["start"]].hex() for scene in video["scenes"]]
    return kept


def tables_of(truth: Sequence[VideoTruth], layouts: Sequence[Sequence[bytes]]) -> list[Narrated]:
    return with_keywords([(v, heard_table(v), frames_table(v, colours)) for v, colours in zip(truth, layouts, strict=True)])


def with_keywords(tables: Sequence[tuple[VideoTruth, pa.Table, pa.Table]]) -> list[Narrated]:
    """Pick the key words of each (truth, heard, frames), judged against the videos before it."""
    corpus, narrated = Corpus.empty(), []
    for video, heard, frames in tables:
        words = pick_keywords(heard, frames, corpus, KEYWORDS)
        corpus.add(words, frames)
        narrated.append(Narrated(video, words, frames))
    return narrated


def shown_at(video: VideoTruth, time: float) -> set[str]:
    """The classes on screen."""
    scene = next(scene for scene in video["scenes"] if scene["start"] <= time < scene["end"])
    return {scene["object"], *scene["distractors"]} if scene["object"] else set()


def heard_table(video: VideoTruth) -> pa.Table:
    """Every word as it was said, as by a recogniser that makes no mistake."""
    rows = [
        {"video_id": video["video_id"], "word_index": at, "segment": word["sentence"], "word": word["word"],
         "start": word["start"], "end": word["end"], "confidence": 1.0, "engine": "vosk", "model": "truth",
         "timing_source": "word"}
        for at, word in enumerate(video["words"])]
    return pa.Table.from_pylist(rows, schema=HEARD)


def frames_table(video: VideoTruth, layouts: Sequence[bytes]) -> pa.Table:
    """A sample at the start of each scene and each group of pictures after it; the first of each distinct picture is kept.

    layouts: of each scene, as scene_layouts gives them.
    """
    samples = [
        (float(time), scene) for scene in video["scenes"]
        for time in np.arange(scene["start"], scene["end"] - 0.1, video["gop"] / video["fps"])]
    ends = [time for time, _ in samples[1:]] + [video["duration"]]
    rows: list[Json] = []
    first: dict[int, int] = {}  # distinct scene -> its frame
    for at, ((time, scene), end) in enumerate(zip(samples, ends, strict=True)):
        root = _root(video, scene)
        source = first.setdefault(root, at)
        rows.append({
            "video_id": video["video_id"], "frame": at, "timestamp": time, "end": end,
            "width": video["width"], "height": video["height"],
            "phash": root, "flat": False, "luma": 128.0, "contrast": 40.0, "sharpness": 100.0,
            "layout": layouts[scene["i"]], "dropped": None if source == at else "duplicate",
            "duplicate_of": None if source == at else source})
    return pa.Table.from_pylist(rows, schema=FRAMES)


def scene_layouts(video: VideoTruth) -> list[bytes]:
    """The mean colours of each scene on a 4 x 4 grid: its stills are drawn again, as the bed drew them."""
    channel, number = (int(name.rsplit("-", 1)[1]) - 1 for name in (video["channel"], video["video_id"]))
    r = random.Random(f"{video['seed']}/video/{channel}/{number}")
    r.random()  # the bed draws the lag first
    style = make_channel(video["seed"], channel)
    scenes = plan_scenes(r, style, video["duration"], video["objects"])
    stills = make_stills(r, style, scenes, video["objects"], None)
    layouts = []
    for scene, pictures in zip(scenes, stills, strict=True):
        x, y, width, height = scene["window"][0]
        across, down = pictures[0].size
        box = (x * across, y * down, (x + width) * across, (y + height) * down)
        layouts.append(pictures[0].resize((4, 4), Image.Resampling.BOX, box=box).convert("YCbCr").tobytes())
    return layouts


def class_of_lemma(classes: set[str]) -> dict[str, str]:
    """The bed names some classes in the plural; labels are lemmas."""
    return {lemma_of(name, ("en",)): name for name in sorted(classes)}


def _root(video: VideoTruth, scene: Scene) -> int:
    while scene["dup_of"] is not None:
        scene = video["scenes"][scene["dup_of"]]
    return scene["i"]


if __name__ == "__main__":
    record(RECORDED)
