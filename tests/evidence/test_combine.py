from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.alignment.align import Evidence, align, weigh
from tasks.alignment.calibration import read_calibration
from tasks.alignment.coherence import Looks, lags
from tasks.evidence.calibration import read_evidence_calibration
from tasks.evidence.combine import classes_of, judged, judged_examples, looks_of, seen_in_views, shares
from tasks.schema import EXAMPLES
from tests.alignment.by_hand import frames_of, words_of
from tests.evidence.world import ALIGNMENT

FITTED = read_calibration()
WINDOW = ALIGNMENT.window_seconds
FOUR = [(0, "a"), (10, "b"), (20, "c"), (30, "d")]  # pictures of ten seconds
SAID = [(5, "cup"), (6, "dog"), (15, "tree"), (16, "cat"), (25, "boat"), (35, "house")]
WORDS = {"cup": 0, "dog": 1, "tree": 2, "cat": 3, "boat": 4, "house": 5}
PRIOR = np.full(7, 1 / 7)


def timed(said: Sequence[tuple[float, str]] = SAID) -> tuple[pa.Table, pa.Table, Evidence]:
    words, frames = words_of(said), frames_of(FOUR, 40)
    return words, frames, weigh(words, frames, WINDOW, FITTED)


def looked(evidence: Evidence, seen: np.ndarray, trust: float = 1.0) -> Evidence:
    classes = classes_of(evidence, WORDS)
    return judged(evidence, looks_of(evidence, seen_in_views(evidence, seen, PRIOR, trust), PRIOR, classes), WINDOW, FITTED)


def names(evidence: Evidence) -> list[tuple[int, str]]:
    """(view, word) of each candidate name."""
    first = evidence.nearby.mention[evidence.names.first]
    return [(int(view), evidence.lemmas[lemma])
            for view, lemma in zip(evidence.nearby.view[evidence.names.first], evidence.mentions.lemma[first], strict=True)]


def sees(*words: str, surely: float = 0.9) -> np.ndarray:
    """One picture a word; the rest of what is likely is spread over all other classes."""
    seen = np.full((len(words), 7), (1 - surely) / 6)
    for row, word in enumerate(words):
        seen[row, WORDS.get(word, 6)] = surely
    return seen


def test_pictures_that_say_nothing_leave_everything_as_by_timing_alone() -> None:
    _, _, evidence = timed()
    for seen in (np.tile(PRIOR, (4, 1)), np.full((4, 7), np.nan)):  # as likely as ever; not looked at
        again = looked(evidence, seen)
        np.testing.assert_allclose(again.probability, evidence.probability, rtol=1e-9)
        np.testing.assert_allclose(again.offset.posterior, evidence.offset.posterior, rtol=1e-9)


def test_a_picture_three_times_as_likely_under_a_name_triples_its_odds() -> None:
    _, _, evidence = timed()
    tripled = next(at for at, name in enumerate(names(evidence)) if name == (1, "tree"))
    looks = Looks(np.where(np.arange(len(names(evidence))) == tripled, 3.0, 1.0), np.ones(4))
    before, after = evidence.names.probability[tripled], judged(evidence, looks, WINDOW, FITTED).names.probability[tripled]
    np.testing.assert_allclose(after / (1 - after), 3 * before / (1 - before), rtol=1e-9)


def test_what_is_seen_but_was_not_said_speaks_against_all_that_was_said() -> None:
    _, _, evidence = timed()
    again = looked(evidence, sees("something else", "tree", "boat", "house"))
    first_view = [at for at, (view, _) in enumerate(names(evidence)) if view == 0]
    assert (again.probability[first_view] < evidence.probability[first_view]).all()


def test_pictures_tell_the_lag_of_the_whole_video_and_with_it_names_that_no_picture_told() -> None:
    late = [(time + 4.5, word) for time, word in [(5, "cup"), (7, "cup"), (15, "tree"), (17, "tree"), (25, "boat"), (27, "boat")]]
    _, _, evidence = timed(late)
    seen = sees("cup", "tree", "boat", "other")
    seen[2] = np.nan  # nobody looked at the third
    again = looked(evidence, seen)
    within = np.abs(lags(WINDOW) - 4.5) <= 2.5
    assert again.offset.posterior[within].sum() > evidence.offset.posterior[within].sum()
    boat = next(at for at, name in enumerate(names(evidence)) if name == (2, "boat"))
    assert again.probability[boat] > evidence.probability[boat]


def test_trust_is_a_power_of_what_is_seen_against_the_prior() -> None:
    _, _, evidence = timed()
    seen = sees("cup", "tree", "boat", "house", surely=0.5)  # 6 times the likelihood of each other class
    once, twice = (seen_in_views(evidence, seen, PRIOR, trust)[0] for trust in (1.0, 2.0))
    assert once[0] / once[1] == pytest.approx(6)
    assert twice[0] / twice[1] == pytest.approx(36)
    assert seen_in_views(evidence, seen, PRIOR, 0.0)[0] == pytest.approx(PRIOR)


def test_a_word_that_the_judge_does_not_know_is_judged_as_everything_else() -> None:
    _, _, evidence = timed([*SAID, (36, "violin")])
    known, unknown = (classes_of(evidence, words) for words in (WORDS, {}))
    assert known.tolist() == [WORDS.get(word, 6) for _, word in names(evidence)]
    assert set(unknown.tolist()) == {0}  # with no words there is one class: everything else


def test_what_pictures_are_taken_to_show_adds_up_and_what_was_not_said_goes_by_what_was_seen() -> None:
    _, _, evidence = timed()
    seen = sees("boat", "tree", "boat", "house")
    shown = shares(evidence, seen, classes_of(evidence, WORDS))
    np.testing.assert_allclose(shown.sum(axis=1), 1)
    for at, (view, word) in enumerate(names(evidence)):
        assert shown[view, WORDS[word]] == pytest.approx(evidence.probability[at])
    near_first = {word for view, word in names(evidence) if view == 0}
    assert "boat" not in near_first
    assert shown[0, WORDS["boat"]] > 0.8 * (1 - sum(shown[0, WORDS[word]] for word in near_first))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(0.001, 1), min_size=28, max_size=28), st.floats(0, 3), st.floats(0, 0.5))
def test_whatever_is_seen_books_balance_and_what_was_heard_stays(numbers: list[float], trust: float, least: float) -> None:
    words, frames, evidence = timed()
    seen = np.array(numbers).reshape(4, 7)
    params = ALIGNMENT.model_copy(update={"min_weight": least})
    before = align(words, frames, ALIGNMENT)
    after = judged_examples(before, words, looked(evidence, seen / seen.sum(axis=1, keepdims=True), trust), least,
                            read_evidence_calibration())
    assert after.schema == EXAMPLES
    for name in ("video_id", "frame", "timestamp", "until", "sentence", "sentence_start"):
        assert after[name] == before[name]
    heard = {row["word_index"]: row for row in words.to_pylist()}
    for row in after.to_pylist():
        weights = [label["weight"] for label in row["labels"]]
        assert weights == sorted(weights, reverse=True)
        assert all(weight >= params.min_weight - 1e-4 for weight in weights)
        assert 0 <= row["p_alignable"] <= 1
        for label in row["labels"]:
            source = heard[label["word_index"]]
            assert (label["label"], label["start"]) == (source["lemma"], source["start"])
            assert abs(label["start"] + 0.2 - (row["timestamp"] + 5)) <= 5 + WINDOW


def test_a_video_without_words_or_pictures_is_judged_without_complaint() -> None:
    for said, shown in (([], FOUR), (SAID, []), ([], [])):
        words, frames = words_of(said), frames_of(shown, 40)
        evidence = weigh(words, frames, WINDOW, FITTED)
        seen = np.tile(PRIOR, (len(evidence.screen.frame), 1))
        table = judged_examples(align(words, frames, ALIGNMENT), words, looked(evidence, seen), 0, read_evidence_calibration())
        assert [row["labels"] for row in table.to_pylist()] == [[]] * len(table)
        assert shares(evidence, seen, classes_of(evidence, WORDS)).shape == seen.shape
