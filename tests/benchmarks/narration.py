"""Narration of any length with the truth of every word: sound tracks of the bed, one after the other in a varied order."""

import json
import random
import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks.audio.extract import extract_audio
from tasks.params import load_params
from tests.bed.make import Bed, make_bed

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL = REPOSITORY / "data" / "sample" / "models" / "vosk-model-tiny-en-us"
PARAMS = load_params(REPOSITORY / "params.yaml", {"transcription.engine": "vosk", "transcription.model": str(MODEL)})
OUTSIDE_VOCABULARY = ("um", "uh")


@dataclass(frozen=True)
class Narration:
    """wav: 16 kHz mono. words: (word, start in seconds) as spoken, in order, but for those the model cannot know."""

    wav: Path
    minutes: float
    words: list[tuple[str, float]]


@contextmanager
def narration(minutes: float, bed: Path | None) -> Iterator[Narration]:
    """A WAV in a folder that goes away afterwards. bed: a folder with truth.jsonl; None: a small one is made first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if bed is None:
            bed = folder / "bed"
            make_bed(Bed(out=bed, videos=4, seed=11, jobs=2))
        yield _joined(bed, folder / "narration.wav", minutes)


def _joined(bed: Path, wav: Path, minutes: float) -> Narration:
    truth = [json.loads(line) for line in (bed / "truth.jsonl").read_text().splitlines()]
    tracks = []
    for video in truth:
        one = wav.with_name(f"{video['video_id']}.wav")
        extract_audio(video["video_id"], bed / video["path"], one, PARAMS.audio, progress=lambda seconds: None)
        with wave.open(str(one)) as sound:
            tracks.append((sound.readframes(sound.getnframes()), video["words"]))
    order = random.Random(0)
    words: list[tuple[str, float]] = []
    at = 0.0
    rate = PARAMS.audio.sample_rate_hz
    with wave.open(str(wav), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        while at < minutes * 60:
            for samples, said in order.sample(tracks, len(tracks)):
                out.writeframesraw(samples)
                words += [(word["word"], at + word["start"]) for word in said if word["word"] not in OUTSIDE_VOCABULARY]
                at += len(samples) / 2 / rate
    return Narration(wav, at / 60, words)
