from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.audio.loudness import STEP_SECONDS
from tasks.audio.segments import cut_segments, loud_stretches
from tests.audio.params import AUDIO

SPEECH, SILENCE = -20.0, -60.0


def levels(*stretches: tuple[float, float]) -> NDArray[np.float64]:
    """Levels from (seconds, dBFS) in order."""
    return np.concatenate([np.full(round(seconds / STEP_SECONDS), level) for seconds, level in stretches])


def test_short_sound_is_one_segment() -> None:
    assert cut_segments(levels((25.0, SPEECH)), 25.0, AUDIO) == [(0.0, 25.0)]


def test_a_cut_falls_into_the_silence_nearest_to_where_it_is_due() -> None:
    sound = levels((13, SPEECH), (1, SILENCE), (4.5, SPEECH), (1, SILENCE), (20.5, SPEECH))
    (_, first_end), (second_start, _) = cut_segments(sound, 40.0, AUDIO)
    assert 18.5 < first_end < 19.5
    assert second_start == first_end


def test_without_a_silence_neighbours_share_the_overlap() -> None:
    segments = cut_segments(levels((60, SPEECH)), 60.0, AUDIO)
    assert len(segments) == 3
    assert all(round(left[1] - right[0], 3) == AUDIO.overlap_seconds for left, right in pairwise(segments))


def test_sound_quiet_throughout_is_cut_where_it_is_quietest() -> None:
    sound = levels((15, -55.0), (1, -90.0), (24, -55.0))
    assert 15.0 < cut_segments(sound, 40.0, AUDIO)[0][1] < 16.0


@given(st.lists(st.tuples(st.floats(0.05, 30), st.sampled_from([SPEECH, SILENCE, -96.0])), min_size=1, max_size=20))
def test_segments_cover_the_sound_without_a_hole_and_stay_near_the_length_asked_for(stretches: list[tuple[float, float]]) -> None:
    sound = levels(*stretches)
    duration = round(len(sound) * STEP_SECONDS, 3)
    segments = cut_segments(sound, duration, AUDIO)
    assert segments[0][0] == 0.0
    assert segments[-1][1] == duration
    longest = 1.5 * AUDIO.segment_seconds + AUDIO.overlap_seconds + STEP_SECONDS
    for start, end in segments:
        assert start < end or duration == 0
        assert end - start <= longest
    for left, right in pairwise(segments):
        assert left[0] < right[0] <= left[1] < right[1]


def test_loud_stretches_bridge_short_pauses_only() -> None:
    sound = levels((1, SILENCE), (1, SPEECH), (0.2, SILENCE), (1, SPEECH), (0.5, SILENCE), (1, SPEECH))
    assert loud_stretches(sound, 4.7, AUDIO) == [(1.0, 3.2), (3.7, 4.7)]
    assert loud_stretches(levels((3, SILENCE)), 3.0, AUDIO) == []
