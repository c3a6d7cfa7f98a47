"""Many videos in one run, more than a window holds: all pass, each once, in the order of the list."""

from pathlib import Path

import pytest

from tasks.discovery.catalogue import read_catalogue
from tests.flows.conftest import Command
from tests.flows.many import make_many

pytestmark = pytest.mark.slow
VIDEOS, SEED = 30, 20_261_121


def test_many_videos_pass_each_once_and_are_told_in_the_order_of_the_list(
        framewords: Command, tmp_path: Path, bed_tools: None) -> None:
    folder = make_many(tmp_path / "videos", VIDEOS, SEED)
    done = framewords("--set", "transcription.engine=captions", "--set", "ingest.videos_at_once=4", "ingest", str(folder))
    assert (done.code, done.err) == (0, "")
    listed = [video.id for video in read_catalogue(framewords.data / "videos.csv")]
    assert len(set(listed)) == len(listed) == VIDEOS
    assert [line.split()[0].rstrip(":") for line in done.out.splitlines() if line.startswith("file_")] == listed
    assert f"{VIDEOS} labelled" in done.out
    assert sorted(path.name for path in (framewords.data / "labels").iterdir()) == sorted(listed)
