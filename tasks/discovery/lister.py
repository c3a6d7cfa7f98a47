"""Finding the new entries of a source: its feed first, its listing where the feed does not reach, deeper now and then."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from tasks.discovery.asking import Looks, Network
from tasks.discovery.bucket import KEYS_A_REQUEST, bucket_entries
from tasks.discovery.entries import Entry
from tasks.discovery.feed import MAX_FEED_BYTES, Feed, known_feed, parse_feed
from tasks.discovery.intake import Intake
from tasks.discovery.listing import Learnt, Read, entry_for, list_page, list_search, list_site
from tasks.discovery.local import file_entry, list_entries, settled_files
from tasks.discovery.memory import Memory, keys_digest, relist_due
from tasks.errors import InputError, UnusableVideoError
from tasks.params import DiscoveryParams, SourceParams

EDGE_ROW = 2  # entries in a row from where the first listing stopped: older ones follow
FEED_REST_DAYS = 7  # a feed that turned out to be none is asked again after so long
MAX_LISTED = 5_000  # entries of a playlist, whose order means nothing, so that it is always read to its end
LOCAL = ("file", "folder", "list", "bucket")
IN_ORDER = ("playlist", "search", *LOCAL)  # handed on as listed; the rest oldest first

Result = TypeVar("Result")


def nightly_cap(source: SourceParams, params: DiscoveryParams) -> int:
    """At most how many new videos of this source are to be fetched in one night."""
    return source.per_night or params.per_night


@dataclass
class Lister:
    """Finds the entries of a source that are new."""

    source: SourceParams
    known: Collection[str]
    params: DiscoveryParams
    memory: Memory
    network: Network
    today: date
    looks: Looks

    def __post_init__(self) -> None:
        self.notes: list[str] = []
        self.single: Entry | None = None

    def local(self, kind: str, now: datetime, intake: Intake) -> list[Entry]:
        """The new files, objects or lines of a source that is no site."""
        source, memory = self.source, self.memory
        path = Path(source.url)
        if kind == "bucket":
            entries = list(bucket_entries(self.looks.store, source))
            self.looks.requests += 1 + len(entries) // KEYS_A_REQUEST
        elif kind == "folder":
            entries, growing = settled_files(path, now)
            if growing:
                self.notes.append(f"{growing} files were written to a moment ago and are left for the next time")
        elif kind == "file":
            entries = [file_entry(path)]
        else:
            entries = []
            for line in list_entries(path, self.params, lambda url: entry_for(self.network.session, url)):
                if isinstance(line, Entry):
                    entries.append(line)
                elif not memory.knows(odd := Entry(line.problem), ()):
                    intake.set_aside(odd, "bad_input", line.problem)
        if source.first_index and not memory.listed:
            entries = self._first(sorted(entries, key=_age) if kind == "folder" else entries)
        memory.listed = self.today.isoformat()
        fresh = [entry for entry in entries if not memory.knows(entry, self.known)]
        if kind == "bucket":  # each is fetched when it is taken: no more than the night wants
            fresh = self._only(fresh, nightly_cap(source, self.params))
        return fresh

    def site(self, kind: str, intake: Intake) -> list[Entry]:
        """The new entries of a site: from its feed, and from its listing where that is not enough."""
        memory, source = self.memory, self.source
        if kind == "video":
            entry = self._single()
            return [] if memory.knows(entry, self.known) else [entry]
        first, due = not memory.listed, relist_due(memory, source.name, self.params, self.today)
        complete = kind == "playlist" and memory.whole and memory.cost <= 1  # its whole listing costs no more than its feed
        if due:
            memory.moved.clear()
        before, found = self.network.requests, _Union()
        address = source.url if kind == "feed" else source.feed or memory.feed or known_feed(source.url)
        ask_feed = bool(address) and not complete and self.today.isoformat() >= memory.feed_rests
        enough = ask_feed and self._read_feed(address, kind, found)
        if kind != "feed" and (due or complete or not enough):
            self._list(kind, found, deep=due or complete)
            if memory.feed and not address:  # learnt just now: from here on it tells what changes
                ask_feed = True
                self._read_feed(memory.feed, kind, found)
        if due or complete:
            memory.listed, memory.cost = self.today.isoformat(), max(1, self.network.requests - before - ask_feed)
        entries = [self._by(entry) for entry in found.entries]
        intake.judge_views(entries)
        if first:
            entries = self._first(entries if kind in IN_ORDER else _newest_first(entries))
        fresh = [entry for entry in entries if not memory.knows(entry, self.known)]
        return fresh if kind in IN_ORDER else fresh[::-1]

    def _single(self) -> Entry:
        """The one video that is meant, also where its address says which list it was seen in."""
        url = self.source.url
        entry = entry_for(self.network.session, url)
        if not entry.id and "list=" in url:
            base, _, query = url.partition("?")
            kept = [part for part in query.split("&") if not part.startswith(("list=", "index="))]
            alone = entry_for(self.network.session, f"{base}?{'&'.join(kept)}")
            return alone if alone.id else entry
        return entry

    def _read_feed(self, address: str, kind: str, found: "_Union") -> bool:
        """Read the feed, if it has changed, into `found`. Returns whether it shows all that is new."""
        memory = self.memory
        try:
            feed = self._fetch_feed(address)
        except (InputError, UnusableVideoError) as error:
            if kind == "feed" or self.source.feed:
                raise
            self.notes.append(f"its feed cannot be used: {error.problem}")
            memory.feed, memory.etag, memory.modified = "", "", ""
            memory.feed_rests = (self.today + timedelta(days=FEED_REST_DAYS)).isoformat()
            return False
        if feed is None:
            return True
        memory.title = feed.title or memory.title
        found.add(self._since_first(feed.entries, kind))
        named, before = keys_digest(feed.entries), memory.feed_keys
        memory.feed_keys = named
        # Newest first as feeds are: when its oldest entries are known, what is older is known too.
        oldest = feed.entries[-self.params.overlap_videos:]
        return kind == "feed" or named == before or (bool(oldest) and all(memory.knows(e, self.known) for e in oldest))

    def _fetch_feed(self, address: str) -> Feed | None:
        """The feed as it is now; None when it is what it was."""
        memory = self.memory
        versions = {"If-None-Match": memory.etag, "If-Modified-Since": memory.modified} if memory.feed == address else {}
        conditions = {name: value for name, value in versions.items() if value}

        def fetch(url: str) -> tuple[str, Feed | None]:
            answer = self.network.session.fetch(url, conditions, MAX_FEED_BYTES)
            if answer.unchanged:
                return answer.url, None
            feed = parse_feed(answer.body, answer.url)
            memory.etag, memory.modified = answer.headers.get("etag", "")[:300], answer.headers.get("last-modified", "")[:100]
            return answer.url, feed

        feed = self._where_it_is(address, lambda url: self.network.retry(partial(fetch, url)))
        memory.feed = address
        return feed

    def _where_it_is(self, address: str, ask: Callable[[str], tuple[str, Result]]) -> Result:
        """What is at an address: asked for where its redirects led last time, and from the start when it is there no more.

        ask: returns where it was found, and what.
        """
        moved = self.memory.moved
        try:
            url, result = ask(moved.get(address, address))
        except (InputError, UnusableVideoError):
            if moved.pop(address, address) == address:
                raise
            url, result = ask(address)
        if url != address:
            moved[address] = url
        return result

    def _list(self, kind: str, found: "_Union", *, deep: bool) -> None:
        """List the source into `found`: to the overlap, or, when `deep`, as far as it goes."""
        memory, source = self.memory, self.source
        cut, edge = False, list[Entry]()

        def read(entries: Iterator[Entry], at_once: int) -> None:
            nonlocal cut
            part, ended = self._read(entries, at_once, kind, deep=deep)
            found.add(part)
            cut = cut or not ended
            if not ended and deep:
                edge.extend(part[-self.params.overlap_videos:])

        learnt = self._walk(kind, read)
        self.single = learnt.single
        memory.title = learnt.title or memory.title
        if not source.feed and learnt.feed and not memory.feed and self.today.isoformat() >= memory.feed_rests:
            memory.feed = learnt.feed
        if deep:
            memory.whole = not cut
        if learnt.feed == source.url and source.kind == "auto":
            memory.kind = "feed"
        if not memory.listed and kind == "channel":
            memory.edge = {key for entry in edge for key in entry.keys}

    def _walk(self, kind: str, read: Read) -> Learnt:
        session, source = self.network.session, self.source
        if kind == "search":
            return list_search(session, source.url, self.params.relist_videos, read, self.network.retry)
        if session.extractor_of(source.url)[0] == "Generic":
            return self._where_it_is(source.url, lambda url: _with_url(list_page(session, url, read, self.network.retry)))
        return list_site(session, source.url, read, self.network.retry)

    def _read(self, entries: Iterator[Entry], at_once: int, kind: str, *, deep: bool) -> tuple[list[Entry], bool]:
        """Entries of one list, as far as they are wanted; and whether its end, or what is known, was reached.

        at_once: these came with the first request and are read even where the overlap is met before.
        """
        limit = MAX_LISTED if kind == "playlist" else self.params.relist_videos
        taken: list[Entry] = []
        known = beyond = 0
        for entry in entries:
            beyond = beyond + 1 if not self.memory.edge.isdisjoint(entry.keys) else 0
            if beyond >= EDGE_ROW:
                return taken, True
            if len(taken) >= limit:
                return taken, False
            taken.append(entry)
            known = known + 1 if self.memory.knows(entry, self.known) else 0
            if not deep and known >= self.params.overlap_videos and len(taken) >= at_once:
                return taken, True
        return taken, True

    def _since_first(self, entries: tuple[Entry, ...], kind: str) -> list[Entry]:
        """The entries of a feed without those that are older than the first listing went."""
        memory, kept = self.memory, list[Entry]()
        if kind == "feed" and not memory.listed and all("timestamp" in entry.facts for entry in entries):
            memory.horizon = min((entry.facts["timestamp"] for entry in entries), default=0)
            memory.first_count = len(entries)
        if len(entries) > memory.first_count:
            memory.horizon = 0
        beyond = 0
        for entry in entries:
            beyond = beyond + 1 if not memory.edge.isdisjoint(entry.keys) else 0
            if beyond >= EDGE_ROW:
                break
            if entry.facts.get("timestamp", memory.horizon) >= memory.horizon:
                kept.append(entry)
        return kept

    def _by(self, entry: Entry) -> Entry:
        """The entry; who published it is the source itself where nothing else is said."""
        if entry.id or "channel" in entry.facts or not self.memory.title:
            return entry
        return replace(entry, facts={**entry.facts, "channel": self.memory.title})

    def _first(self, entries: list[Entry]) -> list[Entry]:
        """The entries that a first listing takes; what follows them stays out for good."""
        cap = self.source.first_index or self.params.first_index
        for entry in entries[cap:]:
            self.memory.keep_seen(entry)
        if len(entries) > cap:
            older = f"{len(entries) - cap} older ones{' and all before them' if self.memory.edge else ''}"
            self.notes.append(f"first listing: the newest {cap} are taken; {older} stay out for good (first_index)")
        return entries[:cap]

    def _only(self, entries: list[Entry], cap: int) -> list[Entry]:
        if len(entries) > cap:
            self.notes.append(f"{len(entries) - cap} more objects are left for the next nights (per_night)")
        return entries[:cap]


def _age(entry: Entry) -> int:
    """Orders files, the one written to last first."""
    return -int(entry.version.partition(":")[2])


def _with_url(learnt: Learnt) -> tuple[str, Learnt]:
    return learnt.url, learnt


class _Union:
    """Entries in the order added, each once, under whatever name it comes again."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._keys: set[str] = set()

    def add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if self._keys.isdisjoint(entry.keys):
                self.entries.append(entry)
            self._keys.update(entry.keys)


def _newest_first(entries: Iterable[Entry]) -> list[Entry]:
    """By date where every entry has one, else as they are."""
    listed = list(entries)
    if all(isinstance(entry.facts.get("timestamp"), int | float) for entry in listed):
        return sorted(listed, key=lambda entry: -entry.facts["timestamp"])
    return listed
