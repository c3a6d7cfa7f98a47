"""Which videos judges are trained on, and which judge never saw which video: by channel and re-upload, never by picture."""

from collections.abc import Sequence

import numpy as np

from tasks.dataset.duplicates import Judge as DuplicateJudge
from tasks.dataset.labels import Fingerprinted, read_labelled

GROWTH = 1.5  # a list half as long again is worth new judges; until then a video more costs one look at it


def cohort_size(labelled: int, first: int, most: int) -> int:
    """The largest of first, 1.5 first, 2.25 first ... that is at most `labelled` and `most`; 0 when there is none."""
    size, following = 0, first
    while following <= min(labelled, most):
        size, following = following, int(following * GROWTH)
    return size


def fold_units(videos: Sequence[Fingerprinted], groups: Sequence[str]) -> list[int]:
    """A number for each video; those of one channel or one duplicate group share it, and so on through either.

    Where all would be one unit, as with a single channel, duplicate groups alone count.
    """
    channels = [[f"channel {one.video.channel}"] if one.video.channel else [] for one in videos]
    again = [[f"group {group}"] for group in groups]
    units = _connected([a + b for a, b in zip(channels, again, strict=True)])
    return units if len(set(units)) > 1 else _connected(again)


def assign_folds(units: Sequence[int], folds: int) -> list[int]:
    """The fold of each video, fewest `folds` and as even as whole units allow: the largest unit first, to the emptiest fold."""
    names, sizes = np.unique(np.array(units, dtype=np.int64), return_counts=True)
    filled = np.zeros(min(folds, len(names)), dtype=np.int64)
    fold_of = {}
    for at in np.lexsort((names, -sizes)):
        fold_of[int(names[at])] = int(filled.argmin())
        filled[filled.argmin()] += sizes[at]
    return [fold_of[unit] for unit in units]


def duplicate_groups(videos: Sequence[Fingerprinted], duplicate_bits: int) -> list[str]:
    """The first video of each video's duplicate group, as the dataset has them. Labels are read without their pictures."""
    judge = DuplicateJudge(duplicate_bits)
    return [judge.decide(one.video.id, "", read_labelled(one.examples.parent, one)).group for one in videos]


def _connected(names: Sequence[Sequence[str]]) -> list[int]:
    """Numbers of the connected parts, in order of first appearance."""
    parent = list(range(len(names)))
    owner: dict[str, int] = {}
    for at, mine in enumerate(names):
        for name in mine:
            first, second = sorted((_root(parent, at), _root(parent, owner.setdefault(name, at))))
            parent[second] = first
    return [_root(parent, at) for at in range(len(names))]


def _root(parent: list[int], at: int) -> int:
    while parent[at] != at:
        at = parent[at]
    return at
