import math

from hypothesis import given
from hypothesis import strategies as st

from tasks.schema import HEARD
from tasks.transcription.words import HeardWord, heard_table


def test_impossible_words_are_set_aside_and_counted_by_reason() -> None:
    good = HeardWord("knife", 1.0, 1.5, 0.9)
    bad_times = [HeardWord("a", 2.0, 1.0), HeardWord("b", -1.0, 1.0), HeardWord("c", math.nan, 1.0),
                 HeardWord("d", 1.0, math.inf), HeardWord("e", 1.0, 2.0, 7.0), HeardWord("f", 1.0, 2.0, math.nan)]
    bad_words = [HeardWord("\ud800", 1.0, 2.0), HeardWord("kn\0ife", 1.0, 2.0), HeardWord("x" * 10_000, 1.0, 2.0),
                 HeardWord("", 1.0, 2.0), HeardWord("\u202eefink", 1.0, 2.0), HeardWord("\x1b[2J", 1.0, 2.0)]
    late = [HeardWord("late", 60.0, 61.0)]
    table, dropped = heard_table("v", [bad_times, [good], bad_words, late], 60.0, "vosk", "tiny")
    assert table["word"].to_pylist() == ["knife"]
    assert dropped == {"bad_time": 6, "invalid_word": 6, "out_of_range": 1}


def test_a_word_that_outlasts_the_video_ends_with_it() -> None:
    table, _ = heard_table("v", [[HeardWord("end", 59.5, 61.0)]], 60.0, "vosk", "tiny")
    assert table["end"].to_pylist() == [60.0]


def test_utterances_are_numbered_without_gaps_in_order_of_time() -> None:
    utterances = [[HeardWord("later", 5.0, 6.0)], [HeardWord("\0", 1.0, 2.0)],
                  [HeardWord("first", 1.0, 2.0), HeardWord("then", 2.0, 3.0)]]
    table, _ = heard_table("v", utterances, 60.0, "vosk", "tiny")
    assert table["word"].to_pylist() == ["first", "then", "later"]
    assert table["segment"].to_pylist() == [0, 0, 1]
    assert table["word_index"].to_pylist() == [0, 1, 2]


words = st.builds(HeardWord, st.text(max_size=5), st.floats(), st.floats(), st.floats())


@given(st.lists(st.lists(words, max_size=5), max_size=5))
def test_every_word_given_is_a_row_or_counted(utterances: list[list[HeardWord]]) -> None:
    table, dropped = heard_table("v", utterances, 60.0, "captions", "en-auto")
    assert table.schema == HEARD
    assert table.num_rows + sum(dropped.values()) == sum(len(utterance) for utterance in utterances)
