"""Examples: every kept frame with the key words that may name what it shows, each with the probability that it does."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.alignment.calibration import Calibration, read_calibration
from tasks.alignment.coherence import Mentions, Names, Nearby, find_nearby, lags, name_views
from tasks.alignment.offset import Offset, estimate_offset
from tasks.alignment.screen import Floats, Ints, Screen, distance_to, expand, on_screen
from tasks.params import AlignmentParams
from tasks.schema import EXAMPLES, LABEL
from tasks.storage.artefact import Fingerprint, digest_json

VERSION = 1  # raise it when the same words and frames would give other examples
DECIMALS = 4  # of weights and offsets: what differs between processors lies far below


def alignment_fingerprint(words: str, frames: str, params: AlignmentParams) -> Fingerprint:
    """What an examples table depends on. words, frames: the fingerprint digests of the two tables."""
    return Fingerprint(
        step="alignment", version=VERSION, params=params.model_dump(mode="json"),
        inputs={"words": words, "frames": frames, "calibration": digest_json(read_calibration().model_dump())})


@dataclass(frozen=True)
class Evidence:
    """All that timing says about one video. keys: rows of the words table that are key words, in order of time.

    lemmas: by the numbers in `mentions`. probability: of each of `names`, over all lags, not yet calibrated.
    """

    screen: Screen
    keys: Ints
    lemmas: list[str]
    mentions: Mentions
    nearby: Nearby
    names: Names
    offset: Offset
    probability: Floats


def align(words: pa.Table, frames: pa.Table, params: AlignmentParams) -> pa.Table:
    """Pair every kept frame with the key words heard near it.

    words: schema WORDS. frames: schema FRAMES, with or without its pictures; both of one video.
    Returns schema EXAMPLES, a row for each kept frame in order of time; labels below min_weight are left out.
    """
    fitted = read_calibration()
    evidence = weigh(words, frames, params.window_seconds, fitted)
    screen, offset = evidence.screen, evidence.offset
    significant = offset.confidence >= fitted.offset_threshold
    texts, starts = _sentences(words, screen, offset.best if significant else 0.0, params.window_seconds)
    count = len(screen.frame)
    columns: dict[str, Any] = {
        "video_id": [frames["video_id"][0].as_py()] * count if count else [],
        "frame": screen.frame, "timestamp": screen.timestamp, "until": screen.until,
        "labels": list_labels(words, evidence, calibrate(evidence.probability, fitted), params.min_weight),
        "sentence": texts, "sentence_start": starts,
        "p_alignable": [None] * count,
        "video_offset_seconds": [round(offset.best, DECIMALS) if significant else None] * count,
        "video_offset_confidence": [round(offset.confidence, DECIMALS)] * count}
    return pa.table([pa.array(columns[field.name], field.type) for field in EXAMPLES], schema=EXAMPLES)


def weigh(words: pa.Table, frames: pa.Table, window_seconds: float, fitted: Calibration) -> Evidence:
    """How likely each word near each picture is its name, and what that tells about the lag of the narration."""
    screen = on_screen(frames)
    is_key = words["why_not"].is_null().to_numpy(zero_copy_only=False)
    middle = (words["start"].to_numpy() + words["end"].to_numpy()) / 2
    keys = np.flatnonzero(is_key)
    keys = keys[np.argsort(middle[keys], kind="stable")]
    lemmas, lemma = np.unique(np.array(words["lemma"].to_pylist(), dtype=object)[keys], return_inverse=True)
    mentions = Mentions(
        middle[keys], lemma, *(words[name].to_numpy()[keys].astype(np.float64) for name in ("confidence", "rarity", "visual")))
    nearby = find_nearby(mentions, screen, window_seconds, fitted)
    names = name_views(mentions, nearby, fitted)
    offset = estimate_offset(lags(window_seconds), names.log_likelihood, fitted)
    return Evidence(screen, keys, lemmas.tolist(), mentions, nearby, names, offset, names.probability @ offset.posterior)


def calibrate(probability: Floats, fitted: Calibration) -> Floats:
    """The share of such labels that was right on videos with known truth."""
    sure = np.clip(probability, 1e-9, 1 - 1e-9)
    odds = fitted.weight_intercept + fitted.weight_slope * np.log(sure / (1 - sure))
    weight: Floats = 1 / (1 + np.exp(-odds))
    return weight


def list_labels(words: pa.Table, evidence: Evidence, weight: Floats, min_weight: float) -> pa.ListArray:
    """One list of LABEL for each picture, heaviest first, then by name: the names of its view. weight: shape (names,)."""
    screen, nearby, first = evidence.screen, evidence.nearby, evidence.names.first
    weight = np.round(weight, DECIMALS)
    count = np.diff(first, append=len(nearby.mention))
    # The mention that most likely is about the view speaks for all; of equal ones the first.
    likely = np.round(nearby.share @ evidence.offset.posterior * evidence.mentions.confidence[nearby.mention], DECIMALS)
    best = np.lexsort((nearby.mention, -likely, np.repeat(np.arange(len(first)), count)))[first]
    source, view = nearby.mention[best], nearby.view[first]
    heavy = np.lexsort((evidence.mentions.lemma[source], -weight, view))
    heavy = heavy[weight[heavy] >= min_weight]
    begin, end = (np.searchsorted(view[heavy], screen.view, side=side) for side in ("left", "right"))
    picture, at = expand(begin, end - begin)
    name = heavy[at]
    source = source[name]
    row = evidence.keys[source]
    fields: dict[str, Any] = {
        "label": np.array(evidence.lemmas, dtype=object)[evidence.mentions.lemma[source]],
        "weight": weight[name],
        "offset_seconds": np.round(distance_to(screen, picture, evidence.mentions.middle[source]), DECIMALS),
        "word_index": words["word_index"].to_numpy()[row],
        "start": words["start"].to_numpy()[row],
        "confidence": words["confidence"].to_numpy()[row],
        "count": count[name]}
    structs = pa.StructArray.from_arrays(
        [pa.array(fields[field.name], field.type) for field in LABEL], fields=list(LABEL))
    return pa.ListArray.from_arrays(pa.array(np.append(0, np.cumsum(end - begin)), pa.int32()), structs)


def _sentences(words: pa.Table, screen: Screen, lag: float, window_seconds: float) -> tuple[list[str], list[float | None]]:
    """What was said while each picture was first shown, `lag` seconds later; else the nearest segment in the window."""
    table = words.select(["segment", "start", "end", "word"]).to_pylist()
    said: dict[int, list[dict[str, Any]]] = {}
    for row in table:
        said.setdefault(row["segment"], []).append(row)
    texts = [" ".join(row["word"] for row in rows) for rows in said.values()]
    begin = np.array([min(row["start"] for row in rows) for rows in said.values()])
    end = np.array([max(row["end"] for row in rows) for rows in said.values()])
    sentences: list[str] = []
    starts: list[float | None] = []
    for shown, gone in zip(screen.timestamp + lag, screen.until + lag, strict=True):
        distance = np.maximum(np.maximum(begin - gone, shown - end), 0)
        near = np.flatnonzero((distance == distance.min(initial=np.inf)) & (distance <= window_seconds))
        sentences.append(" ".join(texts[at] for at in near))
        starts.append(float(begin[near].min()) if len(near) else None)
    return sentences, starts
