"""Small words and frames tables, written as one would on paper."""

import random
from collections.abc import Sequence

import pyarrow as pa

from tasks.schema import FRAMES, WORDS

VIDEO = "file_0123456789abcdef"
Shown = tuple[float, str]  # when it appears, and what: the first of each letter is kept, later ones repeat it; "" is black
Said = tuple[float, str]  # the middle of the word, and the word


def frames_of(shown: Sequence[Shown], duration: float) -> pa.Table:
    """Every picture looks unlike any other, but those that start with the same letter share a shot: a, a2 ..."""
    first: dict[str, int] = {}
    rows = []
    ends = [*(time for time, _ in shown), duration][1:]
    for frame, ((time, picture), end) in enumerate(zip(shown, ends, strict=True)):
        source = first.setdefault(picture, frame) if picture else frame
        dropped = "black" if not picture else None if source == frame else "duplicate"
        look = random.Random(picture[:1]).randbytes(48)
        rows.append({
            "video_id": VIDEO, "frame": frame, "timestamp": time, "end": end, "width": 640, "height": 360, "phash": frame,
            "flat": False, "luma": 100.0, "contrast": 40.0, "sharpness": 90.0, "layout": look, "dropped": dropped,
            "duplicate_of": source if dropped == "duplicate" else None})
    return pa.Table.from_pylist(rows, schema=FRAMES)


def words_of(said: Sequence[Said], *, confidence: float = 1.0, why_not: str | None = None) -> pa.Table:
    """Words of 0.4 s, each a segment of its own."""
    rows = [
        {"video_id": VIDEO, "word_index": at, "segment": at, "word": word.upper(), "start": middle - 0.2, "end": middle + 0.2,
         "confidence": confidence, "engine": "vosk", "model": "m", "timing_source": "word", "lemma": word, "why_not": why_not,
         "rarity": 0.5, "visual": 0.5}
        for at, (middle, word) in enumerate(said)]
    return pa.Table.from_pylist(rows, schema=WORDS)
