"""How fast is the dataset to read, to extend and to search? Run: python -m tests.benchmarks.bench_dataset

Random rows of one shard of 10,000 pictures against the same rows written with pyarrow's defaults; one more night against
building all again; near-duplicates in the banded index against brute force. User and system CPU seconds, medians of rounds.
"""

import json
import os
import resource
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.dataset.build import build_dataset
from tasks.dataset.near_duplicates import HashIndex, brute_force
from tasks.dataset.reader import ShardReader
from tasks.dataset.rows import PICTURE, ROWS
from tasks.params import load_params
from tasks.storage.artefact import Fingerprint, write_table
from tests.labels import make_labels, make_videos

ROW_COUNT, JPEG_BYTES, ROUNDS = 10_000, 15_000, 5
ROW_READS = 1_000  # by one freshly opened reader
VIDEOS, FRAMES, NEW_VIDEOS = 400, 40, 4
HASHES, QUERIES = 1_000_000, 300


def cpu_seconds(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Median CPU of some rounds; the first, which only warms up, does not count."""
    spent = []
    for _ in range(rounds + 1):
        before = resource.getrusage(resource.RUSAGE_SELF)
        work()
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(spent[1:])


def say(bench: str, slow: float, fast: float, bar: float | None, **facts: Any) -> None:
    print(json.dumps({"bench": bench, "ratio": round(slow / fast, 1), "bar": bar, "slow_ms": round(1000 * slow, 3),
                      "fast_ms": round(1000 * fast, 3), **facts}), flush=True)


def shard_rows(random: np.random.Generator) -> pa.Table:
    """Rows as a shard has them, with pictures of incompressible bytes."""
    videos = [f"site_{at // 250}" for at in range(ROW_COUNT)]
    columns: dict[str, Any] = {name: pa.nulls(ROW_COUNT, ROWS.field(name).type) for name in ROWS.names}
    columns |= {
        "image": pa.array(
            [{"bytes": random.bytes(JPEG_BYTES), "path": f"{at}.jpg"} for at in range(ROW_COUNT)], ROWS.field("image").type),
        "video_id": pa.array(videos), "frame": pa.array(range(ROW_COUNT), pa.int32()), "title": pa.array(videos),
        "labels": pa.array([[{"label": "egg", "weight": 0.5}] * 5] * ROW_COUNT, ROWS.field("labels").type),
        "sentence": pa.array(["some twelve words that were said while the picture was on the screen"] * ROW_COUNT)}
    return pa.table(columns, schema=ROWS)


def random_row(folder: Path) -> None:
    random = np.random.default_rng(0)
    rows = shard_rows(random)
    params = load_params(Path("params.yaml")).dataset
    pq.write_table(rows, folder / "defaults.parquet")
    write_table(rows, folder / "shard.parquet", Fingerprint("bench", 1, {}, {}), row_group_rows=params.row_group_rows,
                plain_columns=(PICTURE,))
    wanted = random.integers(0, ROW_COUNT, ROW_READS).tolist()
    defaults = pq.ParquetFile(folder / "defaults.parquet")

    def one_by_defaults() -> dict[str, Any]:
        starts = range(0, ROW_COUNT, defaults.metadata.row_group(0).num_rows)
        at = wanted[0]
        group = next(number for number, start in reversed(list(enumerate(starts))) if start <= at)
        return dict(defaults.read_row_group(group).slice(at - starts[group], 1).to_pylist()[0])

    def all_by_reader() -> None:
        shard = ShardReader(folder / "shard.parquet")
        for at in wanted:
            shard[at]

    assert one_by_defaults() == ShardReader(folder / "shard.parquet")[wanted[0]]
    slow = cpu_seconds(one_by_defaults)
    say("random row of a 10,000-row shard against pyarrow defaults", slow, cpu_seconds(all_by_reader) / ROW_READS, 50,
        moonshot=150, row_group_rows=params.row_group_rows)


def one_more_night(folder: Path) -> None:
    names = [f"site_{at}" for at in range(VIDEOS + (ROUNDS + 1) * NEW_VIDEOS)]
    videos = make_videos(names, [f"channel {at}" for at in range(20)])
    params = load_params(Path("params.yaml")).dataset
    make_labels(folder / "labels", names, frames=FRAMES, jpeg_bytes=JPEG_BYTES)
    build_dataset(folder / "labels", videos[:VIDEOS], folder / "grown", params)
    sizes = iter(range(VIDEOS + NEW_VIDEOS, len(videos) + 1, NEW_VIDEOS))
    fast = cpu_seconds(lambda: build_dataset(folder / "labels", videos[:next(sizes)], folder / "grown", params))
    nothing = cpu_seconds(lambda: build_dataset(folder / "labels", videos, folder / "grown", params))
    fresh = iter(range(ROUNDS + 1))
    slow = cpu_seconds(lambda: build_dataset(folder / "labels", videos, folder / f"fresh{next(fresh)}", params), rounds=2)
    say(f"{NEW_VIDEOS} new videos beside {VIDEOS}, against building all", slow, fast, None,
        nothing_new_ms=round(1000 * nothing, 3))


def near_duplicates() -> None:
    random = np.random.default_rng(0)
    known = random.integers(0, 2**64, HASHES, np.uint64)
    hashes = random.choice(known, QUERIES) ^ np.uint64(0b10101)
    index = HashIndex(6)
    index.add(known)
    assert (index.first_within(hashes) == brute_force(known, hashes, 6)).all()
    say(f"near-duplicates of {QUERIES} hashes among {HASHES:,}, banded index against blocked brute force",
        cpu_seconds(lambda: brute_force(known, hashes, 6), rounds=3), cpu_seconds(lambda: index.first_within(hashes)), None)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        random_row(Path(folder))
        one_more_night(Path(folder))
    near_duplicates()


if __name__ == "__main__":
    main()
