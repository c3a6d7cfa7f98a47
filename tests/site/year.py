"""Many nights of many sources, on a test site that grows in every awkward way, with an injected clock; then quiet ones.

What happens, from seeds: bursts longer than the feed; uploads dated days back (out of order) or weeks back (only a deep
listing shows them); uploads that the feed shows nights late; uploads that appear while a listing runs; videos taken down
before or after they were found; the same video in two sources, under a short, an embedded or a tracked address.
"""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tasks.discovery.sites import web_id
from tasks.discovery.sources import Found, discover_source
from tasks.errors import TransientError
from tasks.network.session import NetworkSettings, SiteSession, open_session
from tasks.params import SourceParams, load_params
from tests.servers import Busy, Drop, Fault, Request, Short
from tests.site.site import Channel, Site, SiteVideo

FIRST_NIGHT = datetime(2026, 1, 1, 2, tzinfo=UTC)
FEED_ITEMS, PAGE_ITEMS = 15, 30
SETTLING = 400  # quiet nights after the last, at most: until each source was listed deeply once more
EVENTS = {  # and how often, of a hundred
    "one": 40, "two": 10, "burst": 3, "back": 9, "deep": 3, "late": 9, "while": 6, "gone": 4, "doomed": 6, "shared": 10}
SHARED_AS = ("short", "embed", "tracked")
PARAMS = load_params(
    Path(__file__).parents[2] / "params.yaml",
    {"discovery.allow_private_addresses": True, "discovery.allowed_hosts": ["127.0.0.1"]}).discovery


@dataclass
class Year:
    """What came of it, by video id.

    must: what had to be found, with its number on the site. never: what had to be left out, because it was too old or gone.
    found: as handed on, in order.
    requests: as they were reported; served: as the site counted them. looks: at one source in one night.
    quiet: requests of each look at a source that had nothing new and nothing waiting, and was not its first.
    published: the night an upload appeared; waits: nights from then until it was found.
    shown: what one who reads nothing but feeds would have seen; unfed: what is in sources that have none.
    """

    must: dict[str, int] = field(default_factory=dict)
    never: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)
    requests: int = 0
    served: int = 0
    looks: int = 0
    failed_looks: int = 0
    quiet: list[int] = field(default_factory=list)
    published: dict[str, int] = field(default_factory=dict)
    waits: list[int] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)
    unfed: set[str] = field(default_factory=set)

    @property
    def missed(self) -> set[str]:
        return self.must.keys() - set(self.found)

    @property
    def doubled(self) -> int:
        """Times that a video was handed on again, under its own id or under another."""
        return len(self.found) - len(set(self.found) & (self.must.keys() | self.never))

    @property
    def missed_by_feeds(self) -> int:
        """How many one would have missed who reads every feed every night, and nothing else."""
        return len(self.must.keys() - self.shown - self.unfed)

    @property
    def unwanted(self) -> set[str]:
        return set(self.found) & self.never


@dataclass
class _Source:
    params: SourceParams
    channel: Channel
    rate: float
    state: dict[str, object] = field(default_factory=dict)
    looked: bool = False


class Simulation:
    """The site, its sources and what is known of them; one session a night."""

    def __init__(self, site: Site, nights: int, sources: int, *, failing: float = 0.0, seed: int = 0) -> None:
        self.site, self.nights, self.random = site, nights, random.Random(seed)
        self.year = Year()
        self.night = 0
        self.known: set[str] = set()
        self._late: list[tuple[int, SiteVideo]] = []
        self._doomed: list[SiteVideo] = []
        self._faults = random.Random(seed + 1)
        self._failing = failing
        self._appearing: list[_Source] = []
        self.sources = [self._source(number) for number in range(sources)]
        site.web.trouble = self._trouble

    def run(self) -> Year:
        for night in range(self.nights + SETTLING):
            if night > self.nights and self._listed_since(self.nights):
                break
            self.night, now = night, FIRST_NIGHT + timedelta(days=night)
            self._grow(night, now)
            settings = NetworkSettings(True, ("127.0.0.1",), timeout_seconds=5, backoff_seconds=0)
            with open_session(settings) as session:
                for source in self.sources:
                    self._look(source, session, now)
            self._shrink()
            self.site.web.requests.clear()
        return self.year

    def _listed_since(self, night: int) -> bool:
        """True when every source was listed deeply on that night or later, and has nothing that waits for another try."""
        day = (FIRST_NIGHT + timedelta(days=night)).date().isoformat()
        return all(str(source.state.get("listed", "")) >= day and not source.state["waiting"] for source in self.sources)

    def _source(self, number: int) -> _Source:
        """One in six is a feed alone, one in six a listing without a feed; the rest are pages with feeds."""
        kind = ("channel", "feed", "channel", "playlist", "channel", "page")[number % 6]
        name = f"c{number}"
        links = ("media", "page", "short")[number % 3]
        channel = self.site.channel(
            name, feed_items=0 if kind == "page" else FEED_ITEMS, page_items=PAGE_ITEMS, feed_links=links)
        address = self.site.feed(name) if kind == "feed" else self.site.listing(name)
        params = SourceParams(name=name, url=address, kind="auto" if kind in ("channel", "feed", "page") else "playlist")
        source = _Source(params, channel, self.random.choice((0.02, 0.1, 0.3)))
        # Some have more than a first listing takes.
        older = self.random.randint(52, 70) if number % 8 == 0 else self.random.randint(3, 20)
        for age in range(older, 0, -1):
            self._publish(source, FIRST_NIGHT - timedelta(days=age))
        return source

    def _publish(self, source: _Source, when: datetime, *, in_feed: bool = True) -> SiteVideo:
        moment = when + timedelta(seconds=len(self.site.videos))
        video = self.site.publish(source.channel.name, when=moment, in_feed=in_feed)
        self.year.must[web_id(video.media)] = video.number
        self.year.published[web_id(video.media)] = self.night
        if not source.channel.feed_items:
            self.year.unfed.add(web_id(video.media))
        return video

    def _grow(self, night: int, now: datetime) -> None:
        """What happens on the site before the night's looks."""
        for video in [video for due, video in self._late if due <= night]:
            video.in_feed = True
        self._late = [(due, video) for due, video in self._late if due > night]
        self._appearing = []
        for source in self.sources if 0 < night < self.nights else ():
            if self.random.random() < source.rate:
                self._event(source, night, now)

    def _event(self, source: _Source, night: int, now: datetime) -> None:
        feed_only = source.params.url.endswith(".xml")
        kind = self.random.choices(list(EVENTS), list(EVENTS.values()))[0]
        yesterday = now - timedelta(hours=6)
        if kind == "two":
            self._publish(source, yesterday)
        if kind == "burst" and not feed_only:
            for _ in range(self.random.randint(FEED_ITEMS + 1, 40)):
                self._publish(source, yesterday)
        elif kind == "back":
            self._publish(source, now - timedelta(days=self.random.randint(2, 6)))
        elif kind == "deep" and not feed_only:
            self._publish(source, now - timedelta(days=self.random.randint(20, 60)))
        elif kind == "late":
            video = self._publish(source, yesterday, in_feed=False)
            self._late.append((night + self.random.randint(1, 3), video))
        elif kind == "while" and not feed_only:
            self._appearing.append(source)
        elif kind == "gone":  # before anybody saw it
            video = self._publish(source, yesterday)
            self.year.must.pop(web_id(video.media))
            self.year.never.add(web_id(video.media))
            self.site.remove(video)
        elif kind == "doomed":
            self._doomed.append(self._publish(source, yesterday))
        elif kind == "shared":
            other = self.random.choice(self.sources)
            video = self._publish(source, yesterday)
            if other is not source:
                self.site.share(video, other.channel.name, self.random.choice(SHARED_AS))
        else:
            self._publish(source, yesterday)

    def _look(self, source: _Source, session: SiteSession, now: datetime) -> None:
        fresh = any(web_id(video.media) not in self.known for video in source.channel.newest())
        feed = [web_id(video.media) for video in source.channel.newest() if video.in_feed][:source.channel.feed_items]
        self.year.shown.update(feed)
        waited = bool(source.state.get("waiting"))
        served = len(self.site.web.requests)
        self.year.looks += 1
        try:
            found = discover_source(
                source.params, self.known, source.state, PARAMS, session=lambda: session, file_digest=_no_files, now=now,
                sleep=lambda _: None)
        except TransientError:
            self.year.failed_looks += 1
            return
        finally:
            self.year.served += len(self.site.web.requests) - served
        self._settle(source, found)
        if source.looked and not fresh and not waited:
            self.year.quiet.append(found.requests)
        source.looked = True

    def _settle(self, source: _Source, found: Found) -> None:
        self.year.requests += found.requests
        self.year.found += [video.id for video in found.videos]
        published = self.year.published
        self.year.waits += [self.night - published[video.id] for video in found.videos if video.id in published]
        self.known.update(video.id for video in found.videos)
        source.state = json.loads(json.dumps(found.state))
        if not source.looked:  # what its first listing left out stays out
            feed_only = source.params.url.endswith(".xml")
            for video in source.channel.newest()[FEED_ITEMS if feed_only else PARAMS.first_index:]:
                if self.year.must.pop(name := web_id(video.media), None):
                    self.year.never.add(name)

    def _shrink(self) -> None:
        """Some of what was found is taken down."""
        for video in [video for video in self._doomed if web_id(video.media) in self.known]:
            self.site.remove(video)
            self._doomed.remove(video)

    def _trouble(self, request: Request) -> Fault | None:
        """Something may appear while a listing runs; and a share of the answers fail."""
        for source in [source for source in self._appearing if request.path.startswith(f"/{source.channel.name}/?page")]:
            self._appearing.remove(source)
            self._publish(source, self.site.videos[-1].when)
        if self._faults.random() >= self._failing:
            return None
        return self._faults.choice((Busy(503), Busy(500), Drop(100), Short(200), Short(150, promise=True)))


def _no_files(path: Path) -> str:
    raise AssertionError(path)


def simulate(nights: int, sources: int, *, failing: float = 0.0, seed: int = 0) -> Year:
    """Run it on a site of its own."""
    with Site() as site:
        return Simulation(site, nights, sources, failing=failing, seed=seed).run()

