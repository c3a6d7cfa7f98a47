import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.alignment.align import align
from tasks.alignment.calibration import read_calibration
from tasks.params import AlignmentParams
from tasks.schema import EXAMPLES
from tests.alignment.by_hand import frames_of, words_of

EVERYTHING = AlignmentParams(window_seconds=8, min_weight=0)
FOUR = [(0, "a"), (10, "b"), (20, "c"), (30, "d")]  # pictures of ten seconds


def labels(words: pa.Table, frames: pa.Table, params: AlignmentParams = EVERYTHING) -> list[dict[str, dict[str, Any]]]:
    """Of each kept frame, its labels by name."""
    return [{label["label"]: label for label in row["labels"]} for row in align(words, frames, params).to_pylist()]


def test_offset_is_positive_for_what_is_said_after_the_picture_and_zero_while_it_is_shown() -> None:
    first, second, third, _ = labels(words_of([(16, "cup")]), frames_of(FOUR, 40))
    assert first["cup"]["offset_seconds"] == 6
    assert second["cup"]["offset_seconds"] == 0
    assert third["cup"]["offset_seconds"] == -4
    assert second["cup"]["start"] == pytest.approx(15.8)  # spoken time stays as heard


def test_a_word_beyond_the_window_of_a_picture_is_no_label_of_it() -> None:
    assert [sorted(row) for row in labels(words_of([(16, "cup")]), frames_of(FOUR, 40),
                                          AlignmentParams(window_seconds=5, min_weight=0))] == [[], ["cup"], ["cup"], []]


def test_mentions_of_one_lemma_are_one_label_with_their_count() -> None:
    first, second, *_ = labels(words_of([(3, "cup"), (8, "cup"), (15, "cup")]), frames_of(FOUR, 40))
    assert first["cup"]["count"] == 3  # 15 s is 5 s after the first picture
    assert second["cup"]["count"] == 3
    assert first["cup"]["word_index"] == 0


def test_words_that_are_no_key_words_label_nothing() -> None:
    assert labels(words_of([(5, "the")], why_not="stopword"), frames_of(FOUR, 40)) == [{}, {}, {}, {}]


def test_a_word_said_again_while_the_picture_stays_weighs_more() -> None:
    once, *_ = labels(words_of([(3, "cup"), (25, "dog")]), frames_of(FOUR, 40))
    twice, *_ = labels(words_of([(3, "cup"), (7, "cup"), (25, "dog")]), frames_of(FOUR, 40))
    assert twice["cup"]["weight"] > once["cup"]["weight"]


def test_a_word_said_everywhere_weighs_less_than_one_said_here_only() -> None:
    here = [(13, "cup"), (17, "cup")]
    everywhere = [(time, "nice") for time in range(2, 400, 5)]
    _, second, *_ = labels(words_of(sorted(here + everywhere)), frames_of([*FOUR, (40, "e")], 400))
    assert second["cup"]["weight"] > 3 * second["nice"]["weight"]
    assert second["nice"]["count"] > second["cup"]["count"]


def test_the_picture_shown_while_a_word_was_said_is_the_likeliest() -> None:
    rows = labels(words_of([(15, "cup")]), frames_of(FOUR, 40))
    assert max(rows, key=lambda row: row.get("cup", {"weight": 0})["weight"]) is rows[1]


def test_a_word_the_recogniser_doubts_weighs_less() -> None:
    sure, *_ = labels(words_of([(3, "cup")]), frames_of(FOUR, 40))
    doubtful, *_ = labels(words_of([(3, "cup")], confidence=0.5), frames_of(FOUR, 40))
    assert doubtful["cup"]["weight"] < sure["cup"]["weight"]


def test_every_picture_of_a_shot_gets_the_names_of_the_shot() -> None:
    frames = frames_of([(0, "a"), (5, "a2"), (10, "b")], 20)
    first, second, _ = labels(words_of([(1, "cup"), (2, "cup")]), frames)
    assert first["cup"]["weight"] == second["cup"]["weight"]
    assert second["cup"]["offset_seconds"] == -3


def narrated(lag: float, pictures: int = 24, seed: int = 0) -> tuple[pa.Table, pa.Table]:
    """Pictures of 4-7 s, each with its name said two times `lag` seconds late, and as many words about nothing shown."""
    r = random.Random(seed)
    shown, said, time = [], [], 0.0
    for at in range(pictures):
        end = time + r.uniform(4, 7)
        shown.append((time, f"{chr(0x4e00 + at)}"))
        said += [(r.uniform(time, end) + lag, f"name{at}") for _ in range(2)]
        said += [(r.uniform(time, end) + lag, f"other{r.randrange(40)}") for _ in range(2)]
        time = end
    return words_of(sorted((middle, word) for middle, word in said if 0.2 < middle < time - 0.2)), frames_of(shown, time)


@pytest.mark.parametrize("lag", [-4.3, 0.0, 2.6])
def test_a_lag_that_the_words_tell_is_found_and_the_names_with_it(lag: float) -> None:
    table = align(*narrated(lag), EVERYTHING)
    rows = table.to_pylist()
    assert rows[0]["video_offset_seconds"] == pytest.approx(lag, abs=0.3)
    assert rows[0]["video_offset_confidence"] > 0.95
    inner = range(2, 22)  # at the ends, what was said lies outside the video
    assert sum(rows[at]["labels"][0]["label"] == f"name{at}" for at in inner) >= 18


def test_words_at_random_tell_no_lag() -> None:
    """At most the share of false offsets the threshold allows, give or take: 5 % of 60 is 3."""
    given_offsets = 0
    for seed in range(60):
        words, frames = narrated(0.0, pictures=12, seed=seed)
        r = random.Random(seed)
        shuffled = r.sample(words["lemma"].to_pylist(), len(words))
        mixed = words.set_column(words.column_names.index("lemma"), words.schema.field("lemma"), [shuffled])
        given_offsets += align(mixed, frames, EVERYTHING)["video_offset_seconds"][0].as_py() is not None
    assert given_offsets <= 8


def test_without_words_every_picture_is_a_row_without_labels() -> None:
    table = align(words_of([]), frames_of(FOUR, 40), EVERYTHING)
    assert table.schema == EXAMPLES
    assert table["labels"].to_pylist() == [[], [], [], []]
    assert table["until"].to_pylist() == [10, 20, 30, 40]
    assert set(table["video_offset_seconds"].to_pylist()) == {None}
    assert set(table["sentence"].to_pylist()) == {""}


def test_without_pictures_there_is_no_row() -> None:
    assert align(words_of([(1, "cup")]), frames_of([], 0), EVERYTHING).num_rows == 0
    assert align(words_of([(1, "cup")]), frames_of([(0, "")], 5), EVERYTHING).num_rows == 0


def test_sentence_is_what_was_said_while_the_picture_was_shown() -> None:
    table = align(words_of([(3, "red"), (6, "cup"), (12, "dog")]), frames_of(FOUR, 40), EVERYTHING)
    assert table["sentence"].to_pylist() == ["RED CUP", "DOG", "DOG", ""]  # 12.2 s is within 8 s of 20 s
    assert table["sentence_start"].to_pylist()[:2] == pytest.approx([2.8, 11.8])
    assert table["sentence_start"].to_pylist()[3] is None


def test_the_name_of_a_picture_shown_for_hours_does_not_overflow() -> None:
    said = [(float(time), "cup") for time in range(1, 7200, 3)]
    weight = labels(words_of(said), frames_of([(0, "a")], 7200))[0]["cup"]["weight"]
    assert 0 <= weight <= 1


@settings(max_examples=60, deadline=None)
@given(
    said=st.lists(st.tuples(st.floats(0.2, 60), st.sampled_from(["cup", "dog", "map", "sun"])), max_size=12).map(sorted),
    shown=st.lists(
        st.tuples(st.floats(0, 55), st.sampled_from(["a", "a2", "b", "c", ""])), max_size=10, unique_by=lambda x: x[0]),
    least=st.floats(0, 1), window=st.floats(0.1, 30))
def test_examples_keep_their_promises(
    said: list[tuple[float, str]], shown: list[tuple[float, str]], least: float, window: float) -> None:
    words, frames = words_of(said), frames_of(sorted(shown), 60)
    table = align(words, frames, AlignmentParams(window_seconds=window, min_weight=least))
    assert table.schema == EXAMPLES
    assert table["frame"].to_pylist() == [row["frame"] for row in frames.to_pylist() if row["dropped"] is None]
    for row in table.to_pylist():
        weights = [label["weight"] for label in row["labels"]]
        assert weights == sorted(weights, reverse=True)
        assert all(least - 1e-4 <= weight <= 1 for weight in weights)
        for label in row["labels"]:
            assert words["lemma"][label["word_index"]].as_py() == label["label"]
            assert 1 <= label["count"] <= sum(word == label["label"] for _, word in said)


def test_calibration_says_how_to_fit_it_again() -> None:
    fitted = read_calibration()
    assert fitted.command.startswith("python -m tests.benchmarks.")
    assert fitted.fitted_on
