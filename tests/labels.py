"""Label folders as the steps before would leave them, made in milliseconds from a seed."""

import hashlib
import io
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from tasks.schema import EXAMPLES, FRAMES, WORDS, Video
from tasks.storage.artefact import Fingerprint, write_table

NOUNS = ("knife", "cheese", "egg", "river", "tree", "bread", "boat", "lamp")
STOPWORDS = ("the", "a", "now")
EVERY_SECONDS = 3.0


def make_videos(video_ids: Sequence[str], channels: Sequence[str] = ("alice", "bob")) -> list[Video]:
    """Listed videos, channels in turn."""
    return [
        Video(id=name, url=f"https://example.org/{name}", title=f"About {name}", channel=channels[at % len(channels)],
              uploaded="2026-01-02", licence="CC-BY-4.0") for at, name in enumerate(video_ids)]


def make_labels(
    folder: Path, video_ids: Sequence[str], seed: int = 0, *, frames: int = 8, jpeg_bytes: int = 0,
    hashes: dict[str, Sequence[int]] | None = None, words_per_frame: int = 2,
) -> None:
    """Write folder/<id>/{frames,words,examples}.parquet for each video; the same id and seed give the same bytes.

    frames: sampled ones; every fourth is a duplicate of the one before and has no picture.
    jpeg_bytes: pad each picture to this size. hashes: the pHashes of a video's kept frames, where a test needs its own.
    """
    for name in video_ids:
        random = np.random.default_rng([seed, *hashlib.blake2b(name.encode(), digest_size=8).digest()])
        _make_video(folder / name, name, random, frames, jpeg_bytes, (hashes or {}).get(name), words_per_frame)


def _make_video(
    folder: Path, name: str, random: np.random.Generator, count: int, jpeg_bytes: int, hashes: Sequence[int] | None,
    words_per_frame: int,
) -> None:
    kept = [frame for frame in range(count) if frame % 4 != 3]
    own = list(hashes) if hashes is not None else random.integers(0, 2**64, len(kept), np.uint64).tolist()
    hash_of = dict(zip(kept, own, strict=True))
    frames = [_frame(name, frame, random, hash_of.get(frame), jpeg_bytes) for frame in range(count)]
    words = [_word(name, index, EVERY_SECONDS / words_per_frame, random) for index in range(count * words_per_frame)]
    examples = [_example(frame, words) for frame in frames if frame["dropped"] is None]
    media = {"media": hashlib.blake2b(str([name, own]).encode(), digest_size=16).hexdigest()}
    made: dict[str, str] = {}
    for step, rows, schema in (("frames", frames, FRAMES), ("words", words, WORDS), ("examples", examples, EXAMPLES)):
        content = hashlib.blake2b(str(rows).encode(), digest_size=16).hexdigest()
        fingerprint = Fingerprint(step, 1, {}, made if step == "examples" else {**media, "content": content})
        write_table(
            pa.Table.from_pylist(rows, schema=schema), folder / f"{step}.parquet", fingerprint, plain_columns=("jpeg",),
            row_group_rows=100_000 if step == "words" else 100)
        made[step] = fingerprint.digest


def _frame(name: str, frame: int, random: np.random.Generator, phash: int | None, jpeg_bytes: int) -> dict[str, Any]:
    kept = phash is not None
    picture = io.BytesIO()
    colours = random.integers(0, 256, (2, 3, 3), np.uint8)
    Image.fromarray(colours).resize((48, 32), Image.Resampling.NEAREST).save(picture, "JPEG", quality=85)
    return {
        "video_id": name, "frame": frame, "timestamp": frame * EVERY_SECONDS, "end": (frame + 1) * EVERY_SECONDS,
        "width": 96, "height": 64, "phash": phash or 0, "flat": False, "luma": float(colours.mean()), "contrast": 40.0,
        "sharpness": 100.0, "layout": bytes(48), "dropped": None if kept else "duplicate",
        "duplicate_of": None if kept else frame - 1, "jpeg": picture.getvalue().ljust(jpeg_bytes, b"\0") if kept else None,
        "jpeg_width": 48 if kept else None, "jpeg_height": 32 if kept else None}


def _word(name: str, index: int, every_seconds: float, random: np.random.Generator) -> dict[str, Any]:
    key = index % 2 == 0
    word = str(random.choice(NOUNS if key else STOPWORDS))
    return {
        "video_id": name, "word_index": index, "segment": index // 6, "word": word, "start": index * every_seconds,
        "end": index * every_seconds + 0.4, "confidence": 0.9, "engine": "vosk", "model": "test-model", "timing_source": "word",
        "lemma": word, "why_not": None if key else "stopword", "rarity": 0.5, "visual": 0.5}


def _example(frame: dict[str, Any], words: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = bisect_left(words, frame["timestamp"], key=lambda word: word["start"])
    last = bisect_left(words, frame["timestamp"] + EVERY_SECONDS * 2, key=lambda word: word["start"])
    near = [word for word in words[first:last] if not word["why_not"]]
    labels = {
        word["lemma"]: {
            "label": word["lemma"], "weight": 0.5, "offset_seconds": word["start"] - frame["timestamp"],
            "word_index": word["word_index"], "start": word["start"], "confidence": 0.9, "count": 1} for word in near}
    return {
        "video_id": frame["video_id"], "frame": frame["frame"], "timestamp": frame["timestamp"], "until": frame["end"],
        "labels": list(labels.values()), "sentence": " ".join(word["word"] for word in near),
        "sentence_start": near[0]["start"] if near else None, "p_alignable": None, "video_offset_seconds": None,
        "video_offset_confidence": 0.0}
