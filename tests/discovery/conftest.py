"""Settings and files for discovery."""

from pathlib import Path

import pytest

from tasks.params import DiscoveryParams

# The first box of an MP4 file: enough to be taken for one by its first bytes.
MP4 = b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00isom"


@pytest.fixture
def params() -> DiscoveryParams:
    return DiscoveryParams(
        max_videos=10, allow_private_addresses=True, allowed_hosts=("127.0.0.1", "localhost"), first_index=50, per_night=20,
        overlap_videos=3, relist_nights=30, relist_videos=100)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """A folder of three files, two of them the same bytes."""
    folder = tmp_path / "videos"
    (folder / "more").mkdir(parents=True)
    (folder / "a_cat.mp4").write_bytes(MP4 + b"a")
    (folder / "b.mp4").write_bytes(MP4 + b"b")
    (folder / "more" / "a again.mp4").write_bytes(MP4 + b"a")
    return folder
