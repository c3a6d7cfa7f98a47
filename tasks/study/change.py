"""How far a layer has moved from one version of a net to another, and whether its main directions are still the same."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_DIRECTIONS = 16

Matrix = NDArray[np.floating]


@dataclass(frozen=True)
class Change:
    """One layer. relative: norm of the difference over the norm before.

    directions: how many main directions (of the outputs) are compared. kept: mean squared cosine of the angles between the two
    subspaces, 1 where they are the same; by_chance: what two random subspaces would have. widest: the widest angle, in degrees.
    """

    name: str
    relative: float
    directions: int
    kept: float
    by_chance: float
    widest: float


def change_of(name: str, before: Matrix, after: Matrix, directions: int) -> Change:
    """Compare (rows, columns) with a later version of the same shape. directions: from 1 to MOST_DIRECTIONS are used."""
    count = max(1, min(directions, MOST_DIRECTIONS, *before.shape))
    cosines = np.clip(np.linalg.svd(_main(before, count).T @ _main(after, count), compute_uv=False), 0, 1)
    relative = np.linalg.norm(after - before) / max(float(np.linalg.norm(before)), 1e-30)
    return Change(name, float(relative), count, float((cosines**2).mean()), count / before.shape[0],
                  float(np.degrees(np.arccos(cosines.min()))))


def changes_between(
    before: Mapping[str, Matrix], after: Mapping[str, Matrix], outliers: Mapping[str, int],
) -> tuple[list[Change], list[str]]:
    """Of every layer that both have in one shape, and the names of the others. outliers: directions that stood out before."""
    same = [name for name in after if name in before and before[name].shape == after[name].shape]
    return ([change_of(name, before[name], after[name], outliers.get(name, 1)) for name in same],
            [name for name in after if name not in same])


def _main(matrix: Matrix, count: int) -> NDArray[np.float64]:
    """The main directions of the outputs: (rows, count), orthonormal."""
    left, _, _ = np.linalg.svd(np.asarray(matrix, np.float64), full_matrices=False)
    return np.asarray(left[:, :count])
