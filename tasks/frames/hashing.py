"""Perceptual hashes: 64 bits that barely move when a picture is resized, recompressed or made brighter.

`dct-grey32-v1` takes a 32 x 32 grey picture from the decoder's own scaler and a matrix DCT, so it is close to
`imagehash.phash` and far cheaper, but not bit-identical; hence a name of its own. Raise the version in the name when
the same picture would give other bits.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX = 32
HASH_SIDE = 8
# Orthonormal DCT coefficients smaller than this are rounding and coding noise, not picture.
NOISE = 1.5
BLOCK_ROWS, BLOCK_COLUMNS = 64, 1024


def _dct_matrix(rows: int, size: int) -> NDArray[np.float64]:
    """The first `rows` basis vectors of the orthonormal DCT-II, (rows, size)."""
    k, n = np.arange(rows)[:, None], np.arange(size)[None, :]
    basis = np.cos(np.pi * k * (2 * n + 1) / (2 * size)) * np.sqrt(2 / size)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, dtype=np.float64)


DCT = _dct_matrix(HASH_SIDE, SIDE_PX)
BIT_WEIGHTS = np.uint64(1) << np.arange(HASH_SIDE * HASH_SIDE - 1, -1, -1, dtype=np.uint64)


def dct_hashes(grey: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Hash grey pictures: bit = coefficient above the median of the lowest 8 x 8; first coefficient in the highest bit.

    grey: (n, 32, 32), values 0-255.
    Returns (hashes, flat), (n,) each; flat marks pictures so even that most bits of their hash are noise.
    Source: pHash, C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010.
    """
    if grey.shape[1:] != (SIDE_PX, SIDE_PX):
        raise ValueError(f"expected (n, {SIDE_PX}, {SIDE_PX}), got {grey.shape}")
    low = (DCT @ grey.astype(np.float64) @ DCT.T).reshape(len(grey), -1)
    median = np.median(low, axis=1, keepdims=True)
    flat = np.median(np.abs(low - median), axis=1) < NOISE
    return _pack(low > median), flat


def reference_hash(image: Image.Image) -> int:
    """`imagehash.phash` of an RGB picture, as an int whose 16 hex digits are the library's own text."""
    import imagehash

    return int(_pack(imagehash.phash(image).hash.reshape(1, -1))[0])


def _pack(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    return np.asarray((bits * BIT_WEIGHTS).sum(axis=1, dtype=np.uint64))


def hash_distances(hashes: NDArray[np.uint64], other: int | NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Differing bits between hashes, 0-64; broadcasts as numpy does."""
    return np.asarray(np.bitwise_count(hashes ^ np.asarray(other, dtype=np.uint64)))


def near_pairs(hashes: NDArray[np.uint64], radius: int) -> NDArray[np.int64]:
    """Every pair within `radius` bits, as (pairs, 2) positions, the smaller first, in order.

    Exact: all pairs are compared, in blocks that stay in the processor's cache.
    """
    found = [np.empty((0, 2), np.int64)]
    for top in range(0, len(hashes), BLOCK_ROWS):
        rows = [_near_block(hashes, top, left, radius) for left in range(top, len(hashes), BLOCK_COLUMNS)]
        pairs = np.concatenate(rows)
        found.append(pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])
    return np.concatenate(found)


def _near_block(hashes: NDArray[np.uint64], top: int, left: int, radius: int) -> NDArray[np.int64]:
    differing = hashes[top:top + BLOCK_ROWS, None] ^ hashes[None, left:left + BLOCK_COLUMNS]
    near = np.bitwise_count(differing) <= radius
    if not near.any():
        return np.empty((0, 2), np.int64)
    pairs = np.argwhere(near) + np.array((top, left))
    return np.asarray(pairs[pairs[:, 0] < pairs[:, 1]])
