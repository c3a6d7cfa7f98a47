"""Is this picture one the video has already shown? Decided picture by picture, so that nothing waits in memory."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.frames.hashing import hash_distances
from tasks.frames.picture import Look

# Beyond `duplicate_bits`: a zoom or a caption moves more bits, and the cheaper hash lies up to 2 bits off imagehash.
EXTRA_BITS = 8
MAX_COMPARED = 12
# Differences of luma, 0-255, that coding alone explains: over the picture, and in any block of it.
SAME_MEAN = 1.5
SAME_BLOCK = 10.0
FINE_PX, COARSE_PX = 8, 16
# On generated videos another object on the same background left a coarse block below 0.6, and a repeat that was made
# brighter, darker or noisier none below 0.95.
BLOCK_SSIM = 0.7
MAX_CHROMA = 20  # of the 4 x 4 grid: another colour is another picture, however alike in grey
# Captions come and go below; only the mean similarity counts there.
ABOVE_CAPTIONS = 0.8  # of the height
CAPTION_ROW = -1  # of the 4 x 4 grid
MAX_GAIN = 2.0
FLAT_LUMA = 12.0  # between two flat pictures: nothing but their brightness tells them apart


@dataclass
class Kept:
    """The pictures kept so far, by frame number."""

    duplicate_bits: int
    ssim_min: float
    frames: list[int] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(256, np.uint64))
    flat: NDArray[np.bool_] = field(default_factory=lambda: np.empty(256, np.bool_))

    def add(self, frame: int, look: Look) -> None:
        if len(self.frames) == len(self.hashes):
            self.hashes = np.concatenate([self.hashes, np.empty_like(self.hashes)])
            self.flat = np.concatenate([self.flat, np.empty_like(self.flat)])
        self.hashes[len(self.frames)], self.flat[len(self.frames)] = look.phash, look.flat
        self.frames.append(frame)
        self.looks.append(look)

    def find(self, look: Look) -> int | None:
        """The kept frame that this picture repeats, the nearest by hash first; None when it is new."""
        distances = hash_distances(self.hashes[:len(self.frames)], look.phash).astype(np.int64)
        if look.flat:
            distances[self.flat[:len(distances)]] = 0  # the bits of flat pictures say nothing: compare them all
        near = np.argsort(distances, kind="stable")[:MAX_COMPARED]
        positions: list[int] = near[distances[near] <= self.duplicate_bits + EXTRA_BITS].tolist()
        for position in positions:
            if same_picture(look, self.looks[position], self.ssim_min):
                return self.frames[position]
        return None


def same_picture(a: Look, b: Look, ssim_min: float) -> bool:
    """Do two looks show the same thing, apart from coding, brightness and small captions?"""
    if a.small.shape != b.small.shape:
        return False
    if np.abs(a.layout[:CAPTION_ROW, :, 1:].astype(int) - b.layout[:CAPTION_ROW, :, 1:]).max() > MAX_CHROMA:
        return False
    difference = a.small.astype(np.float32) - b.small
    if np.abs(difference).mean() <= SAME_MEAN and np.abs(_blocks(difference, FINE_PX)).max() <= SAME_BLOCK:
        return True
    if a.flat and b.flat and abs(a.luma - b.luma) > FLAT_LUMA:
        return False
    similarity = _ssim_map(a, b)
    picture = similarity[:math.ceil(len(similarity) * ABOVE_CAPTIONS)]
    return bool(similarity.mean() >= ssim_min and _blocks(picture, COARSE_PX).min() >= BLOCK_SSIM)


def _ssim_map(a: Look, b: Look) -> NDArray[np.float32]:
    """Local structural similarity after b was given a's brightness and contrast, (height, width).

    Source: Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004.
    """
    from skimage.metrics import structural_similarity

    gain = np.float32(np.clip(a.contrast / max(b.contrast, 1e-3), 1 / MAX_GAIN, MAX_GAIN))
    first = a.small.astype(np.float32)
    second = (b.small.astype(np.float32) - np.float32(b.luma)) * gain + np.float32(a.luma)
    _, similarity = structural_similarity(first, second, data_range=255, full=True)  # type: ignore[no-untyped-call]
    return np.asarray(similarity)


def _blocks(values: NDArray[np.float32], px: int) -> NDArray[np.float32]:
    """Means of square blocks of `px`, (rows, columns); the last row and column reach a little into their neighbours."""
    rows, columns = (sorted({*range(0, size - px, px), max(size - px, 0)}) for size in values.shape)
    summed = np.pad(values.cumsum(0, dtype=np.float64).cumsum(1), ((1, 0), (1, 0)))
    high, wide = (min(px, size) for size in values.shape)
    top, left = np.ix_(rows, columns)
    total = summed[top + high, left + wide] - summed[top, left + wide] - summed[top + high, left] + summed[top, left]
    return np.asarray(total / (high * wide), dtype=np.float32)
