"""Words to pictures: those that show every word asked for come first.

Each word gives each picture a calibrated probability. Their product ranks, so more words narrow: a picture that lacks one of them
falls behind one that shows some of each. A word counts as at least MISSED, though: nets overlook the second thing in a picture,
and without that floor a word that was overlooked outweighs all the others (measured: docs/search.md).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.search.index import Index
from tasks.search.words import Term

FEWEST_EXACT = 200  # best pictures by the 8-bit vectors, ranked again by the exact ones
MISSED = 0.05  # the chance that a word is there of which the net sees nothing
MAX_ODDS = 80.0  # whose exponential float32 still holds

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """A picture that was found. chances: for each term, the probability that the picture shows it.

    seconds: where in its video. url: the address or path of the video. shard, row: where the picture lies.
    """

    video_id: str
    title: str
    url: str
    seconds: float
    chances: tuple[float, ...]
    shard: Path
    row: int


def find_pictures(index: Index, terms: Sequence[Term], *, results: int, per_video: int) -> list[Found]:
    """The best pictures for all terms together, best first; at most `per_video` of one video (0: any number)."""
    directions = np.stack([term.vector for term in terms], axis=1)
    factors, intercepts, weights = np.asarray([(term.factor, term.intercept, term.weight) for term in terms], np.float32).T
    rough = score(factors * index.cosines(directions) + intercepts - index.offsets[:, None], weights)
    many = min(len(index), max(FEWEST_EXACT, 10 * results))
    while True:
        best = np.argpartition(-rough, many - 1)[:many] if many < len(index) else np.arange(len(index))
        odds = factors * (index.exact(best) @ directions) + intercepts - index.offsets[best, None]
        order = np.lexsort((best, -score(odds, weights)))  # equal ones: in order of the dataset
        chosen = list(_some_of_each(index.owners[best[order]], results, per_video))
        if len(chosen) == results or many == len(index):
            break
        many = min(len(index), 8 * many)  # one video crowded out the others
    return [_found(index, int(best[place]), odds[place]) for place in order[chosen]]


def score(odds: Vectors, weights: Vectors) -> Vectors:
    """The logarithm of the product of MISSED + probability, each to the power of its weight: (N, k) log odds -> (N,).

    Less a constant, so that small probabilities keep their digits.
    """
    return np.asarray(np.log1p(1 / (MISSED + MISSED * np.exp(-np.clip(odds, -MAX_ODDS, MAX_ODDS)))) @ weights)


def _some_of_each(owners: NDArray[np.int32], results: int, per_video: int) -> Iterator[int]:
    """Places of the first `results` pictures, at most `per_video` of one owner."""
    seen: Counter[int] = Counter()
    for place, owner in enumerate(owners.tolist()):
        if sum(seen.values()) == results:
            return
        if not per_video or seen[owner] < per_video:
            seen[owner] += 1
            yield place


def _found(index: Index, picture: int, odds: Vectors) -> Found:
    piece, at = index.place(picture)
    video = piece.videos[piece.owners[at]]
    chances = 1 / (1 + np.exp(-np.clip(odds, -MAX_ODDS, MAX_ODDS)))
    return Found(video.id, video.title, video.url, float(piece.timestamps[at]), tuple(chances.tolist()), piece.shard,
                 int(piece.rows[at]))


def percent(chance: float) -> str:
    """A chance in whole per cent; never 100 % or 0 %, which would be promises."""
    return ">99%" if chance > 0.99 else "<1%" if chance < 0.01 else f"{chance:.0%}"


def moment_address(url: str, seconds: float) -> str:
    """Where a person can watch the moment: an address that starts there, or the path as it is."""
    if not url.startswith(("https://", "http://")):
        return url
    base, _, fragment = url.partition("#")
    if "youtube.com/watch" in base or "youtu.be/" in base:
        return f"{base}{'&' if '?' in base else '?'}t={int(seconds)}s"
    return url if fragment else f"{base}#t={int(seconds)}"  # W3C media fragment; most players take it
