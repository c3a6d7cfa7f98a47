"""New entries become videos: looked at where their address alone does not tell, judged by the filters, each taken once."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from tasks.discovery.entries import Entry, facts_of
from tasks.discovery.filters import refuse
from tasks.discovery.memory import MAX_REFUSALS, MAX_TRIES, Aside, Memory, Waiting, next_night
from tasks.discovery.sites import LIVE, Described, SetAside, described
from tasks.errors import BlockedError, InputError, TransientError, UnusableVideoError
from tasks.network.text import shown
from tasks.params import SourceParams
from tasks.schema import Video

MAX_INNER = 200  # videos behind one entry that turns out to be a list
MAX_LOOKS = 500  # entries of one source that are asked in one night

Look = Callable[[Entry], Iterator[Described | SetAside]]


@dataclass
class Intake:
    """Takes what is new into `given`; what is not wanted, or not to be had yet, is remembered with its reason.

    look: what an entry leads to, when asked. known: ids of all listed videos.
    """

    source: SourceParams
    known: Collection[str]
    memory: Memory
    today: date
    look: Look
    given: dict[str, Video] = field(default_factory=dict)
    filtered: list[SetAside] = field(default_factory=list)
    aliases: int = 0
    looks: int = 0
    trouble: TransientError | None = None

    def judge_again(self, digest: str) -> None:
        """When the filters have changed, what they left out is judged anew, without asking anybody."""
        memory = self.memory
        if memory.filters not in ("", digest):
            for aside in memory.take_aside():
                if aside.video is None:
                    memory.keep_waiting(Waiting(aside.entry, self.today.isoformat()))
                else:
                    self._judge(aside.entry, Video(**aside.video), aside.facts)
        memory.filters = digest

    def judge_views(self, entries: Iterable[Entry]) -> None:
        """What had too few views may have enough by now, where a feed or listing says so."""
        views = {key: entry.facts["view_count"] for entry in entries if "view_count" in entry.facts for key in entry.keys}
        for aside in self.memory.take_aside(lambda aside: aside.code == "filtered_views"):
            newest = next((views[key] for key in aside.entry.keys if key in views), aside.facts.get("view_count"))
            self._judge(aside.entry, Video(**(aside.video or {})), {**aside.facts, "view_count": newest}, again=True)

    def take(self, entries: Iterable[Entry]) -> None:
        """Take what is due of what waited, then new entries."""
        for item in self._due(entries):
            if isinstance(self.trouble, BlockedError) or self.looks >= MAX_LOOKS:  # nothing more is asked tonight
                self.memory.keep_waiting(item)
            elif item.entry.id and item.tries == 0 and item.entry.facts.get("live_status") not in LIVE:
                self._offer_listed(item.entry)
            else:
                self._look_at(item)

    def _due(self, entries: Iterable[Entry]) -> Iterator[Waiting]:
        yield from self.memory.due(self.today)
        for entry in entries:
            if self.memory.knows(entry, self.known):  # by now: under another of its names
                self.aliases += 1
            else:
                yield Waiting(entry, self.today.isoformat())

    def _offer_listed(self, entry: Entry) -> None:
        """An entry whose id is known needs no look."""
        facts = dict(entry.facts)
        self._judge(entry, Video(id=entry.id, url=entry.address, source=self.source.name, **described(facts)), facts)

    def _look_at(self, item: Waiting) -> None:
        self.looks += 1
        try:
            found = list(islice(self.look(item.entry), MAX_INNER))
            if not found:
                raise UnusableVideoError(f"nothing found at {shown(item.entry.address)}", "drop it", "unsupported")
        except TransientError as error:
            self._put_off(item, "blocked" if isinstance(error, BlockedError) else "unreachable", error.problem)
            if isinstance(error, BlockedError) or self.trouble is None:
                self.trouble = error
        except InputError as error:
            self.set_aside(item.entry, "refused", error.problem)
        except UnusableVideoError as error:
            item.refusals += error.code != "live"
            if item.entry.version or item.refusals >= MAX_REFUSALS:  # a file that is no video stays none until it changes
                self.set_aside(item.entry, error.code, error.problem)
            else:
                self._put_off(item, error.code, error.problem)
        else:
            for thing in found:
                if isinstance(thing, Described):
                    self._judge(item.entry, thing.video, facts_of(thing.info))
                else:
                    self.filtered.append(thing)
            self.memory.keep_seen(item.entry)

    def _put_off(self, item: Waiting, code: str, problem: str) -> None:
        item.tries, item.code, item.problem = item.tries + 1, code, problem
        if item.tries >= MAX_TRIES:
            self.set_aside(item.entry, code, problem)
            return
        item.due = next_night(self.today, item.tries)
        self.memory.keep_waiting(item)

    def set_aside(self, entry: Entry, code: str, problem: str) -> None:
        """Leave an entry out that is no video of ours to have."""
        self.memory.keep_aside(Aside(entry, code, problem))
        self.filtered.append((shown(entry.address, 200), code, problem))

    def _judge(self, entry: Entry, video: Video, facts: dict[str, Any], *, again: bool = False) -> None:
        """Take a video unless a filter refuses it, or it is taken already.

        again: it was refused before; nothing is said of it when it is refused again.
        """
        name = Entry(video.url, video.id)
        if video.id in self.known or video.id in self.given or self.memory.sets_aside(video.id):
            self.aliases += 1
        elif refusal := refuse(self.source, facts, complete=False):
            self.memory.keep_aside(Aside(entry, *refusal, asdict(video), facts))
            if not again:
                self.filtered.append((shown(video.url, 200), *refusal))
            return
        else:
            self.given[video.id] = video
        self.memory.keep_seen(entry)
        self.memory.keep_seen(name)
