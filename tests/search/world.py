"""Indices made by hand, and a net whose answers are known beforehand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.nets.store import Calibration, TrainedNet
from tasks.nets.towers import NetSpec, Towers
from tasks.search.index import Index, Indexed, Piece, piece_arrays
from tasks.search.words import Words

COLOURS = ("blue", "green", "red")
Vectors = NDArray[np.float32]


def unit(vectors: object) -> Vectors:
    array = np.asarray(vectors, np.float32)
    return np.asarray(array / np.linalg.norm(array, axis=-1, keepdims=True), np.float32)


def random_unit(count: int, dimensions: int, seed: int = 0) -> Vectors:
    return unit(np.random.default_rng(seed).standard_normal((count, dimensions), dtype=np.float32))


def make_index(vectors: Vectors, owners: Sequence[int] | None = None, pieces: int = 1) -> Index:
    """Pictures with these vectors, three seconds apart, of the videos numbered in `owners` (each its own), in some shards."""
    every = np.arange(len(vectors)) if owners is None else np.asarray(owners)
    made = []
    for number, part in enumerate(np.array_split(np.arange(len(vectors)), pieces)):
        names, codes = np.unique(every[part], return_inverse=True)
        videos = tuple(Indexed(f"site_{name}", f"https://example.org/{name}", f"About {name}") for name in names)
        arrays = piece_arrays(np.arange(len(part), dtype=np.int32), codes.astype(np.int32), 3 * part.astype(np.float64),
                              np.zeros(len(part), np.float32), vectors[part])
        made.append(Piece(Path(f"train-{number:05d}.parquet"), videos, **arrays))
    return Index(tuple(made))


def make_words(vocabulary: Sequence[str], vectors: Vectors, factor: float = 8.0, intercept: float = -4.0) -> Words:
    return Words(tuple(vocabulary), factor, vectors, np.full(len(vocabulary), intercept, np.float32))


class ColourNet(TrainedNet):
    """Sees the mean colour of a picture, and knows three words for it: dimension 0 is red, 1 green, 2 blue."""

    def embed_pictures(self, pictures: NDArray[np.uint8]) -> Vectors:
        return unit(pictures.reshape(len(pictures), -1, 3).mean(axis=1) + 0.01)

    def embed_words(self, words: Sequence[str]) -> Vectors:
        known = {"red": [1, 0, 0], "green": [0, 1, 0], "blue": [0, 0, 1]}
        return np.stack([unit(known.get(word, [-1, -1, -1])) for word in words])


def colour_net() -> ColourNet:
    spec = NetSpec("small", 32, 4, 3, 64)
    return ColourNet(spec, Towers(spec), COLOURS, Calibration(1.0, (3.0, 3.0, 3.0)))
