"""How rows are grouped into shards: by their own content, so that a change moves few of them.

Videos follow each other in list order. A shard is sealed after a video once it holds the target, or half the target and the
video's own hash says so (content-defined chunking: after a video is changed or forgotten, the cuts behind it fall where they
fell before). So the shards are a pure function of list and labels, new videos touch the open last shard of a split at most, and
building from nothing gives the same files.
"""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.dataset.duplicates import Decided

CUT_ONE_IN = 4  # videos, beyond half the target


@dataclass(frozen=True)
class Piece:
    """Rows of one video that lie in one shard.

    name: the video id; with `#part` where a video alone is longer than a shard.
    bytes: of pictures, as an estimate. may_end: a shard may be cut behind it.
    """

    name: str
    video: Decided
    frames: NDArray[np.int32]
    bytes: int
    may_end: bool


def cut_pieces(video: Decided, target_bytes: int) -> list[Piece]:
    """The rows of a video, in as many pieces as it takes to fit into shards; none when it has no rows."""
    frames = video.kept
    if not len(frames):
        return []
    size = video.content.facts["picture_bytes"] * len(frames) / len(video.content.frames)
    count = max(1, math.ceil(size / target_bytes))
    may_end = hashlib.blake2b(video.id.encode()).digest()[0] % CUT_ONE_IN == 0
    names = [f"{video.id}#{part}" for part in range(count)] if count > 1 else [video.id]
    return [
        Piece(name, video, some, math.ceil(size / count), may_end and name == names[-1])
        for name, some in zip(names, np.array_split(frames, count), strict=True) if len(some)]


def group_pieces(pieces: Iterable[Piece], target_bytes: int) -> list[list[Piece]]:
    """Consecutive pieces by shard; only the last shard is still open."""
    shards: list[list[Piece]] = [[]]
    size = 0
    for piece in pieces:
        shards[-1].append(piece)
        size += piece.bytes
        if size >= target_bytes or (piece.may_end and 2 * size >= target_bytes):
            shards.append([])
            size = 0
    return [shard for shard in shards if shard]
