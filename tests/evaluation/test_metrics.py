"""Figures against hand counts."""

import numpy as np
import pytest

from tasks.evaluation import metrics
from tasks.evaluation.evaluate import by_chance
from tasks.evaluation.metrics import Answers, Slice
from tasks.evaluation.split import FrozenSplit
from tests.evaluation.nets import evaluation_of, random_split, skilled, split_of

SPLIT = split_of({
    "a": [{"knife": 1.0}, {"knife": 0.5, "onion": 1.0}],
    "b": [{}, {"pan": 1.0}]})  # words: knife, onion, pan


def answers_of(split: FrozenSplit, chances: list[list[float]]) -> Answers:
    answers = evaluation_of(split, np.array(chances, np.float32)).answers
    assert answers is not None
    return answers


ANSWERS = answers_of(SPLIT, [[0.9, 0.2, 0.0], [0.6, 0.3, 0.1], [0.3, 0.8, 0.1], [0.5, 0.4, 0.3]])
WHOLE = metrics.everything(SPLIT)
ONCE = metrics.once(2)


def test_precision_is_the_mean_weight_of_the_first_word_over_labelled_pictures() -> None:
    # knife on a0 (1), on a1 (0.5), on b1 (0); b0 has no label and is not asked.
    assert metrics.precision(SPLIT, ANSWERS, WHOLE, 1)(ONCE)[0] == pytest.approx(0.5)
    assert metrics.ceiling(SPLIT, WHOLE, 1)(ONCE)[0] == pytest.approx(1.0)


def test_a_figure_of_a_draw_counts_a_video_as_often_as_it_came() -> None:
    draws = np.array([[2, 0], [0, 2], [1, 1]], np.int32)
    assert metrics.precision(SPLIT, ANSWERS, WHOLE, 1)(draws) == pytest.approx([0.75, 0.0, 0.5])


def test_recall_is_the_share_of_label_weight_among_the_first_five() -> None:
    six = split_of({"a": [dict.fromkeys("bcdefg", 1.0)]})
    answers = answers_of(six, [[0.6, 0.5, 0.4, 0.3, 0.2, 0.1]])
    assert metrics.recall(six, answers, metrics.everything(six))(metrics.once(1))[0] == pytest.approx(5 / 6)
    only_last = Slice("g", np.ones(1, np.bool_), np.array([False] * 5 + [True]))
    assert metrics.recall(six, answers, only_last)(metrics.once(1))[0] == 0


def test_retrieval_finds_a_word_when_a_right_picture_is_among_the_first() -> None:
    ranking = metrics.rank(SPLIT, ANSWERS, WHOLE)
    # knife: a0 first (right). onion: b0, b1, a0, a1: rank of the right one is 3rd of (b0 .8, b1 .4, a1 .3, a0 .2). pan: b1 first.
    assert ranking.ranks.tolist() == [1, 3, 1]
    assert metrics.found_within(ranking, 1)(ONCE)[0] == pytest.approx(2 / 3)
    assert metrics.found_within(ranking, 2)(ONCE)[0] == pytest.approx(2 / 3)
    assert metrics.found_within(ranking, 3)(ONCE)[0] == pytest.approx(1)


def test_doubtful_labels_add_up_to_the_chance_that_one_of_them_is_right() -> None:
    split = split_of({"a": [{"w": 0.6}, {"w": 0.5}, {"w": 0.0}]})
    answers = answers_of(split, [[0.9], [0.8], [0.7]])
    ranking = metrics.rank(split, answers, metrics.everything(split))
    there = 1 - 0.4 * 0.5
    assert metrics.found_within(ranking, 1)(metrics.once(1))[0] == pytest.approx(0.6 / there)
    assert metrics.found_within(ranking, 2)(metrics.once(1))[0] == pytest.approx(1.0)


def test_a_video_that_is_not_drawn_is_neither_found_nor_sought() -> None:
    ranking = metrics.rank(SPLIT, ANSWERS, WHOLE)
    found = metrics.found_within(ranking, 1)(np.array([[2, 0], [0, 2]], np.int32))
    # without b: knife by a0; onion by a1, which now leads. Without a: pan by b1.
    assert found == pytest.approx([1.0, 1.0])


def test_draws_agree_with_counting_the_drawn_pictures_one_by_one() -> None:
    split = random_split(6, seed=3, pictures=4, words=5)
    answers = evaluation_of(split, skilled(split, 0.4, seed=1)).answers
    assert answers is not None
    ranking = metrics.rank(split, answers, metrics.everything(split))
    draw = np.array([[2, 0, 1, 3, 0, 0]], np.int32)
    found = there = 0
    for word in range(len(split.words)):
        order = np.argsort(-(answers.queries[word] @ answers.pictures.T), kind="stable")
        drawn = [picture for picture in order for _ in range(draw[0, split.video_of[picture]])]
        right = [bool(split.weights(np.array(picture), np.array(word)) > 0) for picture in drawn]
        found, there = found + any(right[:3]), there + any(right)
    assert metrics.found_within(ranking, 3)(draw)[0] == pytest.approx(found / there)


def test_probabilities_that_come_true_have_no_calibration_error() -> None:
    split = split_of({"a": [{"w": 1.0 if at < 7 else 0.0} for at in range(10)]})
    honest, boastful = (answers_of(split, [[chance]] * 10) for chance in (0.7, 0.9))
    whole, once = metrics.everything(split), metrics.once(1)
    assert metrics.calibration(split, honest, whole)(once)[0] == pytest.approx(0, abs=1e-6)
    assert metrics.calibration(split, boastful, whole)(once)[0] == pytest.approx(0.2)
    assert metrics.reliability(split, boastful, whole)[0] == pytest.approx((10, 0.9, 0.7))


def test_chance_is_right_as_often_as_the_commonest_word() -> None:
    split = random_split(20, seed=0)
    counts = np.bincount(split.pairs[1])
    answers = by_chance(split, 0).answers
    assert answers is not None
    figures = metrics.measure(split, answers, metrics.everything(split))
    assert figures["precision_at_1"] == pytest.approx(counts.max() / counts.sum(), abs=1e-5)


def test_a_slice_is_ranked_among_its_own_pictures() -> None:
    only_a = Slice("a", np.array([True, False]), WHOLE.words)
    ranking = metrics.rank(SPLIT, ANSWERS, only_a)
    assert [SPLIT.words[word] for word in ranking.words] == ["knife", "onion"]
    assert ranking.ranks.tolist() == [1, 1]
