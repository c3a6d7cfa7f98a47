"""What a feed or a listing names: a video, or an address that leads to one; and by which names it is known again."""

import contextlib
import hashlib
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.network.address import canonical_url
from tasks.network.text import clean

# What advertisers and newsletters add to addresses; it changes nothing about what lies there.
TRACKING = re.compile(r"utm_\w+|[gd]clid|gbraid|wbraid|fbclid|msclkid|twclid|yclid|igshid|mc_[ce]id|_hs(?:enc|mi)")

MAX_FACT_CHARACTERS = 300
FACTS = ("title", "channel", "upload_date", "timestamp", "duration", "view_count", "license", "language", "live_status")


@dataclass(frozen=True)
class Entry:
    """One line of a feed or listing.

    address: what to ask for it: http(s), or a path or key of a store.
    id: its video id where that is known without asking.
    facts: what is said of it, named as in yt-dlp's info.
    page: where it is shown, when `address` is the media file itself. guid: its name in a feed.
    version: of a file or object, its size and time: with another one it is another thing under the same address.
    """

    address: str
    id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    page: str = ""
    guid: str = ""
    version: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """What it is remembered by. Any one of them is enough to know it again."""
        names = [name_key(name, self.version) for name in (self.address, self.page, self.guid) if name]
        return ((self.id,) if self.id else ()) + tuple(dict.fromkeys(names))

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "facts": dict(self.facts)}


def entry_from_json(saved: Mapping[str, Any]) -> Entry:
    return Entry(**saved)


def facts_of(info: Mapping[str, Any]) -> dict[str, Any]:
    """The part of yt-dlp's info that filters and the list of videos need, as plain JSON values."""
    said = {**info, "channel": info.get("channel") or info.get("uploader")}
    facts = {name: said[name] for name in FACTS if isinstance(said.get(name), str | int | float)}
    return {name: clean(fact, MAX_FACT_CHARACTERS) if isinstance(fact, str) else fact for name, fact in facts.items()}


def without_tracking(url: str) -> str:
    """The address without what only says where a reader came from."""
    base, question, rest = url.partition("?")
    if not question:
        return url
    query, hash_sign, fragment = rest.partition("#")
    kept = [part for part in query.split("&") if not TRACKING.fullmatch(urllib.parse.unquote(part.partition("=")[0]).lower())]
    return base + ("?" if kept else "") + "&".join(kept) + hash_sign + fragment


def name_key(name: str, version: str = "") -> str:
    """16 hex for an address or guid; the same for every spelling of one address."""
    if name.startswith(("http://", "https://")):
        with contextlib.suppress(ValueError):  # what is no address is refused, with its reason, when it is asked
            name = canonical_url(without_tracking(name))
    return hashlib.blake2b(f"{name}\0{version}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
