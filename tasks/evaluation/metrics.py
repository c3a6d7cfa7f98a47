"""How good the answers of a net are, counted per video, so that videos can be drawn again and again.

A label's weight is the probability that the picture shows the word. It is taken as how right an answer is: every figure is what
is expected of the true one, and equals it where all weights are 0 or 1. docs/evaluation.md has the definitions.

Draws are arrays (B, V): how often each of V videos is in each of B samples. A statistic makes (B,) figures of them.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.evaluation.split import FrozenSplit, Whole

BEST = 5  # words of a picture that are kept
SHOWN = 0.05  # words with less probability are not shown to anybody
BINS = 10
DEPTH = 100  # of each ranking; enough for the first ten of a draw, where a video may be missing
WORDS_AT_ONCE = 16
LEAST_CHANCE = 0.5  # that any picture shows the word: below it the word is not asked for
NEVER = 1e-9

Real = NDArray[np.float32]
Draws = NDArray[np.int32]
Statistic = Callable[[Draws], NDArray[np.float64]]


@dataclass(frozen=True)
class Answers:
    """What a net says about the split: N pictures, W words.

    pictures (N, D) and queries (W, D): vectors; the pictures for a word are ranked by their products.
    best (N, 5): the likeliest words of each picture, as numbers of the split's words, -1 for one that is no label there.
    said: picture, word (as in best) and probability of every answer of SHOWN or more.
    vocabulary: how many words the net chooses from. answered (N,): its likeliest word, written out.
    """

    pictures: Real
    queries: Real
    best: Whole
    said: tuple[Whole, Whole, Real]
    vocabulary: int
    answered: tuple[str, ...]


@dataclass(frozen=True)
class Slice:
    """A part of the split: some of its videos (V,), and some of its words (W,)."""

    name: str
    videos: NDArray[np.bool_]
    words: NDArray[np.bool_]

    @property
    def size(self) -> int:
        return int(self.videos.sum())


@dataclass(frozen=True)
class Ranking:
    """The first pictures for each of Q words: weights (Q, T), and the videos they are from (Q, T).

    misses (V, Q): log of the chance that no picture of the video shows the word.
    ranks (Q,): after so many pictures a right one has more likely than not been among them.
    """

    words: NDArray[np.int64]
    weights: Real
    videos: Whole
    misses: NDArray[np.float64]
    ranks: NDArray[np.int64]


def once(videos: int) -> Draws:
    """The sample that has every video once: the split itself."""
    return np.ones((1, videos), np.int32)


def precision(split: FrozenSplit, answers: Answers, part: Slice, first: int) -> Statistic:
    """Of the first words of each labelled picture, the share that is right."""
    words = answers.best[:, :first]
    right = split.weights(np.arange(len(words))[:, None], words).mean(axis=1)
    labelled = np.zeros(len(words), np.float64)
    labelled[split.pairs[0]] = 1
    return _ratio(_by_video(split, part, right * labelled), _by_video(split, part, labelled))


def ceiling(split: FrozenSplit, part: Slice, first: int) -> Statistic:
    """The precision of one who answers with the heaviest labels: weights below 1 leave room for doubt about those too."""
    picture, _, weight = split.pairs
    order = np.lexsort((-weight, picture))
    starts = np.searchsorted(picture[order], np.arange(len(split.video_of)))
    place = np.arange(len(order)) - starts[picture[order]]
    kept = order[place < first]
    right = np.bincount(picture[kept], weight[kept], len(split.video_of)) / first
    labelled = np.zeros(len(split.video_of), np.float64)
    labelled[picture] = 1
    return _ratio(_by_video(split, part, right), _by_video(split, part, labelled))


def recall(split: FrozenSplit, answers: Answers, part: Slice) -> Statistic:
    """Of the labels in the part's words, the share that is among the first five words of its picture."""
    picture, word, weight = split.pairs
    chosen = part.words[word]
    picture, word, weight = picture[chosen], word[chosen], weight[chosen].astype(np.float64)
    found = (answers.best[picture] == word[:, None]).any(axis=1)
    videos = split.video_of[picture]
    count = len(split.videos)
    sums = [np.bincount(videos, values, count).astype(np.float64) * part.videos for values in (weight * found, weight)]
    return _ratio(sums[0], sums[1])


def rank(split: FrozenSplit, answers: Answers, part: Slice) -> Ranking:
    """Rank the part's pictures for each of its words that some of them likely show."""
    pool = np.flatnonzero(part.videos[split.video_of])
    place = np.full(len(split.video_of), -1)
    place[pool] = np.arange(len(pool))
    picture, word, weight = split.pairs
    inside = (place[picture] >= 0) & part.words[word]
    picture, word, weight = place[picture[inside]], word[inside], weight[inside]
    misses = np.zeros((len(split.videos), len(split.words)))
    np.add.at(misses, (split.video_of[pool[picture]], word), np.log(np.maximum(1 - weight.astype(np.float64), NEVER)))
    asked = np.flatnonzero(-np.expm1(misses.sum(axis=0)) >= LEAST_CHANCE)
    depth = min(DEPTH, len(pool))
    weights, videos = np.zeros((len(asked), depth), np.float32), np.zeros((len(asked), depth), np.int32)
    ranks = np.zeros(len(asked), np.int64)
    vectors, places = answers.pictures[pool], np.full(len(split.words), -1)
    for at in range(0, len(asked), WORDS_AT_ONCE):
        block = asked[at:at + WORDS_AT_ONCE]
        places[block] = np.arange(len(block))
        relevance = np.zeros((len(block), len(pool)), np.float32)
        mine = np.isin(word, block)
        relevance[places[word[mine]], picture[mine]] = weight[mine]
        order = np.argsort(-(answers.queries[block] @ vectors.T), axis=1, kind="stable")
        ranked = np.take_along_axis(relevance, order, axis=1)
        still_none = np.cumprod(1 - ranked.astype(np.float64), axis=1)
        ranks[at:at + len(block)] = 1 + (still_none > LEAST_CHANCE).sum(axis=1)
        weights[at:at + len(block)] = ranked[:, :depth]
        videos[at:at + len(block)] = split.video_of[pool][order[:, :depth]]
    return Ranking(asked, weights, videos, misses[:, asked], np.minimum(ranks, max(len(pool), 1)))


def found_within(ranking: Ranking, first: int) -> Statistic:
    """Of the words that some picture shows, the share with a right one among the first. A picture drawn twice counts twice
    towards the first, as two copies of it would, and is right or wrong once.
    """
    def statistic(draws: Draws) -> NDArray[np.float64]:
        found = np.zeros(len(draws))
        for at in range(0, len(ranking.weights), WORDS_AT_ONCE):
            videos = ranking.videos[at:at + WORDS_AT_ONCE]
            drawn = draws[:, videos].astype(np.int16)
            seen = (drawn > 0) & (np.cumsum(drawn, axis=2, dtype=np.int16) - drawn < first)
            missed = np.where(seen, 1 - ranking.weights[at:at + WORDS_AT_ONCE], np.float32(1)).prod(axis=2)
            found += (1 - missed).sum(axis=1)
        there = -np.expm1((draws > 0) @ ranking.misses).sum(axis=1)
        return np.asarray(found / np.maximum(there, NEVER))
    return statistic


def calibration(split: FrozenSplit, answers: Answers, part: Slice) -> Statistic:
    """Expected calibration error of the probabilities shown: mean distance between what was said and how often it was right,
    over ten bins of equal width, by their number of answers.
    Source: Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015.
    """
    bins = _bins(split, answers, part)

    def statistic(draws: Draws) -> NDArray[np.float64]:
        many, said, right = (draws @ bins[..., which] for which in range(3))
        return np.asarray(np.abs(said - right).sum(axis=1) / np.maximum(many.sum(axis=1), NEVER))
    return statistic


def reliability(split: FrozenSplit, answers: Answers, part: Slice) -> list[tuple[int, float, float]]:
    """(answers, mean probability said, share right) of each bin that has any."""
    bins = _bins(split, answers, part).sum(axis=0)
    return [(int(many), said / many, right / many) for many, said, right in bins.tolist() if many]


def everything(split: FrozenSplit) -> Slice:
    return Slice("all", np.ones(len(split.videos), np.bool_), np.ones(len(split.words), np.bool_))


def measure(split: FrozenSplit, answers: Answers, part: Slice) -> dict[str, float]:
    """All figures of a part, 0-1, but for the counts and `median_rank`, which is in pictures; of a part of the words only
    those that are about words.
    """
    ranking, draws = rank(split, answers, part), once(len(split.videos))
    figures = {
        "precision_at_1": precision(split, answers, part, 1), "precision_at_5": precision(split, answers, part, BEST),
        "precision_at_1_ceiling": ceiling(split, part, 1), "precision_at_5_ceiling": ceiling(split, part, BEST),
        "calibration_error": calibration(split, answers, part)} if part.words.all() else {}
    figures |= {"recall_at_5": recall(split, answers, part), "r_at_1": found_within(ranking, 1),
                "r_at_10": found_within(ranking, 10)}
    counts = {
        "videos": part.size, "pictures": int(part.videos[split.video_of].sum()), "words_asked": len(ranking.words),
        "median_rank": float(np.median(ranking.ranks)) if len(ranking.ranks) else 0.0}
    return {**{name: round(float(statistic(draws)[0]), 6) for name, statistic in figures.items()}, **counts}


def per_video(split: FrozenSplit, answers: Answers) -> dict[str, NDArray[np.float64]]:
    """Figures of each video alone (V,), its words sought among its own pictures; nan where it has nothing to judge."""
    whole = everything(split)
    alone = np.eye(len(split.videos), dtype=np.int32)
    statistics = {
        "precision_at_1": precision(split, answers, whole, 1), "precision_at_5": precision(split, answers, whole, BEST),
        "recall_at_5": recall(split, answers, whole), "calibration_error": calibration(split, answers, whole)}
    labelled = np.isin(np.arange(len(split.videos)), split.video_of[split.pairs[0]])
    return {name: np.where(labelled, statistic(alone), np.nan) for name, statistic in statistics.items()}


def _bins(split: FrozenSplit, answers: Answers, part: Slice) -> NDArray[np.float64]:
    """(V, bins, 3): answers, sum of their probabilities, sum of how right they are."""
    picture, word, chance = answers.said
    right = split.weights(picture, word)
    videos, many = split.video_of[picture], len(split.videos)
    cell = videos.astype(np.int64) * BINS + np.minimum((chance * BINS).astype(np.int64), BINS - 1)
    sums = [np.bincount(cell, values, many * BINS) for values in (np.ones(len(cell)), chance, right)]
    return np.stack(sums, axis=1).astype(np.float64).reshape(many, BINS, 3) * part.videos[:, None, None]


def _by_video(split: FrozenSplit, part: Slice, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.bincount(split.video_of, values, len(split.videos)) * part.videos)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> Statistic:
    return lambda draws: (draws @ above) / np.maximum(draws @ below, NEVER)
