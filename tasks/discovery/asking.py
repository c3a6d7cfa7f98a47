"""Asking: the session with its requests counted and its failures tried again; what one entry leads to."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from tasks.discovery.bucket import describe_object, store_address
from tasks.discovery.entries import Entry, without_tracking
from tasks.discovery.local import local_video
from tasks.discovery.sites import Described, SetAside, described_videos, web_id
from tasks.errors import InputError, UnusableVideoError
from tasks.network.backoff import with_retries
from tasks.network.session import SiteSession
from tasks.params import SourceParams
from tasks.storage.objects import ObjectStore, StoreAddress

ATTEMPTS, BACKOFF_SECONDS = 3, 1.0

Result = TypeVar("Result")


class Network:
    """The session, opened at the first need, with its requests counted and its failures tried again."""

    def __init__(self, open_session: Callable[[], SiteSession], attempts: int, sleep: Callable[[float], None]) -> None:
        self._open, self._attempts, self._sleep = open_session, attempts, sleep
        self._session: SiteSession | None = None
        self._before = 0

    @property
    def session(self) -> SiteSession:
        if self._session is None:
            self._session = self._open()
            self._before = self._session.requests
        return self._session

    @property
    def requests(self) -> int:
        return self._session.requests - self._before if self._session else 0

    def retry(self, work: Callable[[], Result], attempts: int | None = None) -> Result:
        return with_retries(
            work, attempts=attempts or self._attempts, backoff_seconds=BACKOFF_SECONDS, sleep=self._sleep)


class Looks:
    """What an entry leads to when it is asked: a page, a file or an object."""

    def __init__(
        self, source: SourceParams, network: Network, file_digest: Callable[[Path], str], inbox: Path | None,
        store: Callable[[StoreAddress], ObjectStore],
    ) -> None:
        self.requests = 0
        self._source, self._network, self._file_digest, self._inbox, self._open_store = source, network, file_digest, inbox, store
        self._store: ObjectStore | None = None

    @property
    def store(self) -> ObjectStore:
        if self._store is None:
            self._store = self._open_store(store_address(self._source))
        return self._store

    def look(self, entry: Entry) -> Iterator[Described | SetAside]:
        if entry.address.startswith("s3://"):
            self.requests += 2
            yield describe_object(self.store, self._source, entry.address, self._inbox)
        elif entry.version:
            yield local_video(Path(entry.address), self._source.name, self._file_digest)
        else:
            page = self._on_page(entry) if entry.page else None
            yield from [page] if page else self._ask(entry.address, entry.facts)

    def _on_page(self, entry: Entry) -> Described | None:
        """A media file as its page describes it, if that page is around this very file: it knows more, captions too."""
        try:
            found = list(islice(self._ask(entry.page, entry.facts), 2))
        except (InputError, UnusableVideoError):
            return None
        only = found[0] if len(found) == 1 else None
        return only if isinstance(only, Described) and only.video.id == web_id(without_tracking(entry.address)) else None

    def _ask(self, url: str, told: Mapping[str, Any]) -> Iterator[Described | SetAside]:
        session = self._network.session
        return described_videos(
            session, url, self._source.name,
            lambda address, extractor: self._network.retry(lambda: session.resolve(address, extractor), ATTEMPTS),
            told=told or None)
