"""A small video site on loopback that grows while it is watched, and misbehaves when told to.

    with Site() as site:
        site.channel("kitchen", feed_items=15, page_items=30)
        onion = site.publish("kitchen", Path("data/sample/little-kitchen-1-001.mp4"), title="Cut an onion", duration=20.0)
        site.listing("kitchen")      # pages of links, each naming the next one and the feed
        site.feed("kitchen")         # RSS: the newest 15, answers 304 to one who has it already
        onion.page                   # its page, with JSON-LD; onion.short, onion.embed and onion.tracked lead to the same video
        site.script(onion.media, Busy(429), Drop(after=5000))    # faults of tests.servers, one a request
        site.block()                 # a bot wall in front of everything, until site.unblock()
        site.share(onion, "best", "short")                       # the same video in another channel, under its short address
        site.remove(onion)           # gone from feed and listing; its addresses answer 404
        site.web.requests            # every request that was made

Settings that let framewords fetch from it: `discovery.allow_private_addresses: true, discovery.allowed_hosts: ["127.0.0.1"]`.
Without a duration the page says none; a video needs no file where nothing is downloaded.
"""

import hashlib
import html
import json
import urllib.parse
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Self

from tests.servers import Answer, Busy, Fault, Instead, Page, Redirect, Request, WebServer

OPENING = datetime(2026, 1, 1, 12, tzinfo=UTC)
STUB = b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00isom" * 20  # taken for an MP4 by its first bytes
GONE = Page(b"gone", status=404)
WALL = Page(b"<html><title>Sign in to confirm you're not a bot</title></html>", status=429)


@dataclass
class SiteVideo:
    """One upload. when: its date, which orders feed and listing; in_feed, listed: where it shows.

    page, short, embed, tracked, media: its addresses; the first four lead to the last.
    """

    number: int
    channel: str
    base: str
    title: str
    when: datetime
    duration: float | None
    views: int
    licence: str
    language: str
    captions: str | None
    in_feed: bool = True
    listed: bool = True
    gone: bool = False

    @property
    def page(self) -> str:
        return f"{self.base}/{self.channel}/{self.number}.html"

    @property
    def short(self) -> str:
        return f"{self.base}/s/{self.number}"

    @property
    def embed(self) -> str:
        return f"{self.base}/embed/{self.number}.html"

    @property
    def tracked(self) -> str:
        return f"{self.page}?utm_source=newsletter&fbclid=x"

    @property
    def media(self) -> str:
        return f"{self.base}/media/{self.number}.mp4"


@dataclass
class Channel:
    """feed_items: how many the feed shows, 0 for no feed. page_items: how many a page of the listing shows.

    feed_links: what the feed's items name: `media`, `page`, or `short`.
    """

    name: str
    feed_items: int = 15
    page_items: int = 30
    feed_links: str = "media"
    videos: list[SiteVideo] = field(default_factory=list)
    shared_as: dict[int, str] = field(default_factory=dict)  # under which address a video of another channel shows here

    def link(self, video: SiteVideo, usual: str) -> str:
        return str(getattr(video, self.shared_as.get(video.number, usual)))

    def newest(self) -> list[SiteVideo]:
        up = [video for video in self.videos if not video.gone]
        return sorted(up, key=lambda video: (video.when, video.number), reverse=True)


class Site:
    """The site, running for the length of a block. See the module."""

    def __init__(self, port: int = 0) -> None:
        self.web = WebServer(port=port)
        self.base = self.web.url("")
        self.channels: dict[str, Channel] = {}
        self.videos: list[SiteVideo] = []
        self.web.pages["/"] = lambda request: self._home()

    def __enter__(self) -> Self:
        self.web.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.web.__exit__(*error)

    def url(self, path: str = "/") -> str:
        return self.web.url(path)

    def listing(self, channel: str) -> str:
        return f"{self.base}/{channel}/"

    def feed(self, channel: str) -> str:
        return f"{self.base}/{channel}/feed.xml"

    def channel(self, name: str, *, feed_items: int = 15, page_items: int = 30, feed_links: str = "media") -> Channel:
        """A new channel without videos."""
        made = Channel(name, feed_items, page_items, feed_links)
        self.channels[name] = made
        self.web.pages[f"/{name}/"] = lambda request: self._list_page(made, request)
        if feed_items:
            self.web.pages[f"/{name}/feed.xml"] = lambda request: self._feed_page(made)
        return made

    def publish(
        self, channel: str, file: Path | None = None, *, title: str = "", duration: float | None = None,
        when: datetime | None = None, views: int = 100, licence: str = "", language: str = "", captions: str | None = None,
        in_feed: bool = True, listed: bool = True,
    ) -> SiteVideo:
        """A new upload.

        captions: WebVTT; a page with captions has a <video> element, of which yt-dlp reads only title and tracks.
        when: a day after the one before, when not given.
        """
        number = len(self.videos) + 1
        day = when or (self.videos[-1].when + timedelta(days=1) if self.videos else OPENING)
        video = SiteVideo(
            number, channel, self.base, title or f"{channel} {number}", day, duration, views, licence, language, captions,
            in_feed, listed)
        self.videos.append(video)
        self.channels[channel].videos.append(video)
        body = file.read_bytes() if file else STUB + str(number).encode()
        pages: dict[str, Answer] = {
            video.page: Page(_video_page(video)), video.embed: Page(_video_page(video)), video.short: Redirect(video.page),
            video.media: Page(body, "video/mp4", etag=f'"{number}-{len(body)}"')}
        if captions is not None:
            pages[f"{self.base}/media/{number}.vtt"] = Page(captions.encode(), "text/vtt")
        self.web.pages.update({self.path(address): page for address, page in pages.items()})
        return video

    def share(self, video: SiteVideo, channel: str, address: str = "page") -> None:
        """Show a video in another channel too, there under its `page`, `short`, `embed`, `tracked` or `media` address."""
        self.channels[channel].videos.append(video)
        self.channels[channel].shared_as[video.number] = address

    def remove(self, video: SiteVideo) -> None:
        """Take a video down everywhere."""
        video.gone = True
        for address in (video.page, video.embed, video.short, video.media):
            self.web.pages[self.path(address)] = GONE

    def script(self, address: str, *faults: Fault) -> None:
        """What the next requests for an address get, one each."""
        self.web.script(self.path(address), *faults)

    def block(self, *, retry_after: int | None = None) -> None:
        """Refuse everybody: with a bot wall, or with 429 and a time to come back."""
        fault: Fault = Instead(WALL) if retry_after is None else Busy(429, retry_after)
        self.web.trouble = lambda request: fault

    def unblock(self) -> None:
        self.web.trouble = lambda request: None

    def path(self, address: str) -> str:
        return address.removeprefix(self.base)

    def _home(self) -> Page:
        return Page(_html("All channels", "".join(f'<li><a href="/{name}/">{name}</a></li>' for name in self.channels)))

    def _feed_page(self, channel: Channel) -> Page:
        shown = [video for video in channel.newest() if video.in_feed][:channel.feed_items]
        items = "".join(_item(video, channel.link(video, channel.feed_links)) for video in shown)
        body = FEED.format(title=html.escape(channel.name), base=self.base, items=items).encode()
        return Page(body, "application/rss+xml", etag=f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"')

    def _list_page(self, channel: Channel, request: Request) -> Page:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
        number = int(query.get("page", ["1"])[0])
        listed = [video for video in channel.newest() if video.listed]
        start = (number - 1) * channel.page_items
        shown = listed[start:start + channel.page_items]
        links = "".join(
            f'<li><a href="{self.path(channel.link(video, "page"))}">{html.escape(video.title)}</a></li>' for video in shown)
        feed = f'<link rel="alternate" type="application/rss+xml" href="{self.path(self.feed(channel.name))}">'
        more = f'<a rel="next" href="?page={number + 1}">more</a>' if start + channel.page_items < len(listed) else ""
        return Page(_html(channel.name, f"<main><ul>{links}</ul></main>{more}", feed if channel.feed_items else ""))


FEED = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel>'
    "<title>{title}</title><link>{base}/</link>{items}</channel></rss>")


def _item(video: SiteVideo, link: str) -> str:
    enclosure = f'<enclosure url="{video.media}" type="video/mp4"/>' if link == video.media else ""
    page = html.escape(video.page if link == video.media else link)
    return (
        f'<item><title>{html.escape(video.title)}</title><link>{page}</link><guid isPermaLink="false">v{video.number}</guid>'
        f"<pubDate>{format_datetime(video.when)}</pubDate>{enclosure}"
        f'<media:community><media:statistics views="{video.views}"/></media:community></item>')


def _video_page(video: SiteVideo) -> bytes:
    linked: dict[str, object] = {
        "@context": "https://schema.org", "@type": "VideoObject", "name": video.title, "description": video.title,
        "thumbnailUrl": f"{video.base}/thumbnail.jpg", "uploadDate": video.when.isoformat(), "contentUrl": video.media,
        "author": {"@type": "Person", "name": video.channel},
        "interactionStatistic": {
            "@type": "InteractionCounter", "interactionType": {"@type": "WatchAction"}, "userInteractionCount": video.views}}
    if video.duration is not None:
        linked["duration"] = f"PT{video.duration:.2f}S"
    head = f'<script type="application/ld+json">{json.dumps(linked)}</script>'
    body = f"<h1>{html.escape(video.title)}</h1>"
    if video.captions is not None:
        track = f'<track kind="captions" srclang="en" src="/media/{video.number}.vtt">'
        body += f'<video src="/media/{video.number}.mp4">{track}</video>'
    return _html(video.title, body, head)


def _html(title: str, body: str, head: str = "") -> bytes:
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{html.escape(title)}</title>{head}</head>'
        f"<body>{body}</body></html>").encode()
