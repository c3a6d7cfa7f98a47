"""What does the whole job cost beside its bare parts? Run: python -m tests.benchmarks.bench_ingest [--minutes 60] [--height 360]

Floor: the cheapest programs that touch what must be touched, each in a process of its own: decode the keyframes, decode the
sound, recognise it. Whole: `framewords ingest` on the same file, from the start of the command to its end, flow and children
included, with a Prefect server running beside it. Again: the same command when everything is done, flow start excluded.
Memory: the peak of each child process, that of the recogniser above what its model takes.
"""

import argparse
import ctypes
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path

from tests.bed.long import make_long
from tests.benchmarks.narration import MODEL
from tests.flows.server import REPOSITORY, running_server

ROUNDS = 3
PR_SET_CHILD_SUBREAPER = 36
TOOK = re.compile(r"took\s+([\d.]+) s")
PEAK = re.compile(r"(\w+) ([\d.]+) MB")


def floor_pictures(video: str) -> None:
    import av

    with av.open(video) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        stream.codec_context.thread_count = 1
        for _ in container.decode(stream):
            pass


def floor_sound(video: str, wav: str = "") -> None:
    import av

    resampler = av.AudioResampler("s16", "mono", 16_000)
    with av.open(video) as container:
        for frame in container.decode(container.streams.audio[0]):
            for piece in resampler.resample(frame):
                piece.to_ndarray()


def floor_words(wav: str) -> None:
    import vosk

    vosk.SetLogLevel(-1)
    recognizer = vosk.KaldiRecognizer(vosk.Model(str(MODEL)), 16_000)
    recognizer.SetWords(True)
    with wave.open(wav) as sound:
        while piece := sound.readframes(4_000):
            recognizer.AcceptWaveform(piece)


def cpu_of(command: Sequence[str], environment: dict[str, str]) -> tuple[float, str]:
    """User and system seconds of a command with all its descendants, orphans too, and what it printed."""
    others = children()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    while orphans := children() - others:  # children of children that outlived it come to us
        os.waitpid(orphans.pop(), 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def children() -> set[int]:
    return {int(child) for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()}


def bare(part: str, path: Path) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.bench_ingest", "--bare", part, str(path)]
    return cpu_of(command, dict(os.environ))[0]


def extract(video: Path, wav: Path) -> Path:
    """The sound as the recogniser wants it, for its floor."""
    import av

    resampler = av.AudioResampler("s16", "mono", 16_000)
    with av.open(str(video)) as container, wave.open(str(wav), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        for frame in container.decode(container.streams.audio[0]):
            for piece in resampler.resample(frame):
                out.writeframesraw(piece.to_ndarray().tobytes())
    return wav


def emit(name: str, value: float, bar: float, kind: str, **facts: object) -> None:
    print(json.dumps({"bench": name, kind: round(value, 4), "bar": bar, "at_most": True, **facts}), flush=True)


def measure(video: Path, folder: Path, api: str, minutes: int, height: int) -> None:
    environment = {**os.environ, "PREFECT_API_URL": api, "PREFECT_HOME": str(folder / "prefect")}
    settings = ["--set", f"transcription.model={MODEL}", "--set", "transcription.engine=vosk"]
    facts = {"minutes": minutes, "height_px": height, "machine": platform.platform(), "cores": os.cpu_count()}
    wav = extract(video, folder / "floor.wav")
    floors, wholes, again = [], [], []
    for number in range(ROUNDS):
        floors.append(bare("pictures", video) + bare("sound", video) + bare("words", wav))
        command = [sys.executable, "-m", "flows", "--data", str(folder / f"data{number}"), *settings, "ingest", str(video)]
        cpu, said = cpu_of(command, environment)
        wholes.append(cpu)
        first = float(TOOK.findall(said)[0])
        again.append(float(TOOK.findall(cpu_of(command, environment)[1])[0]) / first)
    emit("whole ingest against bare parts, CPU", statistics.median(wholes) / statistics.median(floors), 1.30, "ratio",
         cpu_seconds=round(statistics.median(wholes), 1), floor_cpu_seconds=round(statistics.median(floors), 1), **facts)
    emit("nothing to do against first run, wall", statistics.median(again), 0.01, "ratio", **facts)
    peaks = {step: float(peak) for step, peak in PEAK.findall(said[said.index("peak memory"):])}
    alone = model_megabytes()
    for step, peak in peaks.items():
        over = peak - alone if step == "transcription" else peak
        emit(f"peak memory, {step}, MB", over, 300, "value", whole_megabytes=peak, **facts)


def model_megabytes() -> float:
    """Peak of a process that only loads the model and recognises a second of silence."""
    code = ("import vosk, sys\nvosk.SetLogLevel(-1)\nr = vosk.KaldiRecognizer(vosk.Model(sys.argv[1]), 16000)\n"
            "r.AcceptWaveform(bytes(32000))\n"
            "print(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])")
    done = subprocess.run([sys.executable, "-c", code, str(MODEL)], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=20)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--video", type=Path, help="measure on this file instead of making one")
    parser.add_argument("--bare", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        {"pictures": floor_pictures, "sound": floor_sound, "words": floor_words}[options.bare[0]](options.bare[1])
        return
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(prefix="framewords-bench-") as scratch:
        folder = Path(scratch)
        if options.video is None:
            make_long(folder, options.minutes, options.height, distinct=4)
        video = options.video or folder / "long.mp4"
        with running_server(folder / "server") as api:
            measure(video, folder, api, options.minutes, options.height)


if __name__ == "__main__":
    main()
