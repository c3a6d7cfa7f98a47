"""Listing a site: the entries of a channel, playlist, search or page, fetched as they are asked for."""

import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from tasks.discovery.entries import Entry, facts_of
from tasks.discovery.feed import channel_feed, is_feed, parse_feed
from tasks.discovery.page import MAX_PAGE_BYTES, ListPage, parse_page
from tasks.discovery.sites import PLACELESS, SMUGGLED, video_id
from tasks.errors import InputError, TransientError, UnusableVideoError
from tasks.network.address import canonical_url, host_of, is_listed
from tasks.network.session import Answer, SiteSession
from tasks.network.text import shown

MAX_DEPTH = 4  # lists within lists: a channel, its tabs
MAX_PAGES = 200
MAX_PARTS = 50
AT_ONCE = 20  # entries that a known site gives with the first request
DIRECT = ("Youtube", "Vimeo")  # extractors whose address alone tells the id they will give ...
DIRECT_HOSTS = ("youtube.com", "youtu.be", "youtube-nocookie.com", "vimeo.com")  # ... and where they are
CHANNEL_TABS = ("/videos", "/shorts", "/streams", "/live", "/playlists", "/releases")

Result = TypeVar("Result")
Retry = Callable[[Callable[[], Result]], Result]
Read = Callable[[Iterator[Entry], int], None]


@dataclass
class Learnt:
    """What listing a source told besides its entries.

    feed: where its feed lies. title: of the channel. single: the page that lists nothing, which may be a video's own.
    url: where it was found in the end, after redirects.
    """

    feed: str = ""
    title: str = ""
    single: Entry | None = None
    url: str = ""


def entry_for(session: SiteSession, address: str) -> Entry:
    """An address as an entry, with its video id where the address alone tells it."""
    if not is_listed(host_of(address), DIRECT_HOSTS):
        return Entry(address)
    extractor, site_id = session.extractor_of(address)
    if extractor not in DIRECT or not site_id:
        return Entry(address)
    url = f"https://www.youtube.com/watch?v={site_id}" if extractor == "Youtube" else address
    return Entry(url, video_id(extractor, site_id))


def list_site(session: SiteSession, url: str, read: Read, retry: Retry[dict[str, Any]]) -> Learnt:
    """List an address that one of yt-dlp's extractors reads.

    read: called with the entries of each list in it (a channel has one for each tab) and how many of them come with the first
    request; takes as many as it likes.
    Raises the WorkflowError of the address.
    """
    result = retry(lambda: session.resolve(url))
    learnt = Learnt(title=str(result.get("channel") or result.get("uploader") or result.get("title") or ""))
    channel = str(result.get("channel_id") or "")
    whole_channel = not urllib.parse.urlsplit(url).path.rstrip("/").endswith(CHANNEL_TABS)
    if result.get("extractor_key") == "YoutubeTab" and channel.startswith("UC") and whole_channel and "list=" not in url:
        learnt.feed = channel_feed(channel)
    if result.get("_type", "video") == "video":
        read(iter([_from_info(result, result)]), 1)
    else:
        _walk(session, result, read, retry, (canonical_url(url),))
    return learnt


def list_search(session: SiteSession, words: str, count: int, read: Read, retry: Retry[dict[str, Any]]) -> Learnt:
    """List what a search finds, at most `count`, in the site's order."""
    _walk(session, retry(lambda: session.search(words, count)), read, retry, ())
    return Learnt()


def list_page(session: SiteSession, url: str, read: Read, retry: Retry[Any]) -> Learnt:
    """List a page of a site without an extractor of its own, and the pages that follow it.

    A page that lists nothing is taken for a video's own. Raises the WorkflowError of the address.
    """
    answer = retry(partial(_fetch, session, url))
    if is_feed(answer.body):
        feed = parse_feed(answer.body, answer.url)
        read(iter(feed.entries), len(feed.entries))
        return Learnt(answer.url, feed.title, url=answer.url)
    first = parse_page(answer.body, answer.url)
    entries = _following(session, first, answer.url, retry)
    some = next(entries, None)
    if some is None:
        single = entry_for(session, url)
        read(iter([single]), 1)
        return Learnt(first.feed, first.title, single, answer.url)
    read(chain([some], entries), len(first.entries))
    return Learnt(first.feed, first.title, url=answer.url)


def _fetch(session: SiteSession, url: str) -> Answer:
    """A whole page. Without a length, and without its end, nothing tells that it was not cut short on the way."""
    answer = session.fetch(url, {}, MAX_PAGE_BYTES)
    body = answer.body.lower()
    if not {"content-length", "transfer-encoding"} & set(answer.headers) and b"<html" in body and b"</html>" not in body:
        raise TransientError(f"page is cut short: {shown(url)}", "run again later")
    return answer


def _following(session: SiteSession, page: ListPage, url: str, retry: Retry[Any]) -> Iterator[Entry]:
    """The entries of a page and of those after it. One that leads back, cannot be had or may not be asked ends the list."""
    seen = {canonical_url(url)}
    while True:
        for entry in page.entries:
            known = entry_for(session, entry.address)
            yield replace(known, facts=entry.facts)
        if not page.following or canonical_url(page.following) in seen or len(seen) >= MAX_PAGES:
            return
        seen.add(canonical_url(page.following))
        try:
            answer = retry(partial(_fetch, session, page.following))
        except (InputError, UnusableVideoError):
            return
        page = parse_page(answer.body, answer.url)


def _walk(session: SiteSession, result: dict[str, Any], read: Read, retry: Retry[dict[str, Any]], above: tuple[str, ...]) -> None:
    """Let `read` have the entries of a list, then those of the lists within it."""
    inner: list[dict[str, Any]] = []

    def own() -> Iterator[Entry]:
        for entry in session.entries(result):
            if entry.get("_type", "video") == "video":
                yield _from_info(entry, result)
            elif _is_list(session, entry):
                inner.append(entry)
            elif (address := str(entry.get("url") or "").partition(SMUGGLED)[0]):
                yield _from_link(session, entry, address)

    read(own(), AT_ONCE)
    for entry in inner[:MAX_PARTS] if len(above) < MAX_DEPTH else ():
        address = str(entry.get("url") or "")
        if entry.get("_type") not in ("url", "url_transparent"):
            _walk(session, entry, read, retry, above)
        elif canonical_url(address) not in above:
            found = retry(partial(session.resolve, address, entry.get("ie_key")))
            if found.get("_type", "video") == "video":
                read(iter([_from_info(found, found)]), 1)
            else:
                _walk(session, found, read, retry, (*above, canonical_url(address)))


def _is_list(session: SiteSession, entry: dict[str, Any]) -> bool:
    if entry.get("_type") not in ("url", "url_transparent"):
        return True
    key = entry.get("ie_key")
    return bool(key) and key not in PLACELESS and not session.is_video_link(key)


def _from_link(session: SiteSession, entry: dict[str, Any], address: str) -> Entry:
    key, site_id = str(entry.get("ie_key") or ""), str(entry.get("id") or "")
    if site_id and "://" in address and session.is_video_link(key):
        return Entry(address, video_id(key, site_id), facts_of(entry))
    known = entry_for(session, address) if "://" in address else Entry(address)
    return Entry(known.address, known.id, facts_of(entry))


def _from_info(info: dict[str, Any], playlist: dict[str, Any]) -> Entry:
    """A video described in full within its list."""
    key = str(info.get("extractor_key") or playlist.get("extractor_key") or "Generic")
    address = str(info.get("webpage_url") or info.get("url") or playlist.get("webpage_url") or "").partition(SMUGGLED)[0]
    site_id = str(info.get("id") or "")
    return Entry(address, video_id(key, site_id) if key not in PLACELESS and site_id else "", facts_of(info))
