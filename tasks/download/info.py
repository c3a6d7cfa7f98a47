"""What is known about a video, fit to be stored: named fields only, no addresses that are keys, no cookies, no clock."""

import json
import math
from collections.abc import Mapping
from typing import Any

from tasks.network.text import clean
from tasks.schema import Video

TEXTS = {
    "title": 300, "channel": 300, "channel_id": 100, "uploader": 300, "uploader_id": 100, "upload_date": 8, "language": 20,
    "description": 5_000, "availability": 30, "extractor": 60, "age_limit": 4}
NUMBERS = ("duration", "view_count", "like_count", "comment_count", "channel_follower_count")
LISTS = ("tags", "categories")
MAX_LIST_ITEMS, MAX_CHAPTERS, MAX_ITEM_CHARACTERS = 100, 500, 200


def sanitised_info(info: Mapping[str, Any], video: Video) -> dict[str, Any]:
    """The fields of yt-dlp's info that may be kept, cleaned and capped; the catalogue's row fills what is missing."""
    kept: dict[str, Any] = {
        "id": video.id, "site_id": clean(info.get("id"), 200), "title": clean(video.title, 300),
        "channel": clean(video.channel, 300), "upload_date": clean(video.uploaded.replace("-", ""), 8)}
    # A bare media file has its name for a title and its date for an upload: the list knows as much or better.
    weak = ("title", "upload_date") if info.get("direct") and (video.title or video.uploaded) else ()
    for name, limit in TEXTS.items():
        if name not in weak and (text := clean(info.get(name), limit)):
            kept[name] = text
    kept["licence"] = clean(info.get("license") or info.get("licence") or video.licence, 300)
    kept["webpage_url"] = video.url if video.url.startswith("http") else ""
    for name in NUMBERS:
        if (number := _number(info.get(name))) is not None:
            kept[name] = number
    for name in LISTS:
        items = info.get(name)
        texts = [clean(item, MAX_ITEM_CHARACTERS) for item in items[:MAX_LIST_ITEMS]] if isinstance(items, list) else []
        kept[name] = [text for text in texts if text]
    chapters = info.get("chapters")
    kept["chapters"] = [
        {"start": _number(chapter.get("start_time")), "end": _number(chapter.get("end_time")),
         "title": clean(chapter.get("title"), MAX_ITEM_CHARACTERS)}
        for chapter in (chapters[:MAX_CHAPTERS] if isinstance(chapters, list) else []) if isinstance(chapter, Mapping)]
    return kept


def info_bytes(info: Mapping[str, Any]) -> bytes:
    """As stored: sorted, one field a line."""
    return (json.dumps(info, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value
