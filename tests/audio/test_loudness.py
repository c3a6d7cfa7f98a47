import math

import numpy as np
import pytest

from tasks.audio.loudness import FLOOR_DBFS, LoudnessMeter

RATE = 16_000


def sine(seconds: float, amplitude: float) -> bytes:
    times = np.arange(round(seconds * RATE)) / RATE
    return np.round(amplitude * 32767 * np.sin(2 * np.pi * 400 * times)).astype("<i2").tobytes()


def test_a_full_scale_sine_is_three_decibels_below_full_scale() -> None:
    meter = LoudnessMeter(RATE)
    meter.add(sine(2, 1.0))
    assert meter.loudness_dbfs() == pytest.approx(20 * math.log10(1 / math.sqrt(2)), abs=0.01)
    assert meter.levels() == pytest.approx(np.full(40, -3.01), abs=0.05)


def test_digital_silence_has_no_loudness() -> None:
    meter = LoudnessMeter(RATE)
    meter.add(bytes(2 * RATE))
    assert meter.loudness_dbfs() is None
    assert set(meter.levels()) == {FLOOR_DBFS}


def test_levels_do_not_depend_on_the_size_of_the_blocks() -> None:
    sound = sine(1, 0.5) + bytes(RATE) + sine(0.77, 0.1)
    whole, pieces = LoudnessMeter(RATE), LoudnessMeter(RATE)
    whole.add(sound)
    for start in range(0, len(sound), RATE // 2):  # a quarter of a second each
        pieces.add(sound[start:start + RATE // 2])
    assert pieces.levels() == pytest.approx(whole.levels())
    assert pieces.seconds == whole.seconds == 2.27
