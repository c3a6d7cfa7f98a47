from pathlib import Path

import pytest

from tests.bed.long import join_truth
from tests.bed.score import Truth
from tests.bed.truth import VideoTruth, read_truth, write_truth


@pytest.fixture(scope="module")
def minutes() -> list[VideoTruth]:
    """The truth of the bundled sample: its times serve as those of minutes."""
    return read_truth(Path(__file__).parent / "sample_truth.jsonl")[1:]


def test_times_and_indices_move_with_their_minute(minutes: list[VideoTruth]) -> None:
    whole = join_truth(minutes, 4)
    assert whole["duration"] == 240
    assert [scene["i"] for scene in whole["scenes"]] == list(range(len(whole["scenes"])))
    count = len(minutes[0]["words"])
    assert whole["words"][count]["word"] == minutes[1]["words"][0]["word"]
    assert whole["words"][count]["start"] == pytest.approx(60 + minutes[1]["words"][0]["start"])
    assert len(whole["words"]) == 2 * sum(len(minute["words"]) for minute in minutes)
    for pair in whole["pairs"]:
        assert whole["scenes"][pair["scene"]]["object"] == pair["word"]
    for word in whole["words"]:
        sentence = whole["sentences"][word["sentence"]]
        assert sentence["start"] - 0.01 <= word["start"] <= sentence["end"]


def test_a_minute_shown_again_repeats_its_scenes(minutes: list[VideoTruth], tmp_path: Path) -> None:
    whole = join_truth(minutes, 4)
    per_round = len(minutes[0]["scenes"]) + len(minutes[1]["scenes"])
    assert [scene["dup_of"] for scene in whole["scenes"][per_round:]] == list(range(per_round))
    write_truth(tmp_path / "truth.jsonl", [whole])
    truth = Truth.load(tmp_path / "truth.jsonl")
    distinct = {truth.root[whole["video_id"], scene["i"]] for scene in whole["scenes"]}
    assert distinct == {s["i"] for s in whole["scenes"][:per_round] if s["dup_of"] is None}
