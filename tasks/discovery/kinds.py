"""What a source is: told by what the user wrote, without asking the network."""

import urllib.parse

from tasks.discovery.arguments import ADDRESS, MEDIA_EXTENSIONS, SEARCH, kind_of
from tasks.discovery.bucket import store_address
from tasks.errors import InputError
from tasks.network.address import check_url
from tasks.network.session import SiteSession
from tasks.network.text import shown
from tasks.params import DiscoveryParams, SourceParams
from tasks.storage.objects import check_address

FEED_EXTENSIONS = (".xml", ".rss", ".atom", ".rdf")
FEED_NAMES = ("feed", "rss", "atom")
MAX_SEARCH_CHARACTERS = 200


def check_source(source: SourceParams, params: DiscoveryParams) -> str:
    """The kind of a source, `auto` where only the session can tell.

    Raises InputError, naming the source, when it cannot be one: what, the value seen, what to do.
    """
    try:
        if source.feed:
            check_url(source.feed, allow_private=params.allow_private_addresses)
        return _check(source, params)
    except InputError as error:
        raise InputError(f"source {source.name}: {error.problem}", error.remedy) from error


def site_kind(session: SiteSession, source: SourceParams) -> str:
    """What an address leads to, as far as its form tells: video, playlist, feed or channel."""
    extractor, _ = session.extractor_of(source.url)
    parts = urllib.parse.urlsplit(source.url)
    if extractor == "Generic":
        path = parts.path.lower().rstrip("/")
        if path.endswith(FEED_EXTENSIONS) or path.rpartition("/")[2] in FEED_NAMES:
            return "feed"
        return "video" if path.endswith(MEDIA_EXTENSIONS) else "channel"
    if session.is_video_link(extractor):
        return "video"
    return "playlist" if parts.path == "/playlist" or "list" in urllib.parse.parse_qs(parts.query) else "channel"


def _check(source: SourceParams, params: DiscoveryParams) -> str:
    value, kind = source.url, source.kind
    if kind == "search":
        if ADDRESS.match(value) or SEARCH.match(value):
            raise InputError(f"search words expected: {shown(value)}", "write the words alone, without an address")
        if not value.strip() or not value.isprintable() or len(value) > MAX_SEARCH_CHARACTERS:
            raise InputError(f"search words expected: {shown(value)}", f"one line of at most {MAX_SEARCH_CHARACTERS} characters")
        return kind
    if kind == "bucket" or (kind == "auto" and value.startswith("s3://")):
        if not value.startswith("s3://"):
            raise InputError(f"not a bucket: {shown(value)}", "write s3://bucket/prefix")
        check_address(store_address(source))
        return "bucket"
    try:
        is_a = kind_of(value, allow_private=params.allow_private_addresses)
    except InputError as error:
        if kind == "auto" and not ADDRESS.match(value) and error.problem.startswith("not an http"):
            raise InputError(error.problem, "correct it; for words to search for write `kind: search`") from error
        raise
    if kind == "auto":
        return "auto" if is_a == "url" else is_a
    if is_a != (kind if kind in ("file", "folder", "list") else "url"):
        raise InputError(f"not a {kind}: {shown(value)} is a {is_a}", "correct kind or url")
    return kind
