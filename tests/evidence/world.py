"""Labelled videos whose pictures are painted: each object a colour of its own, so that a judge learns in seconds."""

import colorsys
import io
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from tasks.alignment.align import align
from tasks.params import AlignmentParams, EvidenceParams, load_params
from tasks.schema import Video
from tasks.storage.artefact import Fingerprint, digest_json, write_table
from tests.alignment.narrated import Narrated, read_recorded
from tests.bed.truth import VideoTruth

PICTURE = (56, 32)
ALIGNMENT = AlignmentParams(window_seconds=8, min_weight=0)


def settings(**changes: object) -> EvidenceParams:
    """Small nets, shortly trained, from twelve videos on."""
    few = {"first_videos": 12, "rounds": 2, "settled": 0.0, "epochs": 2, "picture_px": 32, "width": 4, "threads": 1, **changes}
    return load_params(Path("params.yaml"), {f"evidence.{name}": value for name, value in few.items()}).evidence


def write_videos(folder: Path, count: int) -> tuple[Path, list[Video], list[Narrated]]:
    """-> (their labels, the list, the truth) of the first recorded videos of unknown lag; truth.jsonl lies in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    narrated = read_recorded(folder, 7001)[:count]
    labels = folder / "labels"
    for one in narrated:
        write_labels(labels / one.video["video_id"], one.words, painted(one), align(one.words, one.frames, ALIGNMENT))
    return labels, [listed(one) for one in narrated], narrated


def write_labels(folder: Path, words: pa.Table, frames: pa.Table, examples: pa.Table) -> None:
    made: dict[str, str] = {}
    for step, table in {"frames": frames, "words": words, "examples": examples}.items():
        fingerprint = Fingerprint(step, 1, {}, {**made, "content": digest_json(str(table.to_pylist()))})
        write_table(table, folder / f"{step}.parquet", fingerprint, plain_columns=("jpeg",))
        made[step] = fingerprint.digest


def listed(one: Narrated) -> Video:
    return Video(one.video["video_id"], f"https://example.org/{one.video['path']}", channel=one.video["channel"])


def painted(one: Narrated) -> pa.Table:
    """The frames with pictures, each with a hash of its own."""
    rows = one.frames.to_pylist()
    for row in rows:
        r = random.Random(f"{row['video_id']}/{row['frame']}")
        row["phash"] = r.getrandbits(64)
        if row["dropped"] is None:
            row["jpeg"], row["jpeg_width"], row["jpeg_height"] = paint(one.video, row["timestamp"], r), *PICTURE
    return pa.Table.from_pylist(rows, schema=one.frames.schema)


def paint(video: VideoTruth, time: float, r: random.Random) -> bytes:
    """A grey ground with a disc in the colour of the object on screen, or without one."""
    scene = next(scene for scene in video["scenes"] if scene["start"] <= time < scene["end"])
    height, width = PICTURE[1], PICTURE[0]
    picture = np.full((height, width, 3), r.uniform(90, 160))
    if scene["object"]:
        y, x = np.mgrid[:height, :width]
        disc = (y - r.uniform(10, 22)) ** 2 + (x - r.uniform(18, 38)) ** 2 < r.uniform(8, 11) ** 2
        picture[disc] = colour(video["objects"], scene["object"])
    picture += np.random.default_rng(r.getrandbits(32)).normal(0, 6, picture.shape)
    content = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(content, "JPEG", quality=90)
    return content.getvalue()


def colour(objects: Sequence[str], name: str) -> tuple[float, float, float]:
    at = sorted(objects).index(name)
    red, green, blue = colorsys.hsv_to_rgb(at % 11 / 11, 1 if at % 3 else 0.45, (1, 0.7, 0.4)[at // 11])
    return 255 * red, 255 * green, 255 * blue
