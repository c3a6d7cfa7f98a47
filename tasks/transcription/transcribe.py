"""From sound to words: segments are recognised side by side by one engine, then joined so that no word is lost or doubled."""

import os
import wave
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

from tasks.params import AudioParams, TranscriptionParams
from tasks.storage.artefact import Fingerprint, write_table
from tasks.transcription.choose import EngineChoice
from tasks.transcription.engine import Engine
from tasks.transcription.words import HeardWord, Utterance, heard_table

VERSION = 1  # raise it when the same input would give different words
PAUSE_SECONDS = 0.5  # a longer silence ends an utterance
SAME_WORD_SECONDS = 0.3  # a word heard from both sides of a cut is one word when its middles are this close


def heard_fingerprint(
    content: str, choice: EngineChoice, audio: AudioParams, params: TranscriptionParams,
) -> Fingerprint:
    """What heard.parquet depends on. content: of the media. Captions do not depend on how sound is cut and fed."""
    settings: dict[str, Any] = {"engine": choice.engine, "model": choice.model}
    if choice.caption is None:
        cutting = audio.model_dump(exclude={"timeout_seconds", "max_duration_seconds"})
        settings |= {"audio": cutting, "piece_seconds": params.piece_seconds}
    return Fingerprint("heard", VERSION, settings, {"media": content, "model": choice.digest})


def transcribe(
    video_id: str, wav: Path, segments: Sequence[tuple[float, float]], out: Path, fingerprint: Fingerprint,
    choice: EngineChoice, params: TranscriptionParams, *, progress: Callable[[float], None],
) -> dict[str, Any]:
    """Recognise a mono 16-bit WAV and write the words at `out` (schema HEARD). Runs in a child process.

    segments: (start, end) in seconds, in order, as audio extraction cut them; neighbours may overlap.
    Returns words (how many), dropped (counts by reason), engine, model and reason.
    Raises ParamsError when the model cannot be used.
    """
    with wave.open(str(wav)) as sound:
        rate, duration = sound.getframerate(), sound.getnframes() / sound.getframerate()
    engine = _load(choice, rate)
    heard = _hear_all(engine, wav, segments, params, progress)
    table, dropped = heard_table(video_id, join_segments(segments, heard), duration, choice.engine, choice.model)
    summary = {"words": table.num_rows, "dropped": dropped, "engine": choice.engine, "model": choice.model,
               "reason": choice.reason}
    write_table(table, out, fingerprint, extra=summary, row_group_rows=10_000)
    return summary


def join_segments(
    segments: Sequence[tuple[float, float]], heard: Sequence[Sequence[Utterance]],
) -> list[Utterance]:
    """What was heard in each segment as one sequence of utterances, times counted from the start of the video.

    heard: for each segment its utterances, times counted from the start of the segment. Where neighbours overlap, words are
    taken from one side up to a place both agree on, and an utterance goes on across the cut.
    """
    joined: list[Utterance] = []
    left: list[Utterance] = []
    left_end = 0.0
    for (start, end), utterances in zip(segments, heard, strict=True):
        right = [[replace(word, start=start + word.start, end=start + word.end) for word in words] for words in utterances]
        if left and right and start < left_end:
            until, since = _agree(_flat(left), _flat(right), (start + left_end) / 2)
            left = _filled([[word for word in words if _middle(word) <= until] for words in left])
            right = _filled([[word for word in words if _middle(word) > since] for words in right])
            if left and right and right[0][0].start - left[-1][-1].end < PAUSE_SECONDS:
                right[0] = left.pop() + right[0]
        joined += left
        left, left_end = right, end
    return joined + left


def _agree(left: Utterance, right: Utterance, cut: float) -> tuple[float, float]:
    """Keep words of `left` with their middle up to the first time returned, and words of `right` after the second."""
    shared = [(abs(_middle(a) - cut), _middle(a), _middle(b)) for a in left for b in right
              if a.text == b.text and abs(_middle(a) - _middle(b)) <= SAME_WORD_SECONDS]
    if shared:  # both heard this word: it and all before it come from the left, all after it from the right
        _, until, since = min(shared)
        return until, since
    return cut, max((word.end for word in left if _middle(word) <= cut), default=0.0)


def _flat(utterances: Sequence[Utterance]) -> Utterance:
    return [word for words in utterances for word in words]


def _filled(utterances: Sequence[Utterance]) -> list[Utterance]:
    return [words for words in utterances if words]


def _middle(word: HeardWord) -> float:
    return (word.start + word.end) / 2


def _load(choice: EngineChoice, rate: int) -> Engine:
    if choice.engine == "pocketsphinx":
        from tasks.transcription.pocketsphinx_engine import PocketsphinxEngine

        return PocketsphinxEngine(rate)
    from tasks.transcription.vosk_engine import VoskEngine

    assert choice.path is not None
    return VoskEngine(choice.path, rate)


def _hear_all(
    engine: Engine, wav: Path, segments: Sequence[tuple[float, float]], params: TranscriptionParams,
    progress: Callable[[float], None],
) -> list[list[Utterance]]:
    """What the engine hears in each segment, in their order; several at once, one a thread."""
    threads = params.threads or os.cpu_count() or 1
    done = 0.0
    with ThreadPoolExecutor(threads) as pool:
        futures = {pool.submit(engine.hear, _pieces(wav, start, end, params.piece_seconds)): end - start
                   for start, end in segments}
        for future in as_completed(futures):
            future.result()
            done += futures[future]
            progress(done)
        return [future.result() for future in futures]


def _pieces(wav: Path, start: float, end: float, piece_seconds: float) -> Iterator[bytes]:
    """The samples of a segment, read as they are asked for."""
    with wave.open(str(wav)) as sound:
        rate = sound.getframerate()
        position, last = round(start * rate), min(round(end * rate), sound.getnframes())
        sound.setpos(min(position, last))
        while position < last:
            count = min(round(piece_seconds * rate), last - position)
            yield sound.readframes(count)
            position += count
