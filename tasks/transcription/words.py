"""Words as an engine gives them, and the table they become once every impossible one is set aside and counted."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tasks.schema import HEARD

MAX_WORD_LETTERS = 100
OUT_OF_RANGE, BAD_TIME, INVALID_WORD = "out_of_range", "bad_time", "invalid_word"


@dataclass(frozen=True)
class HeardWord:
    """One word. start, end: seconds into the video; confidence: 0-1.

    timing_source: `word` when the engine timed the word itself, `segment` when its share of a longer stretch was guessed.
    """

    text: str
    start: float
    end: float
    confidence: float = 1.0
    timing_source: str = "word"


Utterance = list[HeardWord]  # what was said in one breath: a sentence or a caption line


def problem_of(word: HeardWord, duration: float) -> str | None:
    """Why a word cannot be used, or None."""
    numbers = (word.start, word.end, word.confidence)
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        return BAD_TIME
    if word.start < 0 or word.end < word.start or not 0 <= word.confidence <= 1:
        return BAD_TIME
    if not word.text or len(word.text) > MAX_WORD_LETTERS or not word.text.isprintable():
        return INVALID_WORD  # isprintable is false for NUL, controls, direction marks and lone surrogates
    return OUT_OF_RANGE if word.start >= duration else None


def heard_table(
    video_id: str, utterances: Sequence[Utterance], duration: float, engine: str, model: str,
) -> tuple[pa.Table, dict[str, int]]:
    """The usable words in order of time, and how many others there were by reason.

    duration: seconds of the video; a word that begins later is out of range, one that ends later ends with it.
    Returns a table of schema HEARD and counts under `out_of_range`, `bad_time` and `invalid_word`.
    """
    dropped: Counter[str] = Counter()
    kept: list[tuple[float, float, int, HeardWord]] = []
    for number, utterance in enumerate(utterances):
        for word in utterance:
            problem = problem_of(word, duration)
            if problem:
                dropped[problem] += 1
            else:
                kept.append((word.start, min(word.end, duration), number, word))
    kept.sort(key=lambda item: (item[0], item[1], item[2]))
    numbers: dict[int, int] = {}  # utterances without a usable word leave no gap
    rows: list[dict[str, Any]] = []
    for index, (start, end, number, word) in enumerate(kept):
        rows.append({
            "video_id": video_id, "word_index": index, "segment": numbers.setdefault(number, len(numbers)), "word": word.text,
            "start": round(start, 3), "end": round(end, 3), "confidence": round(word.confidence, 4), "engine": engine,
            "model": model, "timing_source": word.timing_source})
    return pa.Table.from_pylist(rows, schema=HEARD), dict(sorted(dropped.items()))
