"""Geometry of the timeline, in px, from times."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.report.timeline import ROW_SECONDS, ROW_WIDTH, Spoken, draw_rows, rulers

PX_PER_SECOND = ROW_WIDTH / ROW_SECONDS  # where the rows are of ROW_SECONDS: here, videos of 20 and 40 s


def frame(number: int, start: float, end: float, dropped: str | None = None, repeats: int | None = None) -> dict[str, Any]:
    return {"frame": number, "timestamp": start, "end": end, "width": 640, "height": 360, "dropped": dropped,
            "duplicate_of": repeats}


def example(number: int, start: float, *labels: tuple[int, float]) -> dict[str, Any]:
    return {"frame": number, "timestamp": start, "until": start + 5.0,
            "labels": [{"label": "dog", "word_index": index, "weight": weight} for index, weight in labels]}


def word(index: int, start: float, why_not: str | None = None, text: str = "dog") -> dict[str, Any]:
    return {"word_index": index, "word": text, "lemma": text, "start": start, "why_not": why_not}


def line_end(spoken: Spoken) -> float:
    """x where the line meets the bar."""
    return float(spoken.line.split()[-2])


def test_a_word_is_joined_to_the_picture_with_the_greatest_weight() -> None:
    frames = [frame(0, 0.0, 5.0), frame(1, 5.0, 10.0)]
    rows = draw_rows(frames, [example(0, 0.0, (0, 0.3)), example(1, 5.0, (0, 0.8))], [word(0, 4.0)], 20.0, 1)
    assert 5.0 * PX_PER_SECOND <= line_end(rows[0].keys[0]) < 10.0 * PX_PER_SECOND
    assert rows[0].keys[0].weight == 0.8


def test_a_word_is_joined_to_the_showing_nearest_in_time() -> None:
    frames = [frame(0, 0.0, 5.0), frame(1, 5.0, 10.0), frame(2, 10.0, 15.0, "duplicate", 0)]
    rows = draw_rows(frames, [example(0, 0.0, (0, 0.8)), example(1, 5.0)], [word(0, 12.0)], 20.0, 1)
    assert 10.0 * PX_PER_SECOND <= line_end(rows[0].keys[0]) < 15.0 * PX_PER_SECOND


def test_a_word_whose_picture_lies_in_another_row_names_its_time() -> None:
    frames = [frame(0, 0.0, 10.0), frame(1, 10.0, 20.0), frame(2, 20.0, 30.0)]
    rows = draw_rows(frames, [example(0, 0.0, (0, 0.8)), example(1, 10.0), example(2, 20.0)], [word(0, 25.0)], 40.0, 2)
    (key,) = rows[1].keys
    assert (key.line, key.elsewhere) == ("", 0.0)


def test_a_word_said_again_near_its_picture_is_told_from_one_that_names_none() -> None:
    words = [word(0, 1.0), word(1, 6.0), word(2, 6.5, text="cat"), word(3, 19.0)]
    keys = draw_rows([frame(0, 0.0, 5.0)], [example(0, 0.0, (0, 0.8))], words, 20.0, 1)[0].keys
    assert [key.again for key in keys] == [False, True, False, False]  # joined; again; not its label; 14 s after the picture left


def test_a_key_word_of_no_picture_stands_alone() -> None:
    (key,) = draw_rows([frame(0, 0.0, 5.0)], [example(0, 0.0)], [word(0, 1.0)], 20.0, 1)[0].keys
    assert (key.weight, key.line, key.elsewhere) == (None, "", None)


def test_a_picture_still_on_screen_is_carried_into_the_next_row() -> None:
    rows = draw_rows([frame(0, 18.0, 26.0)], [example(0, 18.0)], [], 40.0, 2)
    (carried,) = rows[1].samples
    assert carried.continued
    assert (carried.x, carried.bar[0]) == (0.0, 0.0)
    assert 5.9 * PX_PER_SECOND < carried.bar[1] <= 6.0 * PX_PER_SECOND


def test_frames_sampled_too_densely_to_draw_keep_their_bars() -> None:
    frames = [frame(number, number / 4, (number + 1) / 4) for number in range(8)]  # 13.5 px apart
    samples = draw_rows(frames, [example(number, number / 4) for number in range(8)], [], 20.0, 1)[0].samples
    assert [sample.width for sample in samples[:-1]] == [0.0] * 7  # the last has room
    assert all(sample.bar[1] > 0 for sample in samples)


@pytest.mark.parametrize(("seconds", "count", "length"), [
    (3.0, 1, 10.0), (24.0, 1, 24.0), (35.0, 2, 17.5), (60.0, 3, 20.0), (101.0, 6, 20.0), (0.0, 1, 10.0),
])
def test_rows_are_equal_and_leave_no_stub_of_a_short_video(seconds: float, count: int, length: float) -> None:
    rows = rulers(seconds)
    assert (len(rows), rows[0].seconds) == (count, length)
    assert rows[-1].end >= seconds
    assert [row.start for row in rows] == [length * place for place in range(count)]


SPOKEN = st.tuples(st.floats(0, ROW_SECONDS - 0.01), st.booleans(), st.text("aw中", min_size=1, max_size=30))


@given(st.lists(SPOKEN, max_size=30))
def test_words_stand_at_their_time_and_never_on_each_other(spoken: list[tuple[float, bool, str]]) -> None:
    words = [word(index, start, None if key else "stopword", text)
             for index, (start, key, text) in enumerate(sorted(spoken))]
    (row,) = draw_rows([], [], words, ROW_SECONDS, 1)
    for placed, px in ((row.keys, 14.0), (row.words, 11.5)):
        for one in placed:
            assert one.x == pytest.approx(one.start * PX_PER_SECOND)
        lanes: dict[float, float] = {}
        for one in placed:
            narrowest = sum(1.0 if letter == "中" else 0.5 for letter in one.text) * px  # no common font draws letters narrower
            assert lanes.get(one.y, 0.0) <= one.x
            lanes[one.y] = one.x + narrowest
