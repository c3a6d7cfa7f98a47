"""What the videos so far say about words: how many use each, and whether a word keeps the same company of pictures.

Counts only: whole numbers, so that adding and removing a video is exact and the order of videos does not matter.

**Rarity** is the inverse document frequency of a lemma, scaled to 0-1.

**Visual score.** A picture is 24 numbers: how strongly its most unusual part stands out in each of 24 directions of
colour (`picture_features`). For each video and word, the pictures shown within a few seconds of the word are compared with
those near any word of that video; what remains is a direction, of length 1 whatever the video. A word spoken regardless of
pictures gives directions that point anywhere, video by video; a word for something visible gives directions that agree.
Their agreement over pairs of videos has mean 0 under chance for any number of videos, and a known spread; the score is the
probability that the agreement is that of a word for a visible thing rather than none. Comparing within each video keeps
a channel's style or a video's topic from passing as the meaning of a word.
"""

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.errors import IntegrityError
from tasks.storage.artefact import digest_json
from tasks.storage.atomic import write_whole

VERSION = 1  # raise it when the same videos would give other counts or scores
NEUTRAL = 0.5  # both scores while there is nothing to go by
RARITY_PRIOR_VIDEOS = 5  # rarity leaves NEUTRAL as if that many videos had said nothing
WINDOW_SECONDS = 4.0  # a picture is near a word when it is shown within this time of it; best of 0.5, 2, 3, 4, 6 on test videos
DIRECTIONS = 24
LUMA_WEIGHT, COLOUR_WEIGHT = 1, 2  # light varies more than colour and says less
MIN_CONTRAST = 2  # grey levels; below it the difference between pictures is coding noise
MIN_VIDEOS = 8  # fewer cannot tell: visual is NEUTRAL
# Mean agreement of object nouns on generated narrated videos, half of whose sentences name nothing in view:
# tests/benchmarks/bench_keywords.py prints it. Half of it is where a word is as likely visual as not.
VISUAL_AGREEMENT = 0.02
UNIT = 1024  # fixed-point length of a direction
FEATURE_SCALE = 16  # fixed-point steps in one grey level of a feature
UNSEEN = ("black", "blank", "damaged")  # frames that show nothing


@dataclass
class Corpus:
    """Counts over videos; equal for the same videos whatever the order in which they came.

    videos: video id -> digest of what the video adds.
    document_frequency: lemma -> number of videos in which it was said, key word or not.
    directions: lemma -> [number of videos with a direction for it, sum of the directions (DIRECTIONS numbers)].
    spread: sum over all directions of their outer product, row by row.
    """

    videos: dict[str, str] = field(default_factory=dict)
    document_frequency: dict[str, int] = field(default_factory=dict)
    directions: dict[str, list[int]] = field(default_factory=dict)
    spread: list[int] = field(default_factory=lambda: [0] * DIRECTIONS**2)

    @classmethod
    def empty(cls) -> "Corpus":
        return cls()

    @property
    def digest(self) -> str:
        """32 hex that tell which videos, with which words and pictures, have been counted."""
        total = sum(int(digest, 16) for digest in self.videos.values()) % (1 << 256)
        return digest_json([VERSION, len(self.videos), f"{total:x}"])

    def add(self, words: pa.Table, frames: pa.Table) -> None:
        """Count one more video, in time that depends on that video alone.

        words: schema WORDS. frames: schema FRAMES; its pictures (`jpeg`) are not needed.
        Raises ValueError when the video is already counted, or the tables are not of one video.
        """
        part = _part_of(words, frames)
        if part.video_id in self.videos:
            raise ValueError(f"video {part.video_id} is already counted")
        self.videos[part.video_id] = part.digest
        self._apply(part, 1)

    def remove(self, words: pa.Table, frames: pa.Table) -> None:
        """Take a video out again; the result equals a corpus that never saw it.

        words, frames: the tables it was added with. Raises IntegrityError when they are not, or it was never added.
        """
        part = _part_of(words, frames)
        if self.videos.get(part.video_id) != part.digest:
            raise IntegrityError(
                f"{part.video_id}: not counted with these words and frames", "count the corpus again from all videos")
        del self.videos[part.video_id]
        self._apply(part, -1)

    def rarity(self, lemma: str) -> float:
        """0 said in every video .. 1 in none; NEUTRAL for an empty corpus, and near it for a small one."""
        count = len(self.videos)
        if not count:
            return NEUTRAL
        rare = 1 - math.log1p(self.document_frequency.get(lemma, 0)) / math.log1p(count)
        return (RARITY_PRIOR_VIDEOS * NEUTRAL + count * rare) / (RARITY_PRIOR_VIDEOS + count)

    def visual(self, lemma: str) -> float:
        """Probability that the word goes with what is seen: towards 1 tied to pictures, towards 0 spoken regardless of them.

        NEUTRAL below MIN_VIDEOS; it moves away as fast as evidence comes in.
        """
        agreement, error = self.agreement(lemma)
        if not math.isfinite(error):
            return NEUTRAL
        odds = VISUAL_AGREEMENT * (agreement - VISUAL_AGREEMENT / 2) / error**2  # log of the likelihood ratio of two Gaussians
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, odds))))

    def agreement(self, lemma: str) -> tuple[float, float]:
        """Mean cosine between the word's directions in two videos, and its standard error under chance.

        (0, inf) below MIN_VIDEOS.
        """
        count, *total = self.directions.get(lemma, [0])
        if count < MIN_VIDEOS:
            return 0.0, math.inf
        pairs = count * (count - 1)
        mean = (sum(value * value for value in total) / UNIT**2 - count) / pairs
        # Two unrelated directions have the mean square cosine tr(C^2) / tr(C)^2, C their covariance.
        trace = sum(self.spread[::DIRECTIONS + 1])
        return mean, math.sqrt(2 * sum(value * value for value in self.spread) / trace**2 / pairs)

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all; the same corpus gives the same bytes."""
        state = {"version": VERSION, "videos": self.videos, "document_frequency": self.document_frequency,
                 "directions": self.directions, "spread": self.spread}
        text = json.dumps({"digest": digest_json(state), **state}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        write_whole(path, text.encode())

    @classmethod
    def load(cls, path: Path) -> "Corpus":
        """Raises IntegrityError when the file is missing, torn, altered, or of another version."""
        try:
            state = dict(json.loads(path.read_bytes()))
            if state.pop("digest") != digest_json(state) or state.pop("version") != VERSION:
                raise ValueError("digest or version differs")
            return cls(**state)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise IntegrityError(f"{path}: not a whole corpus", "delete it; it is counted again from the videos") from error

    def _apply(self, part: "_Part", sign: int) -> None:
        for lemma in part.lemmas:
            self.document_frequency[lemma] = self.document_frequency.get(lemma, 0) + sign
            if not self.document_frequency[lemma]:
                del self.document_frequency[lemma]
        for lemma, direction in part.directions.items():
            old = self.directions.get(lemma, [0] * (DIRECTIONS + 1))
            new = [a + sign * b for a, b in zip(old, [1, *direction], strict=True)]
            self.directions[lemma] = new
            if not new[0]:
                del self.directions[lemma]
        rows = np.array(list(part.directions.values()), dtype=np.int64).reshape(-1, DIRECTIONS)
        outer = (rows.T @ rows).ravel().tolist()
        self.spread = [a + sign * b for a, b in zip(self.spread, outer, strict=True)]


@dataclass(frozen=True)
class _Part:
    """What one video adds: its lemmas, and the direction of each key lemma whose pictures stand out."""

    video_id: str
    lemmas: list[str]
    directions: dict[str, list[int]]

    @property
    def digest(self) -> str:
        text = json.dumps([self.video_id, self.lemmas, self.directions], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()


def _part_of(words: pa.Table, frames: pa.Table) -> _Part:
    names = {*words["video_id"].unique().to_pylist(), *frames["video_id"].unique().to_pylist()}
    if len(names) != 1:
        raise ValueError(f"words and frames of one video wanted, got {sorted(names)}")
    rows = [row for row in words.select(["lemma", "start", "end", "why_not"]).to_pylist()
            if row["why_not"] not in ("punctuation", "out_of_range")]
    return _Part(names.pop(), sorted({row["lemma"] for row in rows}), _directions(rows, frames))


def _directions(rows: list[dict[str, Any]], frames: pa.Table) -> dict[str, list[int]]:
    """Lemma -> where its pictures differ from those near any word of the video, as whole numbers of length UNIT."""
    seen = [row for row in frames.select(["timestamp", "end", "layout", "dropped"]).to_pylist() if row["dropped"] not in UNSEEN]
    if len(seen) < 2 or not rows:
        return {}
    layouts = np.frombuffer(b"".join(row["layout"] for row in seen), dtype=np.uint8).reshape(-1, 16, 3)
    sums = np.vstack([np.zeros((1, DIRECTIONS), np.int64), np.cumsum(picture_features(layouts), axis=0)])
    first = np.searchsorted([row["end"] for row in seen], [row["start"] - WINDOW_SECONDS for row in rows], side="right")
    last = np.searchsorted([row["timestamp"] for row in seen], [row["end"] + WINDOW_SECONDS for row in rows], side="right")
    near = np.flatnonzero(last > first)
    if not len(near):
        return {}
    # Whole-number division throughout: the same on every machine.
    pictures = (sums[last[near]] - sums[first[near]]) // (last[near] - first[near])[:, None]
    usual = pictures.sum(axis=0) // len(near)
    spoken: dict[str, list[int]] = {}
    for at, row in enumerate(near):
        if rows[row]["why_not"] is None:
            spoken.setdefault(rows[row]["lemma"], []).append(at)
    found = {}
    for lemma in sorted(spoken):
        difference = (pictures[spoken[lemma]].sum(axis=0) // len(spoken[lemma]) - usual).tolist()
        length = math.isqrt(sum(value * value for value in difference))
        if length >= MIN_CONTRAST * FEATURE_SCALE:
            found[lemma] = [value * UNIT // length for value in difference]
    return found


def picture_features(layouts: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How far the most unusual cell of each picture stands out in each of DIRECTIONS directions of colour.

    layouts: shape (pictures, 16, 3), Y Cb Cr of a 4 x 4 grid. Returns shape (pictures, DIRECTIONS), in 1/FEATURE_SCALE grey
    levels, never negative. Where in the picture the cell lies makes no difference.
    """
    cells = layouts.astype(np.int64) * np.array([LUMA_WEIGHT, COLOUR_WEIGHT, COLOUR_WEIGHT])
    ordered = np.sort(cells, axis=1)
    median = ordered[:, 7:8] + ordered[:, 8:9]  # twice the median, to stay whole
    strongest: NDArray[np.int64] = ((2 * cells - median) @ _compass().T).max(axis=1)
    return np.maximum(strongest, 0) * FEATURE_SCALE // (2 * COLOUR_WEIGHT * UNIT)


def _compass() -> NDArray[np.int64]:
    """DIRECTIONS evenly spread directions in (Y, Cb, Cr), of length UNIT: a Fibonacci sphere."""
    heights = [1 - (2 * i + 1) / DIRECTIONS for i in range(DIRECTIONS)]
    turns = [math.pi * (1 + math.sqrt(5)) * (i + 0.5) for i in range(DIRECTIONS)]
    return np.array([
        [round(UNIT * height), round(UNIT * math.sqrt(1 - height**2) * math.cos(turn)),
         round(UNIT * math.sqrt(1 - height**2) * math.sin(turn))]
        for height, turn in zip(heights, turns, strict=True)], dtype=np.int64)
