"""What do flow, server and ledger cost beside the work itself? Run: python -m tests.benchmarks.bench_orchestration

Share: small videos, one after the other, by `framewords ingest` and by a loop that calls the same steps as plain functions.
What the first takes longer for a video does not depend on its length, and is large enough beside them to be seen on a busy
machine; the figure is its share of the wall time of a video of realistic length. Starting the command is left out.
Many: so many videos of two seconds in one run, which ends with all of them labelled; a watchdog reports a hang, and the
memory of the flow process late in the run is compared with that early in it. With --dask also on workers of its own.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.bed.long import make_long
from tests.benchmarks.bench_ingest import TOOK
from tests.benchmarks.narration import MODEL
from tests.flows.many import make_many
from tests.flows.server import REPOSITORY, running_server

ROUNDS = 5
SMALL_VIDEOS = 40
TASKS, SMALL_TASKS = 7, 6  # of a video with sound, and with captions: lane, download, frames, audio, words, key words, alignment
HANG_SECONDS = 180  # without a video settled
SMALL = {"transcription.engine": "captions", "ingest.videos_at_once": 1}
LONG = {"transcription.model": str(MODEL), "transcription.engine": "vosk"}


def emit(name: str, value: float, bar: float, **facts: object) -> None:
    machine = {"machine": platform.platform(), "cores": os.cpu_count()}
    print(json.dumps({"bench": name, "value": round(value, 4), "bar": bar, "at_most": True, **facts, **machine}), flush=True)


def plain(videos: Path, out: Path, settings: dict[str, Any]) -> float:
    """Wall seconds of the steps as functions, from the first video to the dataset."""
    from flows.plan import make_plan
    from flows.sensing import CHILD_MODULES
    from tasks.alignment.task import align_words
    from tasks.audio.task import extract_audio
    from tasks.dataset.build import build_dataset
    from tasks.download.fetch import fetch_media
    from tasks.frames.task import sample_frames
    from tasks.keywords.so_far import FRAME_COLUMNS, CorpusSoFar
    from tasks.keywords.task import label_words
    from tasks.storage.child import preload
    from tasks.transcription.task import prepare_hearing, transcribe_video

    plan = make_plan([str(videos)], out, REPOSITORY / "params.yaml", settings)
    data, params, corpus, memory = plan.data, plan.params, CorpusSoFar(plan.data), plan.params.ingest.decode_memory_megabytes
    began = time.monotonic()
    preload(CHILD_MODULES)
    for video in plan.videos:
        media = fetch_media(video, data.media(video.id), params.download, params.discovery, lambda share: None)
        sample_frames.fn(media, data, params.frames, memory)
        hearing, wav = prepare_hearing(media, data, params.audio, params.transcription), data.work / f"{video.id}.wav"
        cut = dict[str, Any]()
        if hearing.needs_sound and media.sound is not None:
            cut = extract_audio.fn(media, media.sound, wav, params.audio, memory)
        transcribe_video.fn(media, hearing, wav, cut.get("segments", []), params.transcription)
        label_words.fn(video.id, data, corpus, params.keywords)
        align_words.fn(video.id, data, FRAME_COLUMNS, params.alignment)
    corpus.keep()
    build_dataset(data.labels_root, plan.videos, data.dataset, params.dataset)
    return time.monotonic() - began


def measure_share(folder: Path, environment: dict[str, str], minutes: int) -> None:
    small = make_many(folder / "small", SMALL_VIDEOS, seed=2)
    make_long(folder, minutes, 360, distinct=4)
    long = [bare(folder / "long.mp4", folder / f"long{number}", LONG) for number in range(2)]
    extra = []
    words = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    for number in range(ROUNDS):
        as_functions = bare(small, folder / f"plain{number}", SMALL)
        command = [sys.executable, "-m", "flows", "--data", str(folder / f"flow{number}"), *words, "ingest", str(small)]
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True)
        extra.append((float(TOOK.findall(done.stdout)[0]) - as_functions) / SMALL_VIDEOS * TASKS / SMALL_TASKS)
    a_video = statistics.median(extra)
    emit("orchestration, share of wall", a_video / (a_video + min(long)), 0.03, minutes=minutes,
         milliseconds_a_video=[round(seconds * 1000) for seconds in extra], video_seconds=[round(wall, 1) for wall in long])


def bare(videos: Path, out: Path, settings: dict[str, Any]) -> float:
    """`plain` in a process of its own."""
    this = [sys.executable, "-m", "tests.benchmarks.bench_orchestration"]
    command = [*this, "--plain", str(videos), str(out), json.dumps(settings)]
    return float(subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout)


class Watch:
    """Ends a process that has settled nothing for too long."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process, self.hung = process, False
        self._timer = self._started()

    def _started(self) -> threading.Timer:
        timer = threading.Timer(HANG_SECONDS, self._end)
        timer.daemon = True
        timer.start()
        return timer

    def fed(self) -> None:
        self._timer.cancel()
        self._timer = self._started()

    def _end(self) -> None:
        self.hung = True
        os.killpg(self._process.pid, 9)


def measure_many(folder: Path, environment: dict[str, str], count: int, *settings: str) -> None:
    """One run over `count` tiny videos."""
    videos, name = folder / "many", "on dask" if settings else "on threads"
    if not videos.exists():
        make_many(videos, count, seed=1)
    data = folder / "dask" / "data" if settings else folder / "threads" / "data"
    pairs = ("transcription.engine=captions", f"discovery.max_videos={count}", *settings)
    words = [word for pair in pairs for word in ("--set", pair)]
    began, settled, megabytes = time.monotonic(), 0, dict[int, float]()
    with subprocess.Popen([sys.executable, "-m", "flows", "--data", str(data), *words, "ingest", str(videos)], cwd=REPOSITORY,
                          env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        watch = Watch(process)
        for line in process.stdout or ():
            watch.fed()
            if line.startswith("file_"):
                settled += ": failed" not in line and ": set aside" not in line
                megabytes[len(megabytes)] = resident_megabytes(process.pid)
    watch.fed()
    took = time.monotonic() - began
    early, late = megabytes.get(count // 5, 0.0), megabytes.get(count - 1, 0.0)
    facts = {"videos": count, "exit_code": process.returncode, "hung": watch.hung, "seconds": round(took)}
    emit(f"many videos {name}, not labelled", count - settled, 0, seconds_a_video=round(took / count, 3), **facts)
    emit(f"many videos {name}, memory at the end against a fifth of the way", late / early if early else float("inf"), 1.1,
         early_megabytes=early, late_megabytes=late, **facts)
    shutil.rmtree(data.parent)


def resident_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--only", choices=["share", "many"])
    parser.add_argument("--plain", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        videos, out, settings = options.plain
        print(plain(Path(videos), Path(out), json.loads(settings)))
        return
    with tempfile.TemporaryDirectory(prefix="framewords-bench-") as scratch:
        folder = Path(scratch)
        with running_server(folder / "server") as api:
            environment = {**os.environ, "PREFECT_API_URL": api, "PREFECT_HOME": str(folder / "prefect")}
            if options.only != "many":
                measure_share(folder, environment, options.minutes)
            if options.only != "share":
                measure_many(folder, environment, options.videos)
                if options.dask:
                    measure_many(folder, environment, options.videos, "run.task_runner=dask")


if __name__ == "__main__":
    main()
