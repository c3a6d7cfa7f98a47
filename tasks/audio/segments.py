"""Where to cut a sound track so that several recognisers can work on it and no word is cut in two."""

import numpy as np
from numpy.typing import NDArray

from tasks.audio.loudness import STEP_SECONDS
from tasks.params import AudioParams

STRETCH = 0.5  # a segment may be this much shorter or longer than asked for, to end in a silence
LEVEL_STEP_DB = 10.0  # places this much alike are equally quiet: the nearer one is taken


def loud_stretches(levels: NDArray[np.float64], duration: float, params: AudioParams) -> list[tuple[float, float]]:
    """Where something can be heard: (start, end) in seconds, in order.

    levels: dB below full scale, one a step, shape (steps,). Pauses shorter than `min_silence_seconds` do not count.
    """
    heard = np.flatnonzero(levels > params.silence_dbfs)
    if not len(heard):
        return []
    pause = round(params.min_silence_seconds / STEP_SECONDS)
    breaks = np.flatnonzero(np.diff(heard) > pause)
    starts = heard[np.r_[0, breaks + 1]] * STEP_SECONDS
    ends = (heard[np.r_[breaks, len(heard) - 1]] + 1) * STEP_SECONDS
    return [(round(float(a), 3), round(min(float(b), duration), 3)) for a, b in zip(starts, ends, strict=True)]


def cut_segments(levels: NDArray[np.float64], duration: float, params: AudioParams) -> list[tuple[float, float]]:
    """Segments that cover 0 to `duration`: (start, end) in seconds, in order.

    levels: dB below full scale, one a step, shape (steps,). Each cut falls in the quietest `min_silence_seconds` within
    half of `segment_seconds` of where it is due. Where that is no silence, the neighbours share `overlap_seconds` around it.
    """
    window = max(1, round(params.min_silence_seconds / STEP_SECONDS))
    power = np.convolve(10 ** (levels / 10), np.full(window, 1 / window), "same")
    quiet = 10 * np.log10(power)  # level around each step
    half = params.overlap_seconds / 2
    segments = []
    start = cut = 0.0
    while duration - cut > params.segment_seconds * (1 + STRETCH):
        first = round((cut + params.segment_seconds * (1 - STRETCH)) / STEP_SECONDS)
        last = round((cut + params.segment_seconds * (1 + STRETCH)) / STEP_SECONDS)
        due = round((cut + params.segment_seconds) / STEP_SECONDS)
        places = np.arange(first, min(last, len(quiet)))
        order = np.lexsort((places, np.abs(places - due), quiet[places] // LEVEL_STEP_DB))
        place = int(places[order[0]])
        cut = round((place + 0.5) * STEP_SECONDS, 3)
        shared = half if quiet[place] > params.silence_dbfs else 0.0
        segments.append((start, round(min(cut + shared, duration), 3)))
        start = round(max(cut - shared, 0.0), 3)
    segments.append((start, duration))
    return segments
