import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tasks.frames.hashing import dct_hashes, hash_distances, near_pairs, reference_hash
from tests.frames.clips import scene


def grey(seed: int) -> np.ndarray:
    return np.asarray(Image.fromarray(scene(seed, 320, 180)).convert("L").resize((32, 32), Image.Resampling.BOX))


def test_the_hash_is_within_two_bits_of_imagehash_on_plain_pictures() -> None:
    hashes, _ = dct_hashes(np.stack([grey(seed) for seed in range(50)]))
    reference = [reference_hash(Image.fromarray(scene(seed, 320, 180))) for seed in range(50)]
    assert hash_distances(hashes, np.array(reference, np.uint64)).mean() < 2


def test_the_reference_hash_reads_as_imagehash_prints_it() -> None:
    image = Image.fromarray(scene(1, 320, 180))
    assert f"{reference_hash(image):016x}" == str(imagehash.phash(image))


def test_a_brighter_copy_has_the_same_bits() -> None:
    picture = grey(0) // 2
    hashes, flat = dct_hashes(np.stack([picture, picture + 40, picture + 90]))
    assert not flat.any()
    assert len(set(hashes.tolist())) == 1


def test_flat_pictures_are_marked_for_their_bits_are_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 2, (32, 32))
    ramp = np.add.outer(np.arange(32), np.arange(32) * 3)  # two waves: all other coefficients are nothing
    pictures = np.stack([np.full((32, 32), 90), 90 + noise, ramp, grey(0)]).astype(np.uint8)
    assert dct_hashes(pictures)[1].tolist() == [True, True, True, False]


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(n, 32, 32\)"):
        dct_hashes(np.zeros((1, 16, 16), np.uint8))


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.integers(0, 64))
def test_near_pairs_are_those_of_a_plain_double_loop(values: list[int], radius: int) -> None:
    hashes = np.array(values, np.uint64)
    expected = [[i, j] for i in range(len(values)) for j in range(i + 1, len(values))
                if (values[i] ^ values[j]).bit_count() <= radius]
    assert near_pairs(hashes, radius).tolist() == expected


def test_near_pairs_are_found_across_blocks_and_in_order() -> None:
    hashes = np.random.default_rng(0).integers(0, 2**64, 5000, dtype=np.uint64)
    hashes[[4999, 2100]] = hashes[3]
    assert near_pairs(hashes, 0).tolist() == [[3, 2100], [3, 4999], [2100, 4999]]
