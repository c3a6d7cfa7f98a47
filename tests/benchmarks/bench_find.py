"""How long does `find` take over 100,000 pictures, and how much memory? Run: python -m tests.benchmarks.bench_find

One core. Vectors and words are made up, the net is an untrained one of the default size. A query is one to three words of its
vocabulary, of 5,000; each goes through the word tower, the ranking, and the choice of 10 results, at most 2 of a video.
Beside it the simpler way: all vectors as float32 in memory, one product, one sort. And the command itself in a fresh process,
with everything that a fresh process has to load.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasks.dataset.manifest import object_key, write_manifest
from tasks.evaluation.champion import promote
from tasks.nets.store import Calibration, TrainedNet, load_net, save_net
from tasks.nets.towers import NetSpec, Towers
from tasks.params import load_params
from tasks.search.arrays import write_arrays
from tasks.search.find import find_pictures, score
from tasks.search.index import Index, index_folder, open_index, picture_offsets, piece_arrays
from tasks.search.words import Term, open_words

PICTURES, SHARD_PICTURES, VIDEO_PICTURES, WORDS = 100_000, 3_000, 60, 5_000
QUERIES, RESULTS, PER_VIDEO, BAR_MS = 400, 10, 2, 50
ROOT = Path(__file__).resolve().parents[2]
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# The command as its entry point runs it; then the most memory this process held, in kB.
COMMAND = """
import sys
from pathlib import Path
from flows.__main__ import main
code = main(sys.argv[1:])
held = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(held.split()[1], file=sys.stderr)
sys.exit(code)
"""


def make_project(data: Path) -> Path:
    """A data folder whose dataset is a manifest only, with the index of it; returns the folder of the net."""
    nets = load_params(ROOT / "params.yaml").nets
    torch.manual_seed(0)
    spec = NetSpec("small", nets.picture_px, nets.width, nets.dimensions, nets.buckets)
    vocabulary = tuple(sorted(f"word{number}" for number in range(WORDS)))
    models = data / "models"
    folder = models / "main" / "n000000000000"
    net = TrainedNet(spec, Towers(spec), vocabulary, Calibration(1.0, (-2.0,) * WORDS))
    save_net(folder, net)
    promote(models, "main", folder.name, None, force=True)
    index, random = index_folder(data / ".cache", folder), np.random.default_rng(0)
    shards = []
    for start in range(0, PICTURES, SHARD_PICTURES):
        count = min(SHARD_PICTURES, PICTURES - start)
        digest = f"{start:032x}"
        shards.append({"path": f"data/train-{start // SHARD_PICTURES:05d}-{start:08x}.parquet", "rows": count, "bytes": 1,
                       "digest": digest, "md5": digest, "object": object_key(digest), "videos": []})
        vectors = random.standard_normal((count, spec.dimensions), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = np.arange(count, dtype=np.int32)
        names = [f"site_{(start + at) // VIDEO_PICTURES}" for at in range(0, count, VIDEO_PICTURES)]
        write_arrays(
            index / f"{digest}.vectors", {"videos": [[name, f"https://example.org/{name}", name] for name in names]},
            piece_arrays(rows, rows // VIDEO_PICTURES, 3 * rows.astype(np.float64), picture_offsets(net, vectors), vectors))
    (data / "dataset" / "data").mkdir(parents=True)
    write_manifest(data / "dataset", {"splits": {"train": {"shards": shards, "rows": PICTURES}}, "index": None})
    return folder


def queries(vocabulary: tuple[str, ...]) -> list[list[str]]:
    random = np.random.default_rng(1)
    return [random.choice(vocabulary, 1 + number % 3, replace=False).tolist() for number in range(QUERIES)]


def spread_ms(seconds: list[float]) -> dict[str, float]:
    figures = {"median_ms": statistics.median(seconds), "p95_ms": float(np.quantile(seconds, 0.95))}
    return {name: round(1000 * value, 2) for name, value in figures.items()}


def warm(data: Path, folder: Path) -> None:
    """In a process that answers one query after another."""
    net = load_net(folder)
    where = index_folder(data / ".cache", folder)
    words = open_words(where, lambda: net)
    index = open_index(data / "dataset", where)
    assert index is not None
    everything = index.exact(np.arange(len(index)))
    ours, simple, same = [], [], []
    for asked in queries(net.vocabulary):
        begin = time.perf_counter()
        vectors = net.embed_words(asked)
        terms = [Term(word, vector, words.factor, -2.0) for word, vector in zip(asked, vectors, strict=True)]
        found = find_pictures(index, terms, results=RESULTS, per_video=PER_VIDEO)
        ours.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        order = simple_ranking(everything, index, net.embed_words(asked), words.factor)
        simple.append(time.perf_counter() - begin)
        same.append(_first_of_each(order, index) == [(one.shard.name, one.row) for one in found])
    print(json.dumps({
        "bench": "find_warm", "pictures": len(index), **spread_ms(ours), "bar_p95_ms": BAR_MS,
        "ratio": round(statistics.median(simple) / statistics.median(ours), 2),
        "float32_in_memory": spread_ms(simple), "same_results": round(statistics.mean(same), 4), "machine": platform.platform()}))
    read = sum(piece.small.nbytes + piece.scales.nbytes + piece.offsets.nbytes + piece.owners.nbytes for piece in index.pieces)
    print(json.dumps({
        "bench": "find_memory", "ratio": round(everything.nbytes / read, 2), "read_by_a_query_mb": round(read / 1e6, 1),
        "on_disk_mb": round(sum(path.stat().st_size for path in where.iterdir()) / 1e6, 1),
        "float32_mb": round(everything.nbytes / 1e6, 1)}))


def simple_ranking(everything: np.ndarray[Any, Any], index: Index, vectors: np.ndarray[Any, Any], factor: float) -> list[int]:
    odds = factor * (everything @ vectors.T) - 2 - index.offsets[:, None]
    scores = score(odds, np.ones(len(vectors), np.float32))
    return [int(place) for place in np.argsort(-scores, kind="stable")[:10 * RESULTS]]


def _first_of_each(order: list[int], index: Index) -> list[tuple[str, int]]:
    chosen: list[int] = []
    for picture in order:
        if len(chosen) < RESULTS and sum(index.owners[other] == index.owners[picture] for other in chosen) < PER_VIDEO:
            chosen.append(picture)
    return [(piece.shard.name, int(piece.rows[at])) for piece, at in map(index.place, chosen)]


def cold(data: Path) -> None:
    """The command in a fresh process: known words, and one that needs the net itself."""
    for name, asked in (("find_cold_known_words", ["word1", "word2"]), ("find_cold_unknown_word", ["word1", "wordy"])):
        seconds, held = [], []
        for _ in range(6):
            begin = time.perf_counter()
            arguments = ["--data", str(data), "--params", str(ROOT / "params.yaml"), "find", *asked]
            done = subprocess.run(
                [sys.executable, "-c", COMMAND, *arguments], check=True, capture_output=True, cwd=ROOT, text=True)
            seconds.append(time.perf_counter() - begin)
            held.append(int(done.stderr.split()[-1]))
        print(json.dumps({"bench": name, "pictures": PICTURES, **spread_ms(seconds[1:]), "memory_mb": round(max(held) / 1000)}))


def main() -> None:
    if any(os.environ.get(name) != value for name, value in ONE_CORE.items()):  # numpy reads them when it is loaded
        os.execvpe(sys.executable, [sys.executable, "-m", "tests.benchmarks.bench_find"], {**os.environ, **ONE_CORE})
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        net = make_project(data)
        warm(data, net)
        cold(data)


if __name__ == "__main__":
    main()
