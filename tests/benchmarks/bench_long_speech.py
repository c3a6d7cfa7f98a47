"""Are words of a long file as right, and as rightly placed, when it is recognised in segments?

Run: python -m tests.benchmarks.bench_long_speech [--minutes 60] [--bed FOLDER]

The reference is the engine's own single pass over the same samples; word errors of both are counted against the truth.
"""

import argparse
import difflib
import json
import platform
import statistics
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tasks.audio.loudness import LoudnessMeter
from tasks.audio.segments import cut_segments
from tasks.schema import Media
from tasks.storage.child import preload, run_in_child
from tasks.transcription.choose import choose_engine
from tasks.transcription.transcribe import heard_fingerprint, transcribe
from tests.benchmarks.narration import MODEL, PARAMS, Narration, narration

BLOCK_SAMPLES = 60 * PARAMS.audio.sample_rate_hz
WINDOW_SECONDS = 60.0  # words are compared within windows of this length


def segments_of(wav: Path) -> list[tuple[float, float]]:
    """Where audio extraction would cut this WAV."""
    meter = LoudnessMeter(PARAMS.audio.sample_rate_hz)
    with wave.open(str(wav)) as sound:
        while block := sound.readframes(BLOCK_SAMPLES):
            meter.add(block)
    return cut_segments(meter.levels(), meter.seconds, PARAMS.audio)


def segmented(speech: Narration, segments: Sequence[tuple[float, float]]) -> tuple[list[tuple[str, float]], dict[str, Any]]:
    """Words with their starts from the step itself, in its child process with all cores."""
    media = Media("bench", speech.wav, speech.wav, (), None, speech.wav, speech.minutes * 60, "0" * 32)
    choice = choose_engine(media, PARAMS.transcription, MODEL.parent)
    out = speech.wav.with_name("heard.parquet")
    said = run_in_child(
        transcribe, "bench", speech.wav, segments, out, heard_fingerprint("0" * 32, choice, PARAMS.audio, PARAMS.transcription),
        choice, PARAMS.transcription, timeout_seconds=7200, memory_megabytes=PARAMS.transcription.memory_megabytes)
    table = pq.read_table(out)
    return list(zip(table["word"].to_pylist(), table["start"].to_pylist(), strict=True)), said


def single_pass(wav: str, *, progress: Callable[[float], None]) -> dict[str, Any]:
    """Words with their starts from one recogniser fed from the first sample to the last."""
    import vosk

    vosk.SetLogLevel(-1)
    recognizer = vosk.KaldiRecognizer(vosk.Model(str(MODEL)), PARAMS.audio.sample_rate_hz)
    recognizer.SetWords(True)
    words: list[tuple[str, float]] = []

    def take(result: str) -> None:
        words.extend((word["word"], word["start"]) for word in json.loads(result).get("result", []))

    with wave.open(wav) as sound:
        while piece := sound.readframes(4_000):
            if recognizer.AcceptWaveform(piece):
                take(recognizer.Result())
    take(recognizer.FinalResult())
    return {"words": words}


def load_only(*, progress: Callable[[float], None]) -> dict[str, Any]:
    """A child that only loads the model: what memory is measured over."""
    import vosk

    vosk.SetLogLevel(-1)
    return {"model": str(vosk.Model(str(MODEL)) is not None)}


def pairs(ours: Sequence[tuple[str, float]], theirs: Sequence[tuple[str, float]]) -> list[tuple[float, float]]:
    """Starts of the words both heard, (ours, theirs)."""
    matcher = difflib.SequenceMatcher(None, [word for word, _ in ours], [word for word, _ in theirs], autojunk=False)
    return [(ours[block.a + i][1], theirs[block.b + i][1]) for block in matcher.get_matching_blocks() for i in range(block.size)]


def in_windows(words: Sequence[tuple[str, float]], minutes: float) -> list[list[tuple[str, float]]]:
    count = int(minutes * 60 // WINDOW_SECONDS) + 1
    return [[word for word in words if at <= word[1] < at + WINDOW_SECONDS] for at in np.arange(count) * WINDOW_SECONDS]


def word_errors(reference: Sequence[tuple[str, float]], hypothesis: Sequence[tuple[str, float]], minutes: float) -> float:
    """Substituted, lost and added words, as a share of those spoken."""
    return sum(_distance([w for w, _ in a], [w for w, _ in b]) for a, b in zip(
        in_windows(reference, minutes), in_windows(hypothesis, minutes), strict=True)) / len(reference)


def _distance(a: Sequence[str], b: Sequence[str]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        left, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            left, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, left + (x != y))
    return row[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bed", type=Path)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    preload(["vosk", "pandas", "tasks.transcription.transcribe"])
    with narration(options.minutes, options.bed) as speech:
        model_megabytes = run_in_child(load_only, timeout_seconds=600, memory_megabytes=6000)["peak_megabytes"]
        segments = segments_of(speech.wav)
        ours, said = segmented(speech, segments)
        alone = [(word, start) for word, start in run_in_child(
            single_pass, str(speech.wav), timeout_seconds=7200, memory_megabytes=6000)["words"]]
    both = [pair for a, b in zip(in_windows(ours, speech.minutes), in_windows(alone, speech.minutes), strict=True)
            for pair in pairs(a, b)]
    errors = sorted(abs(a - b) for a, b in both)
    slope = float(np.polyfit([b / 60 for _, b in both], [(a - b) * 1000 for a, b in both], 1)[0])
    wer, wer_alone = (100 * word_errors(speech.words, words, speech.minutes) for words in (ours, alone))
    shared = {"minutes": speech.minutes, "segments": len(segments), "words": len(ours), "machine": platform.platform()}
    for name, value, bar in (
            ("word_start_median_ms", 1000 * statistics.median(errors), 20),
            ("word_start_p99_ms", 1000 * errors[int(0.99 * len(errors))], 100),
            ("word_start_slope_ms_per_minute", slope, 1),
            ("word_error_above_single_pass_points", wer - wer_alone, 0.2),
            ("recognition_memory_over_model_megabytes", said["peak_megabytes"] - model_megabytes, 300)):
        print(json.dumps({"bench": name, "value": round(value, 3), "bar": bar, **shared}))
    print(json.dumps({"bench": "word_error_percent", "segmented": round(wer, 3), "single_pass": round(wer_alone, 3), **shared}))


if __name__ == "__main__":
    main()
