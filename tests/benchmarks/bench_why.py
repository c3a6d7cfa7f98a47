"""How long does `why` take at 200 videos and 100,000 frames? Run: python -m tests.benchmarks.bench_why

CPU seconds (user and system) of a process of its own, from its start to the printed answer, imports included; medians of rounds.
The simpler method for a word: read every table whole with pyarrow and filter it.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tasks.dataset.build import build_dataset
from tasks.discovery.catalogue import append_videos
from tasks.params import load_params
from tasks.storage.layout import DataFolder
from tests.labels import make_labels, make_videos

VIDEOS, FRAMES, WORDS_PER_FRAME, ROUNDS = 200, 500, 8, 5
QUESTIONS = {"frame": "site_77:12", "moment": "site_77@600", "pair": "site_77:12 knife", "row": "train:4711", "word": "knife",
             "commonest_word": "the", "video": "site_77", "unknown_word": "knive"}
ASK = """\
import sys
from pathlib import Path
from tasks.errors import WorkflowError
from tasks.lineage.why import explain, render
from tasks.storage.layout import DataFolder
try:
    print(render(explain(DataFolder(Path(sys.argv[1])), sys.argv[2])))
except WorkflowError as error:
    print(error)
"""
SIMPLE = """\
import sys
from pathlib import Path
import pyarrow.parquet as pq
import pyarrow.compute as pc
for table, column in (("words", "lemma"), ("examples", "labels")):
    for path in sorted(Path(sys.argv[1]).glob(f"labels/*/{table}.parquet")):
        rows = pq.read_table(path)
        rows = [row for row in rows.to_pylist() if sys.argv[2] in str(row[column])]
"""


def seconds_of(code: str, *arguments: str) -> tuple[float, float]:
    """Median CPU and wall time of some runs of a program; the first, which only warms up, does not count."""
    spent, passed = [], []
    for _ in range(ROUNDS + 1):
        began = time.monotonic()
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"error: {arguments}: ended with {status}")
        spent.append(usage.ru_utime + usage.ru_stime)
        passed.append(time.monotonic() - began)
    return statistics.median(spent[1:]), statistics.median(passed[1:])


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        data = DataFolder(Path(scratch) / "data")
        names = [f"site_{at}" for at in range(VIDEOS)]
        videos = make_videos(names, [f"channel {at}" for at in range(10)])
        append_videos(data.catalogue, videos, "2026-11-20")
        make_labels(data.labels_root, names, frames=FRAMES, words_per_frame=WORDS_PER_FRAME)
        build_dataset(data.labels_root, videos, data.dataset, load_params(Path("params.yaml")).dataset)
        spent = {kind: seconds_of(ASK, str(data.root), question) for kind, question in QUESTIONS.items()}
        simple = seconds_of(SIMPLE, str(data.root), "knife")
    for kind, (seconds, wall) in spent.items():
        print(json.dumps({"bench": f"why_{kind}_seconds", "value": round(seconds, 3), "bar": 1.0, "wall_seconds": round(wall, 2),
                          "load": round(os.getloadavg()[0], 1)}), flush=True)
    print(json.dumps({"bench": "why_word_against_reading_all", "ratio": round(simple[0] / spent["word"][0], 1),
                      "simple_seconds": round(simple[0], 2)}), flush=True)


if __name__ == "__main__":
    main()
