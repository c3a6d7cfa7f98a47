"""Addresses to videos: what a page, feed, channel or playlist leads to, and one id for each video however it was found."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from tasks.discovery.entries import without_tracking
from tasks.errors import InputError, TransientError, UnusableVideoError, WorkflowError
from tasks.network.address import canonical_url, check_url
from tasks.network.session import SiteSession
from tasks.network.text import clean, shown
from tasks.schema import Video

MAX_DEPTH = 4  # lists within lists: a channel, its tabs, a playlist, its videos
MAX_TITLE_CHARACTERS = 300
MAX_ID_CHARACTERS = 64
HASHED = re.compile(r"_[0-9a-f]{32}")
SMUGGLED = "#__youtubedl_smuggle"  # yt-dlp's own notes to itself at the end of an address
PLACELESS = ("Generic", "HTML5MediaEmbed")  # extractors of any page: their ids are told apart by the page alone
LIVE = ("is_live", "is_upcoming", "post_live")

SetAside = tuple[str, str, str]
Resolve = Callable[[str, str | None], dict[str, Any]]


@dataclass(frozen=True)
class Described:
    """A video with all that its site said of it."""

    video: Video
    info: Mapping[str, Any]


def site_videos(session: SiteSession, url: str, source: str, resolve: Resolve) -> Iterator[Video | SetAside]:
    """As `described_videos`, the videos alone."""
    for item in described_videos(session, url, source, resolve):
        yield item.video if isinstance(item, Described) else item


def described_videos(
    session: SiteSession, url: str, source: str, resolve: Resolve, *, extractor: str | None = None, above: tuple[str, ...] = (),
    told: Mapping[str, Any] | None = None,
) -> Iterator[Described | SetAside]:
    """The videos that an address leads to, in the order of the site, found as they are asked for.

    resolve: `session.resolve`, tried again as the caller likes.
    above: the addresses that led here.
    told: what the list above says of it: title, timestamp, channel.
    Yields (address, code, problem) for an entry of a list that cannot be used.
    Raises the WorkflowError of the address itself.
    """
    here = canonical_url(_without_notes(url)) if "://" in url else url
    if here in above:
        raise InputError(f"cycle: {shown(here)} is in its own list", "give the address of the videos themselves")
    if len(above) >= MAX_DEPTH:
        raise InputError(f"lists within lists: {shown(here)} is {len(above)} deep", "give the inner list")
    result = resolve(url, extractor)
    if _is_bare(result):
        result.pop("timestamp", None)  # the date of the file, not of the upload
    if told and result.get("_type", "video") == "video":
        result = {**result, **told, "channel": result.get("channel") or result.get("uploader") or told.get("channel")}
    yield from _from_result(session, result, source, resolve, (*above, here))


def video_id(extractor: str, site_id: str) -> str:
    """`<site>_<id>`, hashed where the site's id is no safe file name; two videos never share one."""
    site = re.sub(r"[^a-z0-9]", "", extractor.lower())[:24] or "site"
    plain = f"{site}_{site_id}"
    safe = re.fullmatch(r"[A-Za-z0-9_-]+", site_id) and len(plain) <= MAX_ID_CHARACTERS and site == extractor.lower()
    if safe and not HASHED.fullmatch(site_id):
        return plain
    digest = hashlib.blake2b(f"{extractor}\0{site_id}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{site}__{digest}"


def web_id(url: str) -> str:
    """The id of a video that no site names: its own address's."""
    return f"web_{hashlib.blake2b(canonical_url(url).encode(), digest_size=8).hexdigest()}"


def _from_result(
    session: SiteSession, result: dict[str, Any], source: str, resolve: Resolve, above: tuple[str, ...],
) -> Iterator[Described | SetAside]:
    if result.get("_type", "video") == "video":
        yield _video(result, source)
        return
    for entry in session.entries(result):
        kind, link, extractor = entry.get("_type", "video"), str(entry.get("url") or ""), entry.get("ie_key")
        try:
            if kind == "video":
                inherited = {key: result.get(key) for key in ("extractor", "extractor_key", "webpage_url")}
                yield _video({**inherited, **entry, "in_list": True}, source)
            elif kind not in ("url", "url_transparent"):
                yield from _from_result(session, entry, source, resolve, above)
            elif entry.get("id") and "://" in link and session.is_video_link(extractor):
                yield _video({**entry, "extractor_key": extractor, "webpage_url": link}, source)
            else:
                told = _told(entry, result) if kind == "url_transparent" else None
                yield from described_videos(session, link, source, resolve, extractor=extractor, above=above, told=told)
        except WorkflowError as error:
            yield set_aside(_without_notes(link) or source, error)


def set_aside(what: str, error: WorkflowError) -> SetAside:
    """The row for something that cannot be used."""
    code = "bad_input"
    if isinstance(error, UnusableVideoError):
        code = error.code
    elif isinstance(error, TransientError):
        code = "unreachable"
    return shown(what, 200), code, error.problem


def _video(info: dict[str, Any], source: str) -> Described:
    """One video as its extractor describes it."""
    page = without_tracking(_without_notes(str(info.get("webpage_url") or "")))
    if info.get("is_live") or info.get("live_status") in LIVE:
        raise UnusableVideoError(f"live not supported: {shown(page)}", "list it again when it has ended", "live")
    extractor = str(info.get("extractor_key") or "Generic")
    formats = info.get("formats") or ([{"url": info["url"]}] if info.get("url") else [])
    if extractor == "HTML5MediaEmbed":  # yt-dlp numbers the players of a page
        info = {**info, "title": str(info.get("title") or "").removesuffix(" (1)")}
    if extractor in PLACELESS:
        media = without_tracking(str(formats[-1].get("url") or "")) if formats else ""
        url = media if info.get("in_list") else page
        # A page around one plain file is that file; addresses with a query may change from day to day.
        plain = len(formats) == 1 and media.startswith("http") and "?" not in media
        identity = media if plain else url
        name = web_id(identity)
    else:
        url, name = page, video_id(extractor, str(info.get("id") or ""))
    check_url(url, allow_private=True)  # its form; the address itself is checked whenever it is asked
    return Described(Video(id=name, url=url, source=source, **described(info)), info)


def described(info: Mapping[str, Any]) -> dict[str, str]:
    """What the list of videos keeps of yt-dlp's info: title, channel, uploaded, licence."""
    return {
        "title": clean(info.get("title"), MAX_TITLE_CHARACTERS),
        "channel": clean(info.get("channel") or info.get("uploader"), MAX_TITLE_CHARACTERS),
        "uploaded": _date(info), "licence": clean(info.get("license"), MAX_TITLE_CHARACTERS)}


def _told(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> dict[str, Any]:
    """What a feed says of its item; the feed itself is the channel."""
    names = ("title", "timestamp", "upload_date", "channel", "uploader", "license")
    return {"channel": feed.get("title"), **{name: entry[name] for name in names if entry.get(name)}}


def _is_bare(info: Mapping[str, Any]) -> bool:
    """True for an address that is the media file itself, without a page around it."""
    formats = info.get("formats") or [info]
    return bool(info.get("direct")) and str(formats[-1].get("url")) == _without_notes(str(info.get("webpage_url")))


def _date(info: Mapping[str, Any]) -> str:
    """The upload date, ISO, or empty."""
    day = str(info.get("upload_date") or "")
    if re.fullmatch(r"\d{8}", day, re.ASCII):
        with contextlib.suppress(ValueError):  # no day of any calendar
            return date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}").isoformat()
    moment = info.get("timestamp")
    if isinstance(moment, int | float) and 0 < moment < 32503680000:  # the year 3000
        return datetime.fromtimestamp(moment, UTC).date().isoformat()
    return ""


def _without_notes(url: str) -> str:
    return url.partition(SMUGGLED)[0]
