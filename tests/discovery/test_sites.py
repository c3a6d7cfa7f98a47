"""One id for each video, safe as a file name; lists within lists."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.discovery.sites import site_videos, video_id
from tasks.errors import UnusableVideoError
from tasks.schema import VIDEO_ID, Video

IDS = st.one_of(st.text(), st.from_regex(r"[A-Za-z0-9_-]{1,70}", fullmatch=True), st.from_regex(r"_[0-9a-f]{32}", fullmatch=True))


@given(st.lists(st.tuples(st.sampled_from(["Youtube", "Vimeo", "A:b", "ARD mediathek"]), IDS), unique=True, max_size=20))
def test_ids_are_safe_names_and_never_shared(pairs: list[tuple[str, str]]) -> None:
    names = [video_id(*pair) for pair in pairs]
    assert all(VIDEO_ID.fullmatch(name) for name in names)
    assert len(set(names)) == len({(extractor.lower(), site_id) for extractor, site_id in pairs})


@pytest.mark.parametrize("site_id", ["CON", "-rf", "dQw4w9WgXcQ", "a_b"])
def test_a_safe_id_is_kept_readable(site_id: str) -> None:
    assert video_id("Youtube", site_id) == f"youtube_{site_id}"


@pytest.mark.parametrize("site_id", [".", "..", "a/b", "../../etc/cron.d/x", "a\0b", "%(title)s", "x" * 4096, "\u202egpj", ""])
def test_an_unsafe_id_is_hashed(site_id: str) -> None:
    assert video_id("Youtube", site_id).startswith("youtube__")


class Site:
    """Playlists as yt-dlp's extractors give them, without a network."""

    def __init__(self, pages: dict[str, dict[str, Any]]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def resolve(self, url: str, extractor: str | None) -> dict[str, Any]:
        self.asked.append(url)
        return {"webpage_url": url, **self.pages[url]}

    def entries(self, playlist: dict[str, Any]) -> Iterator[dict[str, Any]]:
        return iter(playlist["entries"])

    def is_video_link(self, extractor: str | None) -> bool:
        return extractor == "Youtube"

    def videos(self, url: str) -> list[Any]:
        return list(site_videos(self, url, "typed", self.resolve))  # type: ignore[arg-type]


def link(site_id: str) -> dict[str, Any]:
    url = f"https://www.youtube.com/watch?v={site_id}"
    return {"_type": "url", "ie_key": "Youtube", "id": site_id, "url": url, "title": site_id}


def test_a_channel_of_tabs_gives_its_videos_without_asking_for_each() -> None:
    tabs = [{"_type": "url", "url": f"https://www.youtube.com/@c/{tab}", "ie_key": "YoutubeTab"} for tab in ("videos", "shorts")]
    site = Site({
        "https://www.youtube.com/@c": {"_type": "playlist", "entries": tabs},
        "https://www.youtube.com/@c/videos": {"_type": "playlist", "entries": [link("a"), link("b")]},
        "https://www.youtube.com/@c/shorts": {"_type": "playlist", "entries": [link("c")]}})
    found = site.videos("https://www.youtube.com/@c")
    assert [video.id for video in found] == ["youtube_a", "youtube_b", "youtube_c"]
    assert len(site.asked) == 3


def test_a_playlist_that_contains_itself_is_a_cycle_and_the_rest_is_kept() -> None:
    itself = {"_type": "url", "url": "https://www.youtube.com/playlist?list=P", "ie_key": "YoutubeTab"}
    site = Site({"https://www.youtube.com/playlist?list=P": {"_type": "playlist", "entries": [itself, link("a")]}})
    (aside, video) = site.videos("https://www.youtube.com/playlist?list=P")
    assert aside[1] == "bad_input"
    assert "cycle" in aside[2]
    assert video.id == "youtube_a"


def test_lists_without_bottom_are_left() -> None:
    class Endless(Site):
        def resolve(self, url: str, extractor: str | None) -> dict[str, Any]:
            self.asked.append(url)
            deeper = {"_type": "url", "url": f"{url}/x", "ie_key": "Tab"}
            return {"_type": "playlist", "webpage_url": url, "entries": [deeper]}

    site = Endless({})
    assert "lists within lists" in site.videos("https://h")[0][2]
    assert len(site.asked) < 10


def test_titles_are_text_and_never_names() -> None:
    hostile = {"id": "a", "extractor_key": "Youtube", "title": "../../etc/cron.d/x\x1b[2J\n" + "x" * 10_000, "channel": "\u202eA"}
    (video,) = Site({"https://h/v": hostile}).videos("https://h/v")
    assert video.id == "youtube_a"
    assert video.title.startswith("../../etc/cron.d/x[2J xx")
    assert len(video.title) == 300
    assert video.channel == "A"


def test_an_entry_with_a_private_or_odd_address_is_set_aside() -> None:
    odd = {"_type": "url", "ie_key": "Youtube", "id": "x", "url": "javascript://x"}
    site = Site({"https://h/p": {"_type": "playlist", "entries": [odd, link("a")]}})
    (aside, video) = site.videos("https://h/p")
    assert "scheme refused" in aside[2]
    assert isinstance(video, Video)


def test_a_live_stream_in_a_list_is_set_aside() -> None:
    live = {**link("l"), "live_status": "is_live"}
    site = Site({"https://h/p": {"_type": "playlist", "entries": [live]}})
    assert site.videos("https://h/p")[0][1] == "live"


def test_a_live_video_itself_is_an_error() -> None:
    site = Site({"https://h/v": {"id": "a", "extractor_key": "Youtube", "is_live": True}})
    with pytest.raises(UnusableVideoError, match="live not supported"):
        site.videos("https://h/v")
