"""Clips and settings for download."""

from pathlib import Path

import pytest

from tasks.params import DiscoveryParams, DownloadParams
from tests.download.clips import write_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of picture and sound."""
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture(scope="session")
def other_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of another video."""
    return write_clip(tmp_path_factory.mktemp("clips") / "other.mp4", seconds=4)


@pytest.fixture
def params() -> DownloadParams:
    return DownloadParams(
        max_height_px=360, timeout_seconds=5, attempts=2, backoff_seconds=0, videos_per_host=2, sleep_seconds=0,
        rate_limit_bytes_per_second=0, max_bytes=50_000_000, max_duration_seconds=100, duration_tolerance_seconds=0.5,
        caption_languages=("en",), cookies_file="", proxy="")


@pytest.fixture
def discovery() -> DiscoveryParams:
    return DiscoveryParams(
        max_videos=10, allow_private_addresses=True, allowed_hosts=("127.0.0.1",), first_index=50, per_night=20,
        overlap_videos=3, relist_nights=30, relist_videos=100)
