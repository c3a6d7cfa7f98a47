"""A small labelled data folder, made by hand."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

from tasks.schema import EXAMPLES, FRAMES, HEARD, WORDS, Video
from tasks.storage.artefact import Fingerprint, write_table
from tasks.storage.layout import DataFolder

EVERY_SECONDS = 4.0
COLOURS = ("tomato", "teal", "gold", "orchid", "sienna", "skyblue")


@dataclass(frozen=True)
class Story:
    """A video in short. drops: frame -> (reason, frame it repeats). words: (word, start, why not).

    labels: frame -> (label, weight, index of the word). A frame is sampled every EVERY_SECONDS.
    """

    video: Video
    frames: int
    drops: Mapping[int, tuple[str, int | None]] = field(default_factory=dict)
    words: Sequence[tuple[str, float, str | None]] = ()
    labels: Mapping[int, Sequence[tuple[str, float, int]]] = field(default_factory=dict)
    engine: str = "vosk"
    model: str = "vosk-model-tiny-en-us"
    reason: str = "no captions"


# By hand: 6 frames = 3 kept + 2 duplicates + 1 black; 7 words = 3 key words + 2 stopwords + 1 filler + 1 not visual.
DOG_AND_CUP = Story(
    Video("file_00000000000000aa", "/somewhere/dog.mp4", title="A dog and a cup", channel="Kitchen", licence="CC-BY-4.0"), 6,
    {1: ("duplicate", 0), 2: ("black", None), 5: ("duplicate", 3)},
    [("the", 0.5, "stopword"), ("dog", 1.0, None), ("um", 2.0, "filler"), ("cup", 13.25, None), ("now", 14.0, "not_visual"),
     ("a", 17.0, "stopword"), ("dog", 21.5, None)],
    {0: [("dog", 0.9, 1)], 3: [("cup", 0.75, 3), ("dog", 0.2, 6)], 4: []})
# By hand: 2 frames, both kept; 1 word, a key word.
TREE = Story(Video("file_00000000000000bb", "https://example.org/tree", title="A tree"), 2, {}, [("tree", 4.5, None)],
             {0: [], 1: [("tree", 0.6, 0)]}, "captions", "en manual", "captions in English")


def write_data(root: Path, stories: Sequence[Story], unlabelled: Sequence[Video] = ()) -> Path:
    """A data folder with these labelled videos, and others that are only listed."""
    folder = DataFolder(root)
    root.mkdir(parents=True, exist_ok=True)
    with folder.catalogue.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(TREE.video)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(video) for video in [*(story.video for story in stories), *unlabelled])
    for story in stories:
        write_labels(folder, story)
    return root


def write_labels(folder: DataFolder, story: Story) -> None:
    video_id = story.video.id
    heard = [{
        "video_id": video_id, "word_index": index, "segment": int(start // 5), "word": word, "start": start, "end": start + 0.3,
        "confidence": 0.9, "engine": story.engine, "model": story.model, "timing_source": "word",
    } for index, (word, start, _) in enumerate(story.words)]
    words = [{**row, "lemma": row["word"], "why_not": why, "rarity": 0.5, "visual": 0.5}
             for row, (_, _, why) in zip(heard, story.words, strict=True)]
    _write([_frame(story, number) for number in range(story.frames)], FRAMES, folder.frames(video_id))
    _write(heard, HEARD, folder.heard(video_id), {"reason": story.reason})
    _write(words, WORDS, folder.words(video_id))
    _write([_example(story, frame) for frame in range(story.frames) if frame not in story.drops], EXAMPLES,
           folder.examples(video_id))


def fingerprint(step: str) -> Fingerprint:
    """What made the table of a step; examples are made from frames and words."""
    inputs = {name: fingerprint(name).digest for name in ("frames", "words")} if step == "examples" else {}
    return Fingerprint(step, 1, {"stopword_languages": ["en"]}, inputs)


def _write(rows: list[dict[str, Any]], schema: pa.Schema, path: Path, extra: Mapping[str, Any] | None = None) -> None:
    write_table(pa.Table.from_pylist(rows, schema), path, fingerprint(path.stem), extra=extra)


def _frame(story: Story, number: int) -> dict[str, Any]:
    reason, repeats = story.drops.get(number, (None, None))
    kept = reason is None
    return {
        "video_id": story.video.id, "frame": number, "timestamp": number * EVERY_SECONDS, "end": (number + 1) * EVERY_SECONDS,
        "width": 160, "height": 90, "phash": number, "flat": False, "luma": 100.0, "contrast": 50.0, "sharpness": 99.0,
        "layout": bytes(48), "dropped": reason, "duplicate_of": repeats, "jpeg": jpeg(number) if kept else None,
        "jpeg_width": 160 if kept else None, "jpeg_height": 90 if kept else None}


def _example(story: Story, frame: int) -> dict[str, Any]:
    labels = [{
        "label": label, "weight": weight, "offset_seconds": story.words[index][1] - frame * EVERY_SECONDS, "word_index": index,
        "start": story.words[index][1], "confidence": 0.9, "count": 1,
    } for label, weight, index in story.labels.get(frame, ())]
    sentence = " ".join(word for word, _, _ in story.words)
    return {
        "video_id": story.video.id, "frame": frame, "timestamp": frame * EVERY_SECONDS, "until": (frame + 1) * EVERY_SECONDS,
        "labels": labels, "sentence": sentence, "sentence_start": 0.0, "p_alignable": None,
        "video_offset_seconds": None, "video_offset_confidence": 0.0}


def jpeg(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (160, 90), COLOURS[number % len(COLOURS)]).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two labelled videos: DOG_AND_CUP and TREE."""
    return write_data(tmp_path / "data", [DOG_AND_CUP, TREE])
