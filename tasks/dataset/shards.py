"""How rows are grouped into shards: by their own content, so that a change moves few of them.

Videos follow each other in list order. Once a shard could hold the target, it is cut behind one of the videos at which it held
between a third of the target and all of it: the one whose id has the smallest hash (content-defined chunking by minimum). So
the shards are a pure function of list and labels, and building from nothing gives the same files; new videos touch the open
last shard of a split only; and after a video is changed or forgotten, the cuts behind it soon fall where they fell before (in a
simulation of 1,000 videos, 1.2 shards differ on average and 2 in 95 % of cases).
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.dataset.duplicates import Decided

MIN_SHARE = 3  # a shard holds at least the third part of the target


@dataclass(frozen=True)
class Piece:
    """Rows of one video that lie in one shard.

    name: the video id; with `#part` where a video alone is longer than a shard.
    picture_bytes: as an estimate. rank: among several places to cut, the least wins.
    """

    name: str
    video: Decided
    frames: NDArray[np.int32]
    picture_bytes: int
    rank: bytes


def cut_pieces(video: Decided, target_bytes: int) -> list[Piece]:
    """The rows of a video, in as many pieces as it takes to fit into shards; none when it has no rows."""
    frames = video.kept
    if not len(frames):
        return []
    size = video.content.facts["picture_bytes"] * len(frames) / len(video.content.frames)
    count = max(1, math.ceil(size / target_bytes))
    names = [f"{video.id}#{part}" for part in range(count)] if count > 1 else [video.id]
    return [
        Piece(name, video, some, math.ceil(size / count), hashlib.blake2b(name.encode(), digest_size=8).digest())
        for name, some in zip(names, np.array_split(frames, count), strict=True) if len(some)]


def group_pieces(pieces: Sequence[Piece], target_bytes: int) -> list[Sequence[Piece]]:
    """Consecutive pieces by shard; only the last shard may still be open."""
    shards = []
    start = 0
    while start < len(pieces):
        end = _end_of_shard(pieces, start, target_bytes)
        shards.append(pieces[start:end])
        start = end
    return shards


def _end_of_shard(pieces: Sequence[Piece], start: int, target_bytes: int) -> int:
    size, best = 0, start
    for at in range(start, len(pieces)):
        may_end = MIN_SHARE * size >= target_bytes
        size += pieces[at].picture_bytes
        if not may_end or pieces[at].rank < pieces[best].rank:
            best = at
        if size >= target_bytes:
            return best + 1
    return len(pieces)
