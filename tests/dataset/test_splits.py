"""A channel goes into one split and stays there."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.dataset.splits import assign_splits
from tasks.errors import ParamsError
from tests.dataset.conftest import dataset_params
from tests.labels import make_videos

MANY = make_videos([f"v{at}" for at in range(2000)], [f"channel {at}" for at in range(1000)])


def test_channels_fall_by_their_shares_and_never_into_two_splits() -> None:
    splits = assign_splits(MANY, dataset_params(validation_share=0.1, test_share=0.2))
    channels = {(video.channel, split) for video, split in zip(MANY, splits, strict=True)}
    assert len(channels) == 1000
    counts = Counter(split for _, split in channels)
    # Five standard deviations of a binomial of 1,000: sqrt(1000 * 0.2 * 0.8) = 12.6, sqrt(1000 * 0.1 * 0.9) = 9.5.
    assert abs(counts["test"] - 200) < 63
    assert abs(counts["validation"] - 100) < 47


@given(st.lists(st.integers(1, 1999), unique=True, max_size=50))
@settings(max_examples=30, deadline=None)
def test_what_else_is_in_the_list_never_moves_a_channel(others: list[int]) -> None:
    alone = dict(zip([video.id for video in MANY], assign_splits(MANY, dataset_params()), strict=True))
    some = [MANY[0], *(MANY[at] for at in others)]
    assert assign_splits(some, dataset_params()) == [alone[video.id] for video in some]


@pytest.mark.parametrize("seed", range(20))
def test_the_first_channel_trains_so_that_one_channel_is_a_training_set(seed: int) -> None:
    videos = make_videos(["a", "b", "c"], ["only"])
    assert set(assign_splits(videos, dataset_params(split_seed=seed))) == {"train"}


def test_splitting_by_video_spreads_a_single_channel() -> None:
    videos = make_videos([f"v{at}" for at in range(300)], ["only"])
    counts = Counter(assign_splits(videos, dataset_params(split_by="video")))
    assert counts.keys() == {"train", "validation", "test"}
    assert counts["train"] > 200


def test_files_without_a_channel_go_with_their_folder_or_else_alone() -> None:
    videos = make_videos([f"v{at}" for at in range(300)], [""])
    assert len(set(assign_splits(videos, dataset_params()))) == 3
    folders = [replace(video, source=f"/recordings/{at % 100}") for at, video in enumerate(videos)]
    splits = assign_splits(folders, dataset_params())
    assert splits[:100] == splits[100:200] == splits[200:]
    assert len(set(splits)) == 3


def test_shares_that_leave_nothing_to_train_are_refused() -> None:
    with pytest.raises(ParamsError, match=r"dataset\.test_share is 0\.5.*1\.2"):
        dataset_params(validation_share=0.7, test_share=0.5)
