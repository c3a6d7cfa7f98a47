"""The local site around the videos: a page each with JSON-LD, an RSS feed and a list a channel, and the same for all.

Pages have no <video> tag: with one, yt-dlp reads the tag and not the views, author and date. Feeds lead to the file.
"""

import datetime as dt
import html
import json
from collections.abc import Sequence
from email.utils import format_datetime
from pathlib import Path

from tests.bed.truth import VideoTruth

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta property="og:title" content="{title}"><meta property="og:image" content="{base}/{thumbnail}">
<script type="application/ld+json">{linked_data}</script></head>
<body><h1>{title}</h1><p><a href="index.html">{channel}</a> {day} {views} views</p>
<div id="player"><img width="640" src="{video_id}.jpg" alt=""></div>
<script>document.getElementById("player").onclick = function () {{ var v = document.createElement("video");
v.controls = true; v.width = 640; v.src = {video_id_json} + "." + "mp4"; this.replaceChildren(v); v.play(); }};</script>\
</body></html>
"""
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>{title}</title><link>{base}/</link>
<description>{title}</description>
{items}</channel></rss>
"""
ITEM = """  <item><title>{title}</title><link>{base}/{page}</link>
    <guid isPermaLink="false">{video_id}</guid><pubDate>{published}</pubDate>
    <author>{channel}</author><media:thumbnail url="{base}/{thumbnail}"/>
    <media:community><media:statistics views="{views}"/></media:community>
    <enclosure url="{base}/{path}" type="video/mp4" length="{size}"/></item>
"""
LIST = (
    '<!doctype html><html><head><meta charset="utf-8"><title>{title}</title>'
    '<link rel="alternate" type="application/rss+xml" href="feed.xml"></head><body><h1>{title}</h1><ul>\n'
    "{items}</ul></body></html>\n"
)


def publish(folder: Path, base: str, videos: Sequence[VideoTruth]) -> None:
    """Write pages, lists and, where the videos are there, feeds; sets `views` in each video's truth."""
    base = base.rstrip("/")
    now = max(dt.datetime.fromisoformat(video["published"]) for video in videos) + dt.timedelta(days=5)
    for video in videos:
        age = (now - dt.datetime.fromisoformat(video["published"])).total_seconds() / 86400
        video["views"], video["views_as_of"] = int(video["thumbnail"]["views_per_day"] * age), now.isoformat()
        (folder / video["page"]).write_text(_page(base, video))
    with_media = all((folder / video["path"]).exists() for video in videos)
    if with_media:
        (folder / "feed.xml").write_text(_feed(folder, base, "All channels", videos))
    (folder / "index.html").write_text(_list("All channels", videos, full_path=True))
    for channel in dict.fromkeys(video["channel"] for video in videos):
        rows = [video for video in videos if video["channel"] == channel]
        if with_media:
            (folder / channel / "feed.xml").write_text(_feed(folder, base, rows[0]["channel_name"], rows))
        (folder / channel / "index.html").write_text(_list(rows[0]["channel_name"], rows, full_path=False))
    (folder / "base.txt").write_text(base + "\n")


def _page(base: str, video: VideoTruth) -> str:
    linked_data = {
        "@context": "https://schema.org",
        "@type": "VideoObject",
        "name": video["title"],
        "description": f"{video['title']} from {video['channel_name']}",
        "identifier": video["video_id"],
        "thumbnailUrl": [f"{base}/{video['thumbnail']['path']}"],
        "uploadDate": video["published"],
        "duration": f"PT{int(video['duration'] // 60)}M{video['duration'] % 60:.2f}S",
        "contentUrl": f"{base}/{video['path']}",
        "encodingFormat": "video/mp4",
        "width": video["width"],
        "height": video["height"],
        "author": {"@type": "Person", "name": video["channel_name"], "url": f"{base}/{video['channel']}/index.html"},
        "publisher": {"@type": "Organization", "name": video["channel_name"]},
        "interactionStatistic": {
            "@type": "InteractionCounter",
            "interactionType": {"@type": "WatchAction"},
            "userInteractionCount": video["views"],
        },
    }
    return PAGE.format(
        title=html.escape(video["title"]),
        base=base,
        thumbnail=video["thumbnail"]["path"],
        linked_data=json.dumps(linked_data),
        channel=html.escape(video["channel_name"]),
        day=video["published"][:10],
        views=video["views"],
        video_id=video["video_id"],
        video_id_json=json.dumps(video["video_id"]),
    )


def _feed(folder: Path, base: str, title: str, videos: Sequence[VideoTruth]) -> str:
    """RSS, newest first."""
    items = [
        ITEM.format(
            title=html.escape(video["title"]),
            base=base,
            page=video["page"],
            video_id=video["video_id"],
            published=format_datetime(dt.datetime.fromisoformat(video["published"])),
            channel=html.escape(video["channel_name"]),
            thumbnail=video["thumbnail"]["path"],
            views=video["views"],
            path=video["path"],
            size=(folder / video["path"]).stat().st_size,
        )
        for video in sorted(videos, key=lambda video: video["published"], reverse=True)
    ]
    return FEED.format(title=html.escape(title), base=base, items="".join(items))


def _list(title: str, videos: Sequence[VideoTruth], *, full_path: bool) -> str:
    pages = [(video["page"] if full_path else Path(video["page"]).name, html.escape(video["title"])) for video in videos]
    items = "".join(f'<li><a href="{page}">{name}</a></li>\n' for page, name in pages)
    return LIST.format(title=html.escape(title), items=items)
