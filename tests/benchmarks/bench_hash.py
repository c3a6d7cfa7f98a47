"""What does one hash cost, and which pairs does it miss? Run: python -m tests.benchmarks.bench_hash [--media FOLDER]

CPU of hash, measures and flat guard of a decoded frame, against `to_image` and `imagehash.phash`. Recall: the share of
pairs of frames within 6 bits by imagehash that are within 6 bits by ours; media defaults to $FRAMEWORDS_MEDIA.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imagehash
import numpy as np

from tasks.errors import UnusableVideoError
from tasks.frames.container import open_picture
from tasks.frames.decode import Decoder
from tasks.frames.demux import Demux
from tasks.frames.hashing import hash_distances, reference_hash
from tasks.frames.picture import Lens
from tasks.frames.plan import Interval
from tasks.params import load_params
from tests.frames.clips import scene, write_clip

ROUNDS, FRAMES, RADIUS = 7, 50, 6
PARAMS = load_params(Path(__file__).parents[2] / "params.yaml").frames


def frames_of(path: Path, every_seconds: float) -> Iterator[Any]:
    with open_picture(path, PARAMS) as (container, stream):
        for _, frame in Decoder(Demux(path, container, stream, PARAMS), Interval(every_seconds)).frames():
            yield frame


def cpu_of(work: Callable[[Any], object], frames: list[Any]) -> float:
    """Median CPU milliseconds a frame."""
    rounds = []
    for _ in range(ROUNDS + 1):
        begin = time.process_time()
        for frame in frames:
            work(frame)
        rounds.append((time.process_time() - begin) / len(frames) * 1000)
    return statistics.median(rounds[1:])  # the first round only warms up


def cost(folder: Path) -> None:
    for width, height in ((640, 360), (1280, 720)):
        clip = write_clip(folder / f"{height}.mp4", [scene(n // 5, width, height) for n in range(FRAMES)])
        frames = list(frames_of(clip, 0.04))
        lens = Lens("dct-grey32-v1")
        theirs = cpu_of(lambda frame: imagehash.phash(frame.to_image()), frames)
        for name, work in (("hash", lens.hash), ("hash_and_measures", lens.look)):
            ours = cpu_of(work, frames)
            print(json.dumps({
                "bench": f"{name}_{height}p", "ratio": round(theirs / ours, 1), "bar": 8 if name == "hash" else None,
                "ours_ms": round(ours, 3), "imagehash_ms": round(theirs, 3), "machine": platform.platform()}))


def recall(media: Path) -> None:
    lens = Lens("dct-grey32-v1")
    ours, theirs = [], []
    for path in sorted(media.rglob("*")):
        if path.suffix not in (".mp4", ".mov", ".webm", ".avi", ".ogg", ".gif", ".mkv"):
            continue
        try:
            for frame in frames_of(path, 0.5):
                bits, is_flat = lens.hash(frame)
                if not is_flat:
                    ours.append(bits)
                    theirs.append(reference_hash(lens.rgb(frame)))
        except UnusableVideoError:
            continue  # nothing to see in it
    first, second = np.triu_indices(len(ours), 1)
    mine, reference = np.array(ours, np.uint64), np.array(theirs, np.uint64)
    near = hash_distances(reference[first], reference[second]) <= RADIUS
    found = hash_distances(mine[first], mine[second])[near] <= RADIUS
    print(json.dumps({
        "bench": "hash_recall_of_imagehash_pairs", "ratio": round(float(found.mean()), 5), "bar": 0.99, "pairs": int(near.sum()),
        "frames": len(ours), "bits_away": round(float(hash_distances(mine, reference).mean()), 2)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, default=os.environ.get("FRAMEWORDS_MEDIA"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cost(Path(folder))
    if options.media:
        recall(options.media)


if __name__ == "__main__":
    main()
