"""The first earlier hash within some bits of a new one: exact, by brute force while small, by a banded index beyond.

Norouzi, Punjani, Fleet, "Fast search in Hamming space with multi-index hashing", 2012: cut 64 bits into four bands; when
two hashes differ in at most r bits, some band of theirs differs in at most r // 4 (pigeonhole), so looking up every band
value that near finds all of them.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
BANDS, BAND_BITS = 4, 16
BAND_VALUES = 1 << BAND_BITS
MAX_FLIPS = 2  # beyond, a band has so many near values that brute force is as fast
TAIL_HASHES = 100_000  # an index pays only from here on
BLOCK_PAIRS = 1 << 20  # compared at once: 8 MB of differences


class HashIndex:
    """Hashes in the order they were added; adding costs by what is new and never touches what was sealed before."""

    def __init__(self, radius_bits: int, tail_hashes: int = TAIL_HASHES) -> None:
        """radius_bits: hashes this close are the same, 0-64. tail_hashes: as many are searched by brute force."""
        self._radius = radius_bits
        self._tail_hashes = tail_hashes if radius_bits // BANDS <= MAX_FLIPS else None
        self._runs: list[_Run] = []
        self._tail: Hashes = np.empty(0, np.uint64)
        self._sealed = 0

    def __len__(self) -> int:
        return self._sealed + len(self._tail)

    def add(self, hashes: Hashes) -> None:
        self._tail = np.concatenate([self._tail, hashes])
        if self._tail_hashes is not None and len(self._tail) > self._tail_hashes:
            self._runs.append(_Run.seal(self._tail, self._sealed))
            self._sealed += len(self._tail)
            self._tail = np.empty(0, np.uint64)

    def first_within(self, hashes: Hashes) -> NDArray[np.int64]:
        """For each hash the place (0 the first added) of the earliest one within the radius, or -1."""
        first = np.full(len(hashes), -1, np.int64)
        for run in self._runs:
            open_ = np.flatnonzero(first < 0)
            found = run.first_within(hashes[open_], self._radius)
            first[open_] = np.where(found < 0, -1, found + run.base)
        open_ = np.flatnonzero(first < 0)
        found = brute_force(self._tail, hashes[open_], self._radius)
        first[open_] = np.where(found < 0, -1, found + self._sealed)
        return first


def brute_force(known: Hashes, hashes: Hashes, radius_bits: int) -> NDArray[np.int64]:
    """For each hash the place of the first known one within the radius, or -1. Every pair is compared."""
    first = np.full(len(hashes), -1, np.int64)
    if not len(known):
        return first
    rows = max(1, BLOCK_PAIRS // len(known))
    for start in range(0, len(hashes), rows):
        near = np.bitwise_count(hashes[start:start + rows, None] ^ known) <= radius_bits
        first[start:start + rows] = np.where(near.any(axis=1), near.argmax(axis=1), -1)
    return first


@dataclass(frozen=True)
class _Run:
    """A sealed stretch of hashes with one table a band: `order` sorted by band value, `starts` where each value begins."""

    base: int
    hashes: Hashes
    order: tuple[NDArray[np.int64], ...]
    starts: tuple[NDArray[np.int64], ...]

    @classmethod
    def seal(cls, hashes: Hashes, base: int) -> "_Run":
        values = [_band(hashes, band) for band in range(BANDS)]
        counts = [np.bincount(value, minlength=BAND_VALUES) for value in values]
        return cls(
            base, hashes, tuple(np.argsort(value, kind="stable") for value in values),
            tuple(np.concatenate([[0], np.cumsum(count)]) for count in counts))

    def first_within(self, hashes: Hashes, radius_bits: int) -> NDArray[np.int64]:
        flips = _flips(radius_bits // BANDS)
        first = np.full(len(hashes), len(self.hashes), np.int64)
        sizes = np.zeros(len(hashes), np.int64)
        for band in range(BANDS):
            near = _band(hashes, band)[:, None] ^ flips
            sizes += (self.starts[band][near + 1] - self.starts[band][near]).sum(axis=1)
        crowded = sizes >= len(self.hashes)  # many alike: comparing all is cheaper than looking up most of them
        found = brute_force(self.hashes, hashes[crowded], radius_bits)
        first[crowded] = np.where(found < 0, len(self.hashes), found)
        rest = np.flatnonzero(~crowded)
        for block in np.array_split(rest, 1 + int(sizes[rest].sum()) // BLOCK_PAIRS):
            for band in range(BANDS):
                self._look_up(band, hashes, block, flips, radius_bits, first)
        return np.where(first == len(self.hashes), -1, first)

    def _look_up(self, band: int, hashes: Hashes, block: NDArray[np.int64], flips: NDArray[np.int64], radius_bits: int,
                 first: NDArray[np.int64]) -> None:
        """Lower `first` for the queries of a block to the earliest match that this band knows."""
        near = (_band(hashes[block], band)[:, None] ^ flips).ravel()
        begin = self.starts[band][near]
        count = self.starts[band][near + 1] - begin
        ends = np.cumsum(count)
        step = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - count, count)
        known = self.order[band][np.repeat(begin, count) + step]
        query = np.repeat(np.repeat(block, len(flips)), count)
        match = np.bitwise_count(self.hashes[known] ^ hashes[query]) <= radius_bits
        np.minimum.at(first, query[match], known[match])


def _band(hashes: Hashes, band: int) -> NDArray[np.int64]:
    return (hashes >> np.uint64(band * BAND_BITS) & np.uint64(BAND_VALUES - 1)).astype(np.int64)


def _flips(bits: int) -> NDArray[np.int64]:
    """Every 16-bit pattern of at most `bits` ones."""
    return np.array([
        sum(1 << bit for bit in chosen)
        for count in range(bits + 1) for chosen in itertools.combinations(range(BAND_BITS), count)], np.int64)
