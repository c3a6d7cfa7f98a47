from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.dataset.labels import Fingerprinted
from tasks.evidence.cohort import assign_folds, cohort_size, fold_units
from tasks.schema import Video


def members(channels: list[str]) -> list[Fingerprinted]:
    records: dict[str, dict[str, Any]] = {}
    return [Fingerprinted(Video(f"v{at}", "https://example.org", channel=channel), "", records, Path("examples.parquet"))
            for at, channel in enumerate(channels)]


@pytest.mark.parametrize(("labelled", "size"), [
    (0, 0), (59, 0), (60, 60), (89, 60), (90, 90), (134, 90), (135, 135), (202, 202), (303, 303), (1000, 681)])
def test_judges_learn_from_sixty_videos_and_then_from_half_as_many_again(labelled: int, size: int) -> None:
    assert cohort_size(labelled, 60, 700) == size


def test_videos_of_one_channel_or_one_duplicate_group_are_one_unit_and_so_on_through_either() -> None:
    units = fold_units(members(["red", "blue", "red", "green", ""]), ["v0", "v1", "v2", "v1", "v4"])
    assert units == [0, 1, 0, 1, 4]  # green repeats a video of blue; an unknown channel is nobody's


def test_with_a_single_channel_the_duplicate_groups_alone_are_units() -> None:
    assert fold_units(members(["red", "red", "red"]), ["v0", "v1", "v0"]) == [0, 1, 0]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(2, 6))
def test_no_unit_is_in_two_folds_and_folds_are_even(units: list[int], folds: int) -> None:
    placed = assign_folds(units, folds)
    assert all(len({fold for fold, mine in zip(placed, units, strict=True) if mine == unit}) == 1 for unit in units)
    assert set(placed) == set(range(min(folds, len(set(units)))))
    sizes = [placed.count(fold) for fold in set(placed)]
    assert max(sizes) - min(sizes) <= max(units.count(unit) for unit in units)
