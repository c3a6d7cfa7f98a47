"""Small heard and frames tables."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tasks.keywords.corpus import Corpus
from tasks.keywords.pick import pick_keywords
from tasks.params import KeywordsParams
from tasks.schema import FRAMES, HEARD

PARAMS = KeywordsParams(stopword_languages=("en",), numbers="drop", min_confidence=0.4, min_letters=2)
GREY = bytes([110, 128, 128] * 16)


def heard(text: str, video_id: str = "v", **columns: Any) -> pa.Table:
    """Words half a second apart, 0.4 s long; `|` begins a new segment. columns: values in place of these."""
    words, segments = [], []
    for segment, sentence in enumerate(text.split("|")):
        words += sentence.split()
        segments += [segment] * len(sentence.split())
    count = len(words)
    values: dict[str, Sequence[Any]] = {
        "video_id": [video_id] * count, "word_index": range(count), "segment": segments, "word": words,
        "start": [0.5 * at for at in range(count)], "end": [0.5 * at + 0.4 for at in range(count)],
        "confidence": [1.0] * count, "engine": ["vosk"] * count, "model": ["tiny"] * count, "timing_source": ["word"] * count,
        **columns}
    return pa.table([pa.array(values[field.name], field.type) for field in HEARD], schema=HEARD)


def frames(layouts: Sequence[bytes] = (GREY, GREY), video_id: str = "v", every: float = 10.0) -> pa.Table:
    """One kept frame each `every` seconds."""
    rows = [
        {"video_id": video_id, "frame": at, "timestamp": at * every, "end": (at + 1) * every, "width": 64, "height": 36,
         "phash": at, "flat": False, "luma": 110.0, "contrast": 40.0, "sharpness": 90.0, "layout": layout}
        for at, layout in enumerate(layouts)]
    return pa.Table.from_pylist(rows, schema=FRAMES)


def picked(text: str, params: KeywordsParams = PARAMS, **columns: Any) -> list[tuple[str, str | None]]:
    """(lemma, why not) of each word."""
    table = pick_keywords(heard(text, **columns), frames(), Corpus.empty(), params)
    return list(zip(table["lemma"].to_pylist(), table["why_not"].to_pylist(), strict=True))


def keys(text: str, params: KeywordsParams = PARAMS) -> list[str]:
    return [lemma for lemma, why_not in picked(text, params) if why_not is None]
