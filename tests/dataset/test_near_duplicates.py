"""Both ways of searching find exactly what comparing every pair finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.dataset.near_duplicates import Hashes, HashIndex, brute_force


def pairs_loop(known: Hashes, hashes: Hashes, radius_bits: int) -> list[int]:
    """The definition, one pair after the other."""
    return [
        next((at for at, other in enumerate(known.tolist()) if (other ^ value).bit_count() <= radius_bits), -1)
        for value in hashes.tolist()]


def neighbours(random: np.random.Generator, known: Hashes, count: int, most_bits: int) -> Hashes:
    """Known hashes with 0 .. most_bits bits flipped."""
    chosen = random.choice(known, count)
    for at in range(count):
        for bit in random.choice(64, random.integers(0, most_bits + 1), replace=False):
            chosen[at] ^= np.uint64(1 << int(bit))
    return chosen


@given(radius_bits=st.integers(0, 64), tail_hashes=st.sampled_from([5, 40, 1_000]), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_any_radius_and_any_way_of_adding_find_the_first_of_all_pairs(radius_bits: int, tail_hashes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    known = random.integers(0, 2**64, 120, np.uint64)
    known[60:] = neighbours(random, known[:60], 60, 8)  # so that several lie near and the first must win
    hashes = np.concatenate([neighbours(random, known, 40, 12), random.integers(0, 2**64, 10, np.uint64)])
    index = HashIndex(radius_bits, tail_hashes)
    for part in np.split(known, sorted(random.integers(0, 120, 6))):
        index.add(part)
    wanted = pairs_loop(known, hashes, radius_bits)
    assert index.first_within(hashes).tolist() == wanted
    assert brute_force(known, hashes, radius_bits).tolist() == wanted


def test_the_banded_index_equals_brute_force_beyond_its_threshold() -> None:
    random = np.random.default_rng(1)
    known = random.integers(0, 2**64, 100_001, np.uint64)
    known[50_000:51_000] = known[7]  # a crowded place
    hashes = np.concatenate([neighbours(random, known, 300, 8), known[7:8]])
    index = HashIndex(6)
    index.add(known)
    found = index.first_within(hashes)
    assert (found >= 0).sum() > 200
    np.testing.assert_array_equal(found, brute_force(known, hashes, 6))
    assert found[-1] == 7


@pytest.mark.parametrize(("bits", "same"), [(6, True), (7, False)])
def test_the_radius_is_inclusive(bits: int, same: bool) -> None:
    index = HashIndex(6, tail_hashes=0)  # banded from the first hash on
    index.add(np.array([0], np.uint64))
    spread = sum(1 << (9 * bit) for bit in range(bits))  # over all bands
    assert index.first_within(np.array([spread], np.uint64)).tolist() == ([0] if same else [-1])


def test_an_empty_index_knows_nothing() -> None:
    assert HashIndex(64).first_within(np.array([1, 2], np.uint64)).tolist() == [-1, -1]
