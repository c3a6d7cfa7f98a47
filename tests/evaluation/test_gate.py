"""Who passes the gate, who does not, and what is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import InputError, IntegrityError
from tasks.evaluation.evaluate import Evaluation, find_faults
from tasks.evaluation.gate import compare, headline, read_verdict, slices, write_verdict
from tests.evaluation.nets import GATE, evaluation_of, random_split, skilled

SPLIT = random_split(40, seed=0)
CHAMPION = evaluation_of(SPLIT, skilled(SPLIT, 0.6, seed=1), "net/champion")
CHANNELS = ("one", "two")


def candidate(skill: float, seed: int = 2) -> Evaluation:
    return evaluation_of(SPLIT, skilled(SPLIT, skill, seed))


def test_a_clearly_better_candidate_passes_and_a_worse_one_does_not() -> None:
    better, worse = (compare(candidate(skill), CHAMPION, GATE, known_channels=CHANNELS) for skill in (0.9, 0.45))
    assert better.passed
    assert not worse.passed
    assert any("all: precision_at_1" in reason for reason in worse.reasons)


def test_the_champion_itself_passes() -> None:
    assert compare(replace(CHAMPION, net="net/again"), CHAMPION, GATE, known_channels=CHANNELS).passed


def test_one_slice_that_loses_is_enough_to_refuse() -> None:
    """Better on the old channel by more than it is worse on the new one."""
    chances = skilled(SPLIT, 1.0, seed=3)
    new = np.array([channel == "two" for channel in SPLIT.channels])[SPLIT.video_of]
    chances[new] = skilled(SPLIT, 0.4, seed=4)[new]
    verdict = compare(evaluation_of(SPLIT, chances), CHAMPION, GATE, known_channels=["one"])
    overall = {(one.slice, one.metric): one for one in verdict.comparisons}
    assert overall["all", "precision_at_1"].passed
    assert not overall["new channels", "precision_at_1"].passed
    assert not verdict.passed


def test_rare_words_are_those_with_the_fewest_training_pictures() -> None:
    assert [word for word, rare in zip(SPLIT.words, SPLIT.rare, strict=True) if rare] == ["word00", "word01", "word02", "word03"]
    assert [part.name for part in slices(SPLIT, ["one"])] == ["all", "old channels", "new channels", "rare words"]
    assert [part.name for part in slices(SPLIT, CHANNELS)] == ["all", "old channels", "rare words"]


def test_the_first_champion_must_beat_chance_clearly() -> None:
    assert compare(candidate(0.5), None, GATE).passed
    by_luck = compare(candidate(0.0), None, GATE)
    assert not by_luck.passed
    assert "are needed" in by_luck.reasons[0]


def test_few_test_videos_decide_nothing() -> None:
    small = random_split(9, seed=0)
    good, same = evaluation_of(small, skilled(small, 1, 1)), evaluation_of(small, skilled(small, 0.5, 1), "net/champion")
    verdict = compare(good, same, GATE, known_channels=CHANNELS)
    assert not verdict.passed
    assert verdict.reasons == ("9 test videos decide nothing, 10 are needed",)


def test_one_who_was_trained_on_a_test_video_is_refused() -> None:
    seen = {"net/candidate": (["v003", "elsewhere"], []), "net/champion": ([], ["two"])}
    verdict = compare(candidate(1.0), CHAMPION, GATE, known_channels=CHANNELS, seen=seen)
    assert (verdict.passed, verdict.reasons) == (False, (
        "net/candidate was trained on 1 test videos, such as v003",
        "net/champion was trained on 1 channels of the test split, such as two"))
    assert compare(candidate(1.0), CHAMPION, GATE, known_channels=CHANNELS, seen={"net/candidate": (["else"], ["else"])}).passed


def test_nets_judged_on_different_splits_are_not_compared() -> None:
    other = replace(CHAMPION, split=replace(SPLIT, digest="other"))
    with pytest.raises(InputError, match="different test splits"):
        compare(candidate(1.0), other, GATE)


def test_a_broken_candidate_is_refused_and_a_broken_champion_is_an_error() -> None:
    broken = Evaluation("net/broken", "", SPLIT, None, ("its weights are torn",))
    verdict = compare(broken, CHAMPION, GATE)
    assert (verdict.passed, verdict.reasons) == (False, ("its weights are torn",))
    with pytest.raises(IntegrityError, match="champion net/broken: its weights are torn"):
        compare(candidate(1.0), broken, GATE)


@pytest.mark.parametrize(("vectors", "said"), [
    (np.full((3, 4), np.nan, np.float32), "3 of 3 of its vectors are not numbers"),
    (np.tile(np.array([1, 0], np.float32), (5, 1)), "the same answer to all of 5"),
    (np.eye(3, dtype=np.float32) * 7, "lengths from 7 to 7"),
])
def test_vectors_that_are_no_answers_are_told(vectors: NDArray[np.float32], said: str) -> None:
    assert said in find_faults(vectors)[0]


def test_a_net_that_never_says_a_word_is_broken() -> None:
    silent = evaluation_of(SPLIT, np.random.default_rng(0).uniform(0, 0.04, (320, 12)).astype(np.float32))
    assert silent.faults == ("it gives no word a probability of 0.05 or more, on any picture",)


def test_a_worse_calibrated_candidate_is_refused() -> None:
    """The same answers in the same order, with half the conviction."""
    chances = skilled(SPLIT, 0.6, seed=1)
    verdict = compare(evaluation_of(SPLIT, np.where(chances > 0.05, chances * 0.3, chances)), CHAMPION, GATE)
    failed = {(one.slice, one.metric) for one in verdict.comparisons if not one.passed}
    better = compare(evaluation_of(SPLIT, np.where(chances > 0.05, chances * 0.67, chances)), CHAMPION, GATE)
    assert failed == {("all", "calibration_error")}
    assert better.passed


def test_a_verdict_is_kept_whole_and_read_again(tmp_path: Path) -> None:
    verdict = compare(candidate(0.9), CHAMPION, GATE, known_channels=["one"])
    write_verdict(tmp_path, verdict)
    assert read_verdict(tmp_path) == verdict
    assert read_verdict(tmp_path / "absent") is None
    (tmp_path / "verdict.json").write_text("{}")
    with pytest.raises(IntegrityError, match="not a verdict"):
        read_verdict(tmp_path)


def test_the_table_of_a_verdict_shows_every_figure() -> None:
    verdict = compare(candidate(0.45), CHAMPION, GATE, known_channels=["one"])
    table = "\n".join(headline(verdict))
    assert all(f"| {one.slice} | {one.metric} |" in table for one in verdict.comparisons)
    assert table.startswith("**refuse net/candidate: ")


def test_what_may_be_lost_is_a_share_of_what_there_is() -> None:
    """A champion that is seldom right is not replaced by one that never is, though that loses few points."""
    seldom = evaluation_of(SPLIT, skilled(SPLIT, 0.05, seed=1), "net/champion")
    never = np.roll(skilled(SPLIT, 1.0, seed=1), 1, axis=1)
    for picture, word in zip(*SPLIT.pairs[:2], strict=True):
        never[picture, word] = 0
    verdict = compare(evaluation_of(SPLIT, never), seldom, GATE, known_channels=CHANNELS)
    first = verdict.comparisons[0]
    assert (first.metric, first.after, first.passed) == ("precision_at_1", 0.0, False)
    assert first.needed == pytest.approx(-0.1 * first.before, abs=1e-6)
