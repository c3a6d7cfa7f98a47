"""Near-duplicates: how fast, and is each scene kept once? Run: python -m tests.benchmarks.bench_dedup [--bed FOLDER]

Speed: all pairs of 10,000 hashes within 6 bits against a loop over imagehash objects (timed on a part and scaled up, since
the whole loop takes minutes). Quality: frames kept per still scene, and scenes missed, on generated videos.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path

import imagehash
import numpy as np
import pyarrow.parquet as pq

from tasks.frames.hashing import near_pairs
from tasks.frames.sample import frames_fingerprint, sample_frames
from tasks.params import load_params
from tests.bed.make import Bed, make_bed
from tests.bed.score import Truth

HASHES, RADIUS, ROUNDS, PART = 10_000, 6, 5, 700
PARAMS = load_params(Path(__file__).parents[2] / "params.yaml").frames


def speed() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, HASHES, dtype=np.uint64)
    rounds = []
    for _ in range(ROUNDS + 1):
        begin = time.process_time()
        near_pairs(hashes, RADIUS)
        rounds.append(time.process_time() - begin)
    ours = statistics.median(rounds[1:])  # the first round only warms up
    objects = [imagehash.hex_to_hash(f"{value:016x}") for value in hashes[:PART].tolist()]
    begin = time.process_time()
    found = [(i, j) for i in range(PART) for j in range(i + 1, PART) if objects[i] - objects[j] <= RADIUS]
    loop = (time.process_time() - begin) * (HASHES * (HASHES - 1)) / (PART * (PART - 1))
    assert found == [(i, j) for i, j in near_pairs(hashes[:PART], RADIUS).tolist()]
    print(json.dumps({
        "bench": "near_pairs_of_10000", "ratio": round(loop / ours), "bar": 100, "ours_cpu_s": round(ours, 4),
        "loop_cpu_s_scaled": round(loop, 1), "loop_part": PART, "machine": platform.platform()}))


def quality(bed: Path) -> None:
    truth = Truth.load(bed / "truth.jsonl")
    kept: dict[tuple[str, int], int] = {}
    still: set[tuple[str, int]] = set()
    for video_id, video in truth.videos.items():
        scenes = {scene["i"]: scene for scene in video["scenes"]}
        roots = {i: truth.root[video_id, i] for i in scenes}
        kept |= {(video_id, root): 0 for root in roots.values()}
        still |= {(video_id, root) for root in roots.values()
                  if all(scenes[i]["static"] for i in scenes if roots[i] == root)}
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "frames.parquet"
            fingerprint = frames_fingerprint("0", PARAMS)
            sample_frames(video_id, bed / video["path"], out, fingerprint, PARAMS, progress=lambda seconds: None)
            table = pq.read_table(out, columns=["timestamp", "dropped"])
        for row in table.to_pylist():
            scene = truth.scene(video_id, row["timestamp"])
            if scene and row["dropped"] is None:
                kept[video_id, roots[scene["i"]]] += 1
    shared = {"videos": len(truth.videos), "scenes": len(kept)}
    print(json.dumps({"bench": "scenes_missed", "value": list(kept.values()).count(0), "bar": 0, **shared}))
    print(json.dumps({
        "bench": "frames_kept_per_still_scene", "value": round(sum(kept[key] for key in still) / len(still), 3), "bar": 1.1,
        "still_scenes": len(still), **shared}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bed", type=Path)
    options = parser.parse_args()
    speed()
    with tempfile.TemporaryDirectory() as folder:
        bed = options.bed or Path(folder)
        if options.bed is None:
            make_bed(Bed(out=bed, videos=8, seed=31, jobs=2, channels=4))
        quality(bed)


if __name__ == "__main__":
    main()
