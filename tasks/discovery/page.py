"""A page of a site without an extractor of its own: which feed, which next page and which videos it names."""

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from tasks.discovery.entries import Entry
from tasks.discovery.feed import FEED_TYPES
from tasks.network.address import MAX_URL_CHARACTERS, host_of
from tasks.network.text import clean

MAX_PAGE_BYTES = 10 << 20
MAX_LINKS = 5_000
MAX_SCRIPT_CHARACTERS = 2_000_000
MAX_DEPTH = 10
NO_VIDEO = (".css", ".gif", ".ico", ".jpeg", ".jpg", ".js", ".json", ".pdf", ".png", ".rss", ".svg", ".txt", ".xml", ".zip")
BESIDE = ("nav", "header", "footer", "aside")  # what stands around a list


@dataclass(frozen=True)
class ListPage:
    """What a page names. feed, following: addresses, empty when it names none.

    entries: the videos its linked data list; without such, where its links lead.
    """

    title: str
    feed: str
    following: str
    entries: tuple[Entry, ...]


def parse_page(body: bytes, address: str) -> ListPage:
    """Read a page that may be cut short, wrong or hostile: what cannot be read is left out."""
    reader = _Reader()
    reader.feed(body[:MAX_PAGE_BYTES].decode("utf-8", "replace"))
    listed = [entry for script in reader.scripts for entry in _listed(script, address)]
    links = (_absolute(address, link) for link in (reader.main if reader.has_main else reader.links))
    entries = listed or [Entry(link) for link in dict.fromkeys(links) if _may_be_video(link, address)]
    return ListPage(
        clean(reader.title, 300), _absolute(address, reader.feed_link), _absolute(address, reader.following), tuple(entries))


class _Reader(HTMLParser):
    """Collects links, linked data and the title."""

    def __init__(self) -> None:
        super().__init__()
        self.title = self.feed_link = self.following = ""
        self.links: list[str] = []
        self.main: list[str] = []
        self.has_main = False
        self.scripts: list[str] = []
        self._beside = self._within = 0
        self._reading = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        relation, link = attributes.get("rel", "").lower().split(), attributes.get("href", "")
        if tag in ("link", "a") and "next" in relation:
            self.following = self.following or link
        elif tag == "link" and "alternate" in relation and attributes.get("type", "").lower() in FEED_TYPES:
            self.feed_link = self.feed_link or link
        elif tag == "a" and link and not self._beside and {"prev", "nofollow"}.isdisjoint(relation):
            if len(self.links) < MAX_LINKS:
                self.links.append(link)
                self.main += [link] if self._within else []
        elif tag == "main":
            self.has_main, self._within = True, self._within + 1
        elif tag in BESIDE:
            self._beside += 1
        elif tag == "title":
            self._reading = "title"
        elif tag == "script" and attributes.get("type", "").lower() == "application/ld+json":
            self._reading = "script"
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self._reading == "title":
            self.title += data[:300]
        elif self._reading == "script" and len(self.scripts[-1]) < MAX_SCRIPT_CHARACTERS:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._reading = ""
        if tag == "main":
            self._within = max(0, self._within - 1)
        elif tag in BESIDE:
            self._beside = max(0, self._beside - 1)


def _listed(script: str, address: str) -> Iterator[Entry]:
    """The items of a schema.org ItemList."""
    try:
        data = json.loads(script)
    except (ValueError, RecursionError):
        return
    for thing in _things(data):
        if "ItemList" not in _types(thing):
            continue
        for element in _things(thing.get("itemListElement")):
            item = element.get("item", element)
            link = item if isinstance(item, str) else item.get("url") if isinstance(item, Mapping) else None
            if isinstance(link, str) and 0 < len(link) <= MAX_URL_CHARACTERS:
                name = item.get("name") if isinstance(item, Mapping) else element.get("name")
                title = clean(name, 300)
                yield Entry(_absolute(address, link), facts={"title": title} if title else {})


def _things(data: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The objects in linked data: alone, in a list, in a @graph."""
    if depth > MAX_DEPTH:
        return
    if isinstance(data, list):
        for part in data:
            yield from _things(part, depth + 1)
    elif isinstance(data, Mapping):
        yield data
        for name in ("@graph", "mainEntity"):
            yield from _things(data.get(name), depth + 1)


def _types(thing: Mapping[str, Any]) -> list[Any]:
    kinds = thing.get("@type")
    return kinds if isinstance(kinds, list) else [kinds]


def _absolute(base: str, link: str) -> str:
    if not link:
        return ""
    try:
        return urllib.parse.urljoin(base, link.strip()).partition("#")[0]
    except ValueError:
        return ""


def _may_be_video(link: str, address: str) -> bool:
    """True for a page or file of the same host that is not this page."""
    if not link.startswith(("http://", "https://")) or len(link) > MAX_URL_CHARACTERS:
        return False
    try:
        path = urllib.parse.urlsplit(link).path.lower()
        same_host = host_of(link) == host_of(address)
    except ValueError:
        return False
    return same_host and link != address.partition("#")[0] and not path.endswith(NO_VIDEO)
