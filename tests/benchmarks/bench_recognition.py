"""What does recognition cost beside the engine itself? Run: python -m tests.benchmarks.bench_recognition [--bed FOLDER]

CPU: a child that loads the model, recognises in segments, joins, and writes the table, against a bare loop that loads the
same model and feeds it the same samples in pieces of 0.25 s. Wall: the same child with two threads against one; it says
nothing while other programs keep the cores busy, which `free_cores` shows.
"""

import argparse
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tasks.schema import Media
from tasks.storage.child import preload, run_in_child
from tasks.transcription.choose import choose_engine
from tasks.transcription.transcribe import heard_fingerprint, transcribe
from tests.benchmarks.narration import MODEL, PARAMS, narration

ROUNDS = 3
CHILD_MODULES = ["vosk", "pandas", "tasks.transcription.transcribe"]  # pyarrow imports pandas, where it is, at first use


def recognise(wav: Path, segments: list[tuple[float, float]], threads: int) -> tuple[float, float]:
    """CPU and wall seconds of one recognition in a child process."""
    media = Media("bench", wav, wav, (), None, wav, 0.0, "0" * 32)
    choice = choose_engine(media, PARAMS.transcription, MODEL.parent)
    params = PARAMS.transcription.model_copy(update={"threads": threads})
    fingerprint = heard_fingerprint(media.content, choice, PARAMS.audio, params)
    begin = time.perf_counter()
    said = run_in_child(transcribe, "bench", wav, segments, wav.with_name("heard.parquet"), fingerprint, choice, params,
                        timeout_seconds=3600, memory_megabytes=params.memory_megabytes)
    return said["cpu_seconds"], time.perf_counter() - begin


def bare_loop(wav: Path) -> float:
    """CPU seconds of the simplest program that recognises: one recogniser, pieces of 0.25 s, one thread."""
    import vosk

    vosk.SetLogLevel(-1)
    begin = _cpu()
    recognizer = vosk.KaldiRecognizer(vosk.Model(str(MODEL)), 16_000)
    recognizer.SetWords(True)
    words: list[Any] = []
    with wave.open(str(wav)) as sound:
        while piece := sound.readframes(4_000):
            if recognizer.AcceptWaveform(piece):
                words += json.loads(recognizer.Result()).get("result", [])
    words += json.loads(recognizer.FinalResult()).get("result", [])
    return _cpu() - begin


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _bare_in_its_own_process(wav: Path) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.bench_recognition", "--bare", str(wav)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def free_cores(wav: Path) -> float:
    """How many cores the machine has to spare: what two bare loops at once, a process each, do against one. At best 2."""
    begin = time.perf_counter()
    _bare_in_its_own_process(wav)
    alone = time.perf_counter() - begin
    with ThreadPoolExecutor(2) as pool:
        begin = time.perf_counter()
        list(pool.map(_bare_in_its_own_process, [wav, wav]))
    return 2 * alone / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bed", type=Path)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        print(bare_loop(options.bare))
        return
    from tests.benchmarks.bench_long_speech import segments_of

    preload(CHILD_MODULES)
    with narration(options.minutes, options.bed) as speech:
        segments = segments_of(speech.wav)
        rounds = [(_bare_in_its_own_process(speech.wav), *recognise(speech.wav, segments, 1), *recognise(speech.wav, segments, 2))
                  for _ in range(ROUNDS + 1)][1:]  # the first round only warms up
        cores = free_cores(speech.wav)
    bare, one_cpu, one_wall, two_cpu, two_wall = (statistics.median(column) for column in zip(*rounds, strict=True))
    cpu_ratio = statistics.median(one / bare for bare, one, *_ in rounds)  # within one round: the machine's mood cancels out
    wall_ratio = statistics.median(one / two for _, _, one, _, two in rounds)
    shared = {"minutes": speech.minutes, "machine": platform.platform()}
    print(json.dumps({"bench": "recognition_cpu", "ratio": round(cpu_ratio, 3), "bar": 1.05, "at_most": True,
                      "ours_cpu_s": one_cpu, "bare_cpu_s": round(bare, 3), "two_threads_cpu_s": two_cpu, **shared}))
    print(json.dumps({"bench": "recognition_two_threads", "ratio": round(wall_ratio, 3), "bar": 1.7,
                      "free_cores": round(cores, 2), "one_wall_s": round(one_wall, 3), "two_wall_s": round(two_wall, 3),
                      **shared}))


if __name__ == "__main__":
    main()
