"""What a source is remembered by from night to night: a small JSON object that the ledger keeps."""

import hashlib
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tasks.discovery.entries import Entry, entry_from_json
from tasks.params import DiscoveryParams

VERSION = 1
SPARE_REQUESTS = 0.08  # a night, for listing further than the overlap: with one for the feed it stays below 1.1
MAX_WAIT_NIGHTS = 16
MAX_REFUSALS = 5  # an address that leads to no video is asked this often, on different nights
MAX_TRIES = 12  # whatever the reason: the last ones are 16 nights apart


@dataclass
class Waiting:
    """An entry that could not be looked at yet. due: ISO date. refusals: how often it led to no video."""

    entry: Entry
    due: str
    tries: int = 0
    refusals: int = 0
    code: str = ""
    problem: str = ""


@dataclass
class Aside:
    """An entry that is not taken, and why. video: its row when it is only a filter that left it out."""

    entry: Entry
    code: str
    problem: str
    video: dict[str, str] | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Memory:
    """Everything remembered about one source.

    about: the address and kind that were asked for: of another address, nothing is remembered. kind: what `auto` turned out
    to be.
    moved: where addresses were found after redirects, so that these are not followed every night.
    seen: keys of all entries that were taken or are too old to be. edge: keys at which every listing stops, because the
    first one stopped there. listed: ISO date of the last night that looked further than the overlap, empty before the
    first; cost: its requests, without that for the feed. whole: it reached the end.
    feed_rests: ISO date until which a feed that could not be used is not asked.
    horizon: of a feed that is all there is, when its oldest entry was published as it was first read: older ones stay out.
    first_count: how many it had then; once it has more, it had room, and hid nothing older.
    feed_keys: digest of what the feed named last. filters: digest of the filters that judged.
    """

    about: str = ""
    kind: str = ""
    moved: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    edge: set[str] = field(default_factory=set)
    waiting: list[Waiting] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    feed: str = ""
    etag: str = ""
    modified: str = ""
    feed_keys: str = ""
    feed_rests: str = ""
    horizon: float = 0
    first_count: int = 0
    title: str = ""
    listed: str = ""
    cost: int = 0
    whole: bool = False
    filters: str = ""

    def __post_init__(self) -> None:
        entries = [item.entry for item in self.waiting] + [item.entry for item in self.aside]
        self._other = {key for entry in entries for key in entry.keys}

    def knows(self, entry: Entry, known: Collection[str]) -> bool:
        """True for an entry that was seen before under any of its names, or whose video is listed already."""
        return entry.id in known or any(key in self.seen or key in self._other for key in entry.keys)

    def take_aside(self, wanted: Callable[[Aside], bool] = lambda aside: True) -> list[Aside]:
        """Take out what is set aside, to be judged again."""
        taken = [aside for aside in self.aside if wanted(aside)]
        self.aside = [aside for aside in self.aside if not wanted(aside)]
        return taken

    def sets_aside(self, video_id: str) -> bool:
        """True for a video that is left out by a filter, under whatever address it was found."""
        return any(aside.video is not None and aside.video["id"] == video_id for aside in self.aside)

    def due(self, today: date) -> list[Waiting]:
        """What waits and is due, taken out."""
        due = [item for item in self.waiting if item.due <= today.isoformat()]
        self.waiting = [item for item in self.waiting if item.due > today.isoformat()]
        return due

    def keep_seen(self, entry: Entry) -> None:
        self.seen.update(entry.keys)

    def keep_waiting(self, item: Waiting) -> None:
        self.waiting.append(item)
        self._other.update(item.entry.keys)

    def keep_aside(self, item: Aside) -> None:
        self.aside.append(item)
        self._other.update(item.entry.keys)

    def as_json(self) -> dict[str, Any]:
        """JSON values, in a fixed order."""
        plain = {name: getattr(self, name) for name in PLAIN}
        return {
            "version": VERSION, **plain, "seen": sorted(self.seen), "edge": sorted(self.edge),
            "waiting": [{**vars(item), "entry": item.entry.as_json()} for item in self.waiting],
            "aside": [{**vars(item), "entry": item.entry.as_json()} for item in self.aside]}


PLAIN = (
    "about", "kind", "moved", "feed", "etag", "modified", "feed_keys", "feed_rests", "horizon", "first_count", "title",
    "listed", "cost", "whole", "filters")


def memory_from(state: Mapping[str, Any], about: str) -> Memory:
    """What was remembered; nothing when there is no state yet, or one of another version or address."""
    if state.get("version") != VERSION or state.get("about") != about:
        return Memory(about=about)
    return Memory(
        seen=set(state["seen"]), edge=set(state["edge"]), **{name: state[name] for name in PLAIN},
        waiting=[Waiting(**{**item, "entry": entry_from_json(item["entry"])}) for item in state["waiting"]],
        aside=[Aside(**{**item, "entry": entry_from_json(item["entry"])}) for item in state["aside"]])


def relist_due(memory: Memory, name: str, params: DiscoveryParams, today: date) -> bool:
    """True when the source is to be listed further than the overlap.

    Each source has a night of its own within every `relist_nights`. A listing that took many requests is rarer, so that
    requests stay below 1.1 a night.
    """
    if not memory.listed:
        return True
    period = max(params.relist_nights, math.ceil(memory.cost / SPARE_REQUESTS))
    shift = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) % period
    last = date.fromisoformat(memory.listed).toordinal()
    return (today.toordinal() + shift) // period > (last + shift) // period


def next_night(today: date, tries: int) -> str:
    """When an entry that could not be looked at is due again: after 1, 2, 4, 8, 16, 16 ... nights."""
    return (today + timedelta(days=min(1 << (tries - 1), MAX_WAIT_NIGHTS))).isoformat()


def keys_digest(entries: Iterable[Entry]) -> str:
    """16 hex for what a feed names, whatever else it says."""
    joined = "\n".join(",".join(entry.keys) for entry in entries)
    return hashlib.blake2b(joined.encode(), digest_size=8).hexdigest()
