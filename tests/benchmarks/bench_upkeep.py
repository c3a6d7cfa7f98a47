"""What does one more video cost late in a project's life, and what does nothing new? Run: python -m tests.benchmarks.bench_upkeep

One more: a new video of realistic length in a project of 200 videos and in one of a single video, each with a published version
behind it. By `dvc repro`, which labels and seals; and by `framewords nightly`, which also draws the report of all videos and
publishes. Start and all included, Prefect's server left out.
Nothing new: `dvc repro` at 200 videos and 100,000 sampled frames, beside a DVC that only starts.
"""

import argparse
import ctypes
import itertools
import json
import os
import platform
import re
import shutil
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tasks.discovery.catalogue import append_videos
from tasks.params import load_params
from tasks.release.dvc import run_dvc
from tasks.release.metrics import write_metrics
from tasks.release.template import init_project
from tasks.schema import Video
from tasks.storage.artefact import digest_file
from tasks.storage.project import Project
from tests.bed.long import make_long
from tests.benchmarks.bench_ingest import PR_SET_CHILD_SUBREAPER, cpu_of
from tests.flows.many import make_many
from tests.flows.project import ProjectCommand
from tests.flows.server import running_server
from tests.release.nights import label_videos

VIDEOS, FRAMES_EACH, ROUNDS = 200, 500, 3
COMMANDS = {
    "dvc repro": (sys.executable, "-m", "dvc", "--cd", "{root}", "repro"),
    "nightly": (sys.executable, "-m", "flows", "--params", "{root}/params.yaml", "--data", "{root}/data", "nightly")}


def emit(name: str, kind: str, value: float, bar: float, **facts: Any) -> None:
    machine = {"machine": platform.platform(), "cores": os.cpu_count()}
    print(json.dumps({"bench": name, kind: round(value, 4), "bar": bar, "at_most": True, **facts, **machine}), flush=True)


def project_of(root: Path, videos: int, api: str) -> ProjectCommand:
    """A project with so many labelled videos, and a version of them; labels by timing alone, as a project of one has them."""
    command = ProjectCommand.make(root, api)
    params = root / "params.yaml"
    params.write_text(re.sub(r"^(evidence:\n  rounds:) \d+", r"\1 0", params.read_text(), flags=re.MULTILINE))
    assert load_params(params).evidence.rounds == 0
    clips = make_many(root.parent / f"clips-{videos}", videos, seed=videos)
    for words in (("ingest", str(clips)), ("nightly",)):
        done = command(*words)
        assert done.code == 0, done.out + done.err
    assert len(list((root / "data" / "labels").iterdir())) == videos
    return command


def one_more(command: ProjectCommand, words: Sequence[str], long: Path, number: int) -> float:
    """CPU seconds of a command that finds this video listed."""
    video = command.root.parent / f"{command.root.name}-{number}.mp4"
    shutil.copy(long, video)
    with video.open("ab") as file:
        file.write(struct.pack(">I4sQ", 16, b"free", number))  # an empty box: the same pictures, other bytes
    data = Project(command.root).data
    name = f"file_{digest_file(video)[:16]}"
    append_videos(data.catalogue, [Video(name, str(video), "added", f"number {number}", "added")], "2026-01-01")
    spent, said = cpu_of([word.format(root=command.root) for word in words], command.environment)
    assert data.examples(name).is_file(), said
    return spent


def one_more_among(long: Path, minutes: int, folder: Path) -> None:
    numbers = itertools.count()
    with running_server(folder / "server") as api:
        projects = [project_of(folder / f"project-{count}", count, api) for count in (1, VIDEOS)]
        for name, words in COMMANDS.items():
            rounds = [[one_more(project, words, long, number) for project in projects]
                      for number in itertools.islice(numbers, ROUNDS + 1)][1:]
            alone, among = (statistics.median(spent) for spent in zip(*rounds, strict=True))
            emit(f"one more video beside {VIDEOS}, against that video alone, {name}, CPU", "ratio", among / alone, 1.10,
                 minutes=minutes, cpu_seconds=round(among, 1), alone_cpu_seconds=round(alone, 1))


def seconds(work: Callable[[], Any]) -> tuple[float, float]:
    """Median wall seconds of some rounds, and CPU seconds of this process's children."""
    walls, spent = [], []
    for _ in range(ROUNDS + 1):
        before, began = os.times(), time.monotonic()
        work()
        after = os.times()
        walls.append(time.monotonic() - began)
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return statistics.median(walls[1:]), statistics.median(spent[1:])


def nothing_new(folder: Path) -> None:
    project = init_project(folder / "project")
    label_videos(project, [f"site_{number}" for number in range(VIDEOS)], frames=FRAMES_EACH)
    write_metrics(project.data)
    run_dvc(project, "commit", "--force")
    assert "up to date" in run_dvc(project, "repro")
    start, start_cpu = seconds(lambda: run_dvc(project, "version"))
    repro, repro_cpu = seconds(lambda: run_dvc(project, "repro"))
    emit(f"dvc repro with nothing new, {VIDEOS} videos, {VIDEOS * FRAMES_EACH:,} frames, seconds beyond DVC's start", "value",
         repro - start, 3.0, start_seconds=round(start, 2), cpu_seconds_beyond=round(repro_cpu - start_cpu, 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=5, help="length of the one more video")
    parser.add_argument("--part", choices=["all", "one-more", "nothing-new"], default="all")
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix="framewords-bench-") as scratch:
        folder = Path(scratch)
        if options.part != "one-more":
            nothing_new(folder / "still")
        if options.part != "nothing-new":
            make_long(folder / "long", options.minutes, 360, distinct=4)
            one_more_among(folder / "long" / "long.mp4", options.minutes, folder / "growing")


if __name__ == "__main__":
    main()
