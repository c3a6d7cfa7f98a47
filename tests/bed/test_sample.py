import json
from pathlib import Path

import av
import pytest

from tests.bed.sample import TRUTH, info_of
from tests.bed.truth import VideoTruth, read_truth

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def videos() -> list[VideoTruth]:
    return read_truth(TRUTH)


def test_the_sample_is_small(sample_folder: Path) -> None:
    assert sum(file.stat().st_size for file in sample_folder.rglob("*") if file.is_file()) <= 5 * MEGABYTE


def test_each_video_has_its_info_and_no_captions(sample_folder: Path, videos: list[VideoTruth]) -> None:
    names = {file.name for file in sample_folder.iterdir() if file.is_file()}
    wanted = {f"{video['video_id']}{suffix}" for video in videos for suffix in (".mp4", ".info.json")}
    assert names == wanted | {"README.md"}
    for video in videos:
        info = json.loads((sample_folder / f"{video['video_id']}.info.json").read_text())
        assert info == info_of(video)
        assert info["license"] == "Apache-2.0"


def test_each_video_is_as_its_truth_says(sample_folder: Path, videos: list[VideoTruth]) -> None:
    for video in videos:
        with av.open(str(sample_folder / f"{video['video_id']}.mp4")) as container:
            picture = container.streams.video[0]
            assert (picture.width, picture.height) == (video["width"], video["height"])
            assert picture.frames == round(video["duration"] * video["fps"])
            assert [stream.type for stream in container.streams] == ["video", "audio"]
        assert 0 <= video["lag"]["offset"] <= 1
