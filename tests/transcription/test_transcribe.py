import difflib
import json
import wave
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.audio.extract import extract_audio
from tasks.errors import ParamsError
from tasks.storage.child import run_in_child
from tasks.transcription.choose import EngineChoice
from tasks.transcription.transcribe import heard_fingerprint, join_segments, transcribe
from tasks.transcription.vosk_engine import VoskEngine
from tasks.transcription.words import HeardWord, Utterance
from tests.transcription.params import AUDIO, TRANSCRIPTION

TRUTH = Path(__file__).resolve().parents[1] / "bed" / "sample_truth.jsonl"
UNKNOWN_WORDS = {"um", "uh"}


@pytest.fixture(scope="module")
def narration(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[str, float]]]:
    """The sound of the three sample videos in one WAV, and its words with their starts as they were spoken."""
    folder = tmp_path_factory.mktemp("narration")
    whole, words, at = folder / "whole.wav", [], 0.0
    with wave.open(str(whole), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(AUDIO.sample_rate_hz)
        for line in TRUTH.read_text().splitlines():
            video = json.loads(line)
            one = folder / "one.wav"
            extract_audio("v", sample_folder / f"{video['video_id']}.mp4", one, AUDIO, progress=lambda seconds: None)
            with wave.open(str(one)) as sound:
                out.writeframes(sound.readframes(sound.getnframes()))
                words += [(word["word"], at + word["start"]) for word in video["words"] if word["word"] not in UNKNOWN_WORDS]
                at += sound.getnframes() / AUDIO.sample_rate_hz
    return whole, words


def hear(model: Path, wav: Path, segments: list[tuple[float, float]], out: Path, threads: int = 1) -> list[tuple[str, float]]:
    choice = EngineChoice("vosk", model.name, "a test asks for it", "0" * 32, path=model)
    params = TRANSCRIPTION.model_copy(update={"threads": threads})
    transcribe("v", wav, segments, out, heard_fingerprint("0" * 32, choice, AUDIO, params), choice, params,
               progress=lambda seconds: None)
    table = pq.read_table(out)
    return list(zip(table["word"].to_pylist(), table["start"].to_pylist(), strict=True))


def matched(ours: list[tuple[str, float]], theirs: list[tuple[str, float]]) -> list[tuple[float, float]]:
    """Starts of the words in both, in order."""
    matcher = difflib.SequenceMatcher(None, [word for word, _ in ours], [word for word, _ in theirs], autojunk=False)
    return [(ours[a + i][1], theirs[b + i][1]) for a, b, size in matcher.get_matching_blocks() for i in range(size)]


def test_words_are_heard_right_and_in_time(
    tiny_model: Path, narration: tuple[Path, list[tuple[str, float]]], tmp_path: Path,
) -> None:
    wav, spoken = narration
    heard = hear(tiny_model, wav, [(0.0, 24.0), (24.0, 48.0), (48.0, 72.0)], tmp_path / "heard.parquet")
    both = matched(heard, spoken)
    assert len(both) > 0.85 * len(spoken)
    errors = sorted(abs(ours - true) for ours, true in both)
    assert errors[len(errors) // 2] < 0.05
    assert errors[-1] < 0.5


def test_cutting_through_words_with_an_overlap_changes_hardly_a_word(
    tiny_model: Path, narration: tuple[Path, list[tuple[str, float]]], tmp_path: Path,
) -> None:
    wav, _ = narration
    whole = hear(tiny_model, wav, [(0.0, 72.0)], tmp_path / "whole.parquet")
    cuts = [0.0, *(7.3 * i for i in range(1, 10)), 72.0]  # wherever they fall
    segments = [(max(0.0, a - 0.5), min(72.0, b + 0.5)) for a, b in pairwise(cuts)]
    parts = hear(tiny_model, wav, segments, tmp_path / "parts.parquet")
    both = matched(parts, whole)
    assert len(both) >= len(whole) - 9  # at worst a word a cut
    assert abs(len(parts) - len(whole)) <= 5
    assert max(abs(a - b) for a, b in both) < 0.3


def test_the_bytes_are_the_same_for_any_number_of_threads(
    tiny_model: Path, narration: tuple[Path, list[tuple[str, float]]], tmp_path: Path,
) -> None:
    wav, _ = narration
    segments = [(8.0 * i, 8.0 * i + 8.5) for i in range(8)] + [(64.0, 72.0)]
    outs = [tmp_path / f"{threads}.parquet" for threads in (1, 2, 5)]
    for threads, out in zip((1, 2, 5), outs, strict=True):
        hear(tiny_model, wav, segments, out, threads)
    assert outs[0].read_bytes() == outs[1].read_bytes() == outs[2].read_bytes()


def test_silence_is_an_empty_table(tiny_model: Path, tmp_path: Path) -> None:
    wav = tmp_path / "silence.wav"
    with wave.open(str(wav), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(bytes(2 * 16_000 * 5))
    assert hear(tiny_model, wav, [(0.0, 5.0)], tmp_path / "heard.parquet") == []


@pytest.mark.media
def test_a_film_without_speech_has_no_words(tiny_model: Path, media_folder: Path, tmp_path: Path) -> None:
    wav = tmp_path / "earth.wav"
    summary = extract_audio("v", media_folder / "hard" / "earth.mp4", wav, AUDIO, progress=lambda seconds: None)
    assert hear(tiny_model, wav, summary["segments"], tmp_path / "heard.parquet") == []


def test_a_model_that_cannot_be_loaded_is_an_error_from_the_child(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    choice = EngineChoice("vosk", "model", "a test asks for it", "0" * 32, path=model)
    wav = tmp_path / "a.wav"
    with wave.open(str(wav), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
    with pytest.raises(ParamsError, match="not a Vosk model"):
        run_in_child(transcribe, "v", wav, [(0.0, 0.0)], tmp_path / "heard.parquet",
                     heard_fingerprint("0" * 32, choice, AUDIO, TRANSCRIPTION), choice, TRANSCRIPTION,
                     timeout_seconds=60, memory_megabytes=2000)
    assert not (tmp_path / "heard.parquet").exists()


def test_what_the_engine_says_is_what_the_rows_say(tiny_model: Path, narration: tuple[Path, list[tuple[str, float]]]) -> None:
    with wave.open(str(narration[0])) as sound:
        samples = sound.readframes(AUDIO.sample_rate_hz * 12)
    pieces: Iterable[bytes] = (samples[i:i + 8000] for i in range(0, len(samples), 8000))
    utterances = VoskEngine(tiny_model, AUDIO.sample_rate_hz).hear(pieces)
    assert len(utterances) >= 2  # it pauses between sentences
    assert all(0 < word.confidence <= 1 and word.start < word.end <= 12.1 for words in utterances for word in words)


# Joining: a speaker says a word a second; each side of a cut hears what lies wholly inside it, and may misplace it a little.
def said_in(start: float, end: float, shift: float, words: list[str]) -> list[Utterance]:
    inside = [HeardWord(word, i + 0.1 - start + shift, i + 0.8 - start + shift) for i, word in enumerate(words)
              if start <= i + 0.1 and i + 0.8 <= end]
    return [inside] if inside else []


@given(st.lists(st.sampled_from("abc"), min_size=4, max_size=30), st.floats(2, 20), st.floats(1.9, 3), st.floats(-0.1, 0.1))
def test_no_word_is_lost_or_doubled_at_a_cut(words: list[str], cut: float, overlap: float, shift: float) -> None:
    end = float(len(words))
    cut = min(cut, end - 1)
    segments = [(0.0, min(cut + overlap / 2, end)), (max(cut - overlap / 2, 0.0), end)]
    heard = [said_in(*segments[0], 0.0, words), said_in(*segments[1], shift, words)]
    joined = [word.text for utterance in join_segments(segments, heard) for word in utterance]
    assert joined == words


def test_an_utterance_goes_on_across_a_cut_without_silence() -> None:
    left = [[HeardWord("cut", 8.0, 8.5), HeardWord("the", 9.0, 9.4)]]
    right = [[HeardWord("the", 0.0, 0.4), HeardWord("onion", 0.6, 1.2)], [HeardWord("then", 3.0, 3.5)]]
    joined = join_segments([(0.0, 9.5), (9.0, 20.0)], [left, right])
    assert [[word.text for word in utterance] for utterance in joined] == [["cut", "the", "onion"], ["then"]]


def test_at_a_cut_in_silence_nothing_is_taken_for_the_same_word() -> None:
    joined = join_segments([(0.0, 10.0), (10.0, 20.0)], [[[HeardWord("no", 9.0, 9.9)]], [[HeardWord("no", 0.0, 0.5)]]])
    assert [[(word.text, word.start) for word in utterance] for utterance in joined] == [[("no", 9.0)], [("no", 10.0)]]
