"""Settings and files for discovery; one look at a source on the test site, night after night."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.discovery.sources import Found, discover_source
from tasks.network.session import NetworkSettings, SiteSession, open_session
from tasks.params import DiscoveryParams, SourceParams
from tasks.storage.artefact import digest_file
from tests.site.site import Site

# The first box of an MP4 file: enough to be taken for one by its first bytes.
MP4 = b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00isom"
FIRST_NIGHT = datetime(2026, 3, 1, 2, tzinfo=UTC)


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


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture(scope="session")
def session() -> Iterator[SiteSession]:
    with open_session(NetworkSettings(True, ("127.0.0.1", "localhost"), timeout_seconds=5, backoff_seconds=0)) as opened:
        yield opened


@dataclass
class Nights:
    """Looks at sources on successive nights, remembering as the ledger would."""

    params: DiscoveryParams
    session: Callable[[], SiteSession]
    known: set[str] = field(default_factory=set)
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    night: int = 0

    def look(self, source: SourceParams, **options: Any) -> Found:
        """One look, then the night is over."""
        now = FIRST_NIGHT + timedelta(days=self.night)
        self.night += 1
        found = discover_source(
            source, self.known, self.state.get(source.name, {}), options.pop("params", self.params), session=self.session,
            file_digest=digest_file, now=now, sleep=lambda _: None, **options)
        self.state[source.name] = found.state
        self.known.update(video.id for video in found.videos)
        return found

    def titles(self, source: SourceParams, **options: Any) -> list[str]:
        return [video.title for video in self.look(source, **options).videos]


@pytest.fixture
def nights(params: DiscoveryParams, session: SiteSession) -> Nights:
    return Nights(params, lambda: session)
