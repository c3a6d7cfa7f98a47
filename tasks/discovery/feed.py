"""RSS, MRSS and Atom: what a feed lists, read without trusting it."""

import re
import urllib.parse
import xml.parsers.expat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tasks.discovery.entries import Entry
from tasks.discovery.sites import video_id
from tasks.errors import InputError, TransientError
from tasks.network.address import MAX_URL_CHARACTERS
from tasks.network.text import clean, shown

MAX_FEED_BYTES = 10 << 20
MAX_ITEMS = 5_000
MAX_FIELD_CHARACTERS = 2_000
MAX_DEPTH = 32
FEED_TYPES = ("application/rss+xml", "application/atom+xml")
YOUTUBE_FEED = "https://www.youtube.com/feeds/videos.xml"
YOUTUBE_HOSTS = ("youtube.com", "www.youtube.com", "m.youtube.com")
YOUTUBE_CHANNEL = re.compile(r"/channel/(UC[A-Za-z0-9_-]{22})/?")
YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")
HTML = re.compile(rb"<(?:!doctype\s+html|html)\b", re.IGNORECASE)
ATOM, MEDIA, ITUNES = "http://www.w3.org/2005/Atom", "http://search.yahoo.com/mrss/", "http://www.itunes.com/dtds/podcast-1.0.dtd"
YOUTUBE, DUBLIN_CORE = "http://www.youtube.com/xml/schemas/2015", "http://purl.org/dc/elements/1.1/"
LICENCE_SPACES = (
    "http://backend.userland.com/creativeCommonsRssModule", "http://cyber.law.harvard.edu/rss/creativeCommonsRssModule.html",
    "http://creativecommons.org/ns#")
CUT_SHORT = frozenset(
    getattr(xml.parsers.expat.errors, f"XML_ERROR_{name}")
    for name in ("NO_ELEMENTS", "UNCLOSED_TOKEN", "PARTIAL_CHAR", "UNCLOSED_CDATA_SECTION"))


@dataclass(frozen=True)
class Feed:
    """A feed as read: its entries in its own order."""

    title: str
    entries: tuple[Entry, ...]


def known_feed(url: str) -> str:
    """Where the feed of a channel or playlist lies when its address alone tells; empty when it does not."""
    parts = urllib.parse.urlsplit(url)
    if (parts.hostname or "") not in YOUTUBE_HOSTS:
        return ""
    if channel := YOUTUBE_CHANNEL.fullmatch(parts.path):
        return channel_feed(channel[1])
    playlist = urllib.parse.parse_qs(parts.query).get("list", [""])[0]
    if parts.path == "/playlist" and re.fullmatch(r"[A-Za-z0-9_-]+", playlist):
        return f"{YOUTUBE_FEED}?playlist_id={playlist}"
    return ""


def channel_feed(channel_id: str) -> str:
    """The feed of a YouTube channel."""
    return f"{YOUTUBE_FEED}?channel_id={channel_id}"


def is_feed(body: bytes) -> bool:
    """True when this looks like a feed and not like a page."""
    start = body[:2000].lower()
    return not HTML.search(start) and any(mark in start for mark in (b"<rss", b"<feed", b"<rdf:rdf"))


def parse_feed(body: bytes, address: str) -> Feed:
    """The entries of a feed, in its order.

    address: where it came from; relative links start there.
    Raises InputError when it is no feed, or one that declares entities (they can grow without end); TransientError when
    it is cut short.
    """
    value = shown(address)
    if HTML.search(body[:2000].lower()) and not is_feed(body):
        raise InputError(f"feed is HTML: {value}", "give the address of the feed itself, or of the channel without `kind: feed`")
    if len(body) > MAX_FEED_BYTES:
        raise InputError(f"feed too large ({len(body)} bytes): {value}", f"more than {MAX_FEED_BYTES} bytes are not read")
    reader = _Reader(address)
    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.EntityDeclHandler = reader.text, reader.entity
    try:
        parser.Parse(body, True)
    except xml.parsers.expat.ExpatError as error:
        if xml.parsers.expat.ErrorString(error.code) in CUT_SHORT:
            raise TransientError(f"feed is cut short at line {error.lineno}: {value}", "run again later") from error
        raise InputError(f"not a feed: {value} ({error})", "give the address of an RSS or Atom feed") from error
    except (ValueError, LookupError) as error:  # an encoding nobody knows
        raise InputError(f"not a feed: {value} ({clean(error, 100)})", "give the address of an RSS or Atom feed") from error
    if not reader.is_feed:
        raise InputError(f"not a feed: {value} has no channel or feed in it", "give the address of an RSS or Atom feed")
    return Feed(clean(reader.title, 300), _entries(reader.items, reader.language))


@dataclass
class _Item:
    """One item while it is read."""

    texts: dict[str, str] = field(default_factory=dict)
    link: str = ""
    media: list[tuple[str, str]] = field(default_factory=list)  # (address, type)
    facts: dict[str, Any] = field(default_factory=dict)


class _Reader:
    """Collects the items while expat walks through the feed."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.items: list[_Item] = []
        self.title = self.language = ""
        self.is_feed = False
        self._path: list[str] = []
        self._item: _Item | None = None
        self._said: list[str] = []

    def entity(self, *_: object) -> None:
        raise InputError(f"feed declares entities: {shown(self.address)}", "no honest feed needs them; drop this source")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self._path.append(local)
        self._said = []
        if len(self._path) > MAX_DEPTH:
            raise InputError(f"feed nested too deeply: {shown(self.address)}", "drop this source")
        if len(self._path) <= 2 and local in ("rss", "feed", "RDF", "channel"):
            self.is_feed = True
        if local in ("item", "entry") and self._item is None:
            self._item = _Item()
        elif self._item is not None:
            self._element(self._item, space, local, attributes)

    def text(self, data: str) -> None:
        if sum(map(len, self._said)) < MAX_FIELD_CHARACTERS:
            self._said.append(data)

    def end(self, name: str) -> None:
        space, _, local = name.rpartition(" ")
        self._path.pop()
        said, self._said = "".join(self._said).strip()[:MAX_FIELD_CHARACTERS], []
        if self._item is None:
            if local == "title" and len(self._path) <= 2 and not self.title:
                self.title = said
            elif local == "language" and not space:
                self.language = said
        elif local in ("item", "entry") and self._path and "item" not in self._path and "entry" not in self._path:
            if len(self.items) < MAX_ITEMS:
                self.items.append(self._item)
            self._item = None
        elif said:
            self._say(self._item, space, local, said)

    def _element(self, item: _Item, space: str, local: str, attributes: Mapping[str, str]) -> None:
        """What an element says in its attributes."""
        kind = attributes.get("type", "")
        url = self._absolute(attributes.get("url", "")) if attributes.get("url") else ""
        if local == "enclosure" and url:
            item.media.append((url, kind))
        elif space == MEDIA and local == "content" and url:
            item.media.append((url, kind or f"{attributes.get('medium', '')}/"))
            if (seconds := _seconds(attributes.get("duration", ""))) is not None:
                item.facts["duration"] = seconds
        elif space == MEDIA and local == "statistics" and attributes.get("views", "").isdigit():
            item.facts["view_count"] = int(attributes["views"][:15])
        elif space == ATOM and local == "link" and (address := self._absolute(attributes.get("href", ""))):
            if attributes.get("rel") == "enclosure":
                item.media.append((address, kind))
            elif attributes.get("rel", "alternate") == "alternate" and not item.link:
                item.link = address
            elif attributes.get("rel") == "license":
                item.facts["license"] = clean(address, 300)

    def _say(self, item: _Item, space: str, local: str, said: str) -> None:
        """What an element says in its text. The first one counts: inner elements may repeat an outer name."""
        if local == "link" and space != ATOM:
            item.link = item.link or self._absolute(said)
        elif space == YOUTUBE and local == "videoId":
            item.texts.setdefault("youtube", said)
        elif local in ("creator", "name", "author") and space in ("", ATOM, DUBLIN_CORE, ITUNES):
            item.texts.setdefault("author", said)
        elif (local == "license" and space in (MEDIA, *LICENCE_SPACES)) or (local == "rights" and space == DUBLIN_CORE):
            item.facts.setdefault("license", clean(said, 300))
        elif local == "duration" and space == ITUNES:
            if (seconds := _seconds(said)) is not None:
                item.facts.setdefault("duration", seconds)
        elif local == "language" and space in ("", DUBLIN_CORE):
            item.texts.setdefault("language", said)
        elif local in ("title", "guid", "id", "pubDate", "published", "updated", "date") and space != YOUTUBE:
            item.texts.setdefault(local, said)

    def _absolute(self, address: str) -> str:
        """The whole address; empty for one that is too long to be asked."""
        try:
            whole = urllib.parse.urljoin(self.address, address.strip())
        except ValueError:
            whole = address  # refused, with its reason, when it is asked
        return whole if len(whole) <= MAX_URL_CHARACTERS else ""


def _entries(items: list[_Item], language: str) -> tuple[Entry, ...]:
    guids = [item.texts.get("guid") or item.texts.get("id") or "" for item in items]
    made = [_entry(item, guid if guids.count(guid) == 1 else "", language)  # a guid given twice names nothing
            for item, guid in zip(items, guids, strict=True)]
    return tuple(entry for entry in made if entry is not None)


def _entry(item: _Item, guid: str, language: str) -> Entry | None:
    """One item as an entry: its media file when it names one, else its page; None when it names neither."""
    texts = item.texts
    facts = {"title": clean(texts.get("title"), 300), "channel": clean(texts.get("author"), 300),
             "language": clean(texts.get("language") or language, 20), "timestamp": _moment(texts), **item.facts}
    facts = {name: value for name, value in facts.items() if value not in ("", None)}
    if YOUTUBE_ID.fullmatch(texts.get("youtube", "")):
        site_id = texts["youtube"]
        return Entry(f"https://www.youtube.com/watch?v={site_id}", video_id("Youtube", site_id), facts)
    address = next((address for address, kind in item.media if kind.startswith("video/")), "")
    address = address or next((address for address, kind in item.media if kind in ("", "/", "application/octet-stream")), "")
    if not address and not item.link:
        return None
    return Entry(address or item.link, "", facts, item.link if address else "", guid)


def _moment(texts: Mapping[str, str]) -> int | None:
    """When an item was published, in seconds since 1970."""
    for name in ("published", "pubDate", "date", "updated"):
        said = texts.get(name, "")
        try:
            moment = parsedate_to_datetime(said) if name == "pubDate" else datetime.fromisoformat(said)
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
    return None


def _seconds(said: str) -> float | None:
    """A duration as seconds, mm:ss or hh:mm:ss."""
    if not re.fullmatch(r"\d{1,7}(:\d{1,2}){0,2}(\.\d{1,3})?", said):
        return None
    seconds = 0.0
    for part in said.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds
