"""One look at a source, then another: what is new is found once, in few requests, whatever the site does."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.discovery.lister import nightly_cap
from tasks.discovery.sources import discover_source
from tasks.errors import BlockedError, InputError, TransientError
from tasks.params import DiscoveryParams, SourceParams
from tests.discovery.conftest import FIRST_NIGHT, MP4, Nights
from tests.servers import Busy, Drop, Instead, Page, Redirect, Short
from tests.site.site import OPENING, Site


def subscribed(site: Site, address: str = "", **options: Any) -> SourceParams:
    return SourceParams(name="kitchen", url=address or site.listing("kitchen"), **options)


def filled(site: Site, count: int = 4, *, feed_items: int = 5, page_items: int = 10, feed_links: str = "media") -> Site:
    site.channel("kitchen", feed_items=feed_items, page_items=page_items, feed_links=feed_links)
    for _ in range(count):
        site.publish("kitchen")
    return site


def numbers(first: int, last: int) -> list[str]:
    return [f"kitchen {number}" for number in range(first, last + 1)]


def test_a_channel_gives_its_uploads_oldest_first_and_each_once(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site))
    assert nights.titles(source) == numbers(1, 4)
    site.publish("kitchen")
    assert nights.titles(source) == ["kitchen 5"]
    assert nights.titles(source) == []


def test_a_quiet_night_costs_one_request_and_the_feed_is_not_sent_again(
        site: Site, params: DiscoveryParams, nights: Nights) -> None:
    nights.params = params.model_copy(update={"relist_nights": 3650})
    source = subscribed(filled(site))
    nights.look(source)
    nights.look(source)  # from here on the version of the feed is known
    site.web.requests.clear()
    for _ in range(20):
        assert nights.look(source).requests == 1
    assert {request.path for request in site.web.requests} == {"/kitchen/feed.xml"}
    assert all("If-None-Match" in request.headers for request in site.web.requests)


@pytest.mark.parametrize("options", [{}, {"feed_items": 0}, {"feed_links": "page"}, {"feed_links": "short"}])
def test_a_quiet_source_costs_at_most_1_1_requests_a_night(site: Site, nights: Nights, options: dict[str, Any]) -> None:
    source = subscribed(filled(site, 30, **options), first_index=4)
    nights.look(source)
    site.web.requests.clear()
    reported = [nights.look(source).requests for _ in range(120)]
    assert sum(reported) == len(site.web.requests)
    assert 1 < sum(reported) / 120 <= 1.1  # deep listings among them


def test_redirects_of_a_source_are_not_followed_every_night_and_followed_anew_when_they_break(
        site: Site, nights: Nights) -> None:
    filled(site)
    site.web.pages["/old.xml"] = Redirect("/kitchen/feed.xml")
    source = subscribed(site, site.url("/old.xml"))
    nights.look(source)
    assert sum(nights.look(source).requests for _ in range(60)) <= 1.1 * 60
    site.web.pages["/new.xml"] = site.web.pages.pop("/kitchen/feed.xml")
    site.web.pages["/old.xml"] = Redirect("/new.xml")
    site.publish("kitchen")
    assert nights.titles(source) == ["kitchen 5"]


def test_a_page_that_is_a_feed_is_followed_as_one(site: Site, nights: Nights) -> None:
    filled(site)
    site.web.pages["/updates"] = site.web.pages["/kitchen/feed.xml"]
    source = subscribed(site, site.url("/updates"))
    assert nights.titles(source) == numbers(1, 4)
    for _ in range(7):  # more than it shows
        site.publish("kitchen")
    assert nights.titles(source) == numbers(7, 11)
    assert nights.look(source).requests == 1


def test_a_listing_ends_where_its_next_page_cannot_be_had(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site, 12, feed_items=0))
    site.script(f"{site.listing('kitchen')}?page=2", Instead(Page(b"", status=404)))
    assert nights.titles(source) == numbers(3, 12)


def test_the_first_listing_takes_the_newest_and_what_is_older_stays_out_for_good(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site, 12), first_index=3)
    found = nights.look(source)
    assert [video.title for video in found.videos] == numbers(10, 12)
    assert any("9 older" in note for note in found.notes)
    for video in site.videos[-3:]:  # older ones move up
        site.remove(video)
    assert [nights.titles(source) for _ in range(40)] == [[]] * 40  # deep listings among them


def test_what_lies_beyond_a_cut_first_listing_stays_out_when_all_before_it_is_gone(
        site: Site, params: DiscoveryParams, nights: Nights) -> None:
    nights.params = params.model_copy(update={"relist_videos": 12})
    source = subscribed(filled(site, 30), first_index=2)
    nights.look(source)
    for video in site.videos[-9:]:
        site.remove(video)
    assert [nights.titles(source) for _ in range(40)] == [[]] * 40


def test_a_burst_longer_than_the_feed_is_listed_as_far_as_the_overlap(
        site: Site, params: DiscoveryParams, nights: Nights) -> None:
    nights.params = params.model_copy(update={"relist_nights": 3650})
    source = subscribed(filled(site, 60), first_index=2)
    nights.look(source)
    for _ in range(22):
        site.publish("kitchen")
    site.web.requests.clear()
    assert nights.titles(source) == numbers(61, 82)
    listed = [path for path in site.web.paths if path == "/kitchen/" or "page=" in path]
    assert listed == ["/kitchen/", "/kitchen/?page=2", "/kitchen/?page=3"]  # and not the six after them


def test_an_upload_that_appears_while_a_listing_runs_is_found_the_next_night(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site, 8, feed_items=0, page_items=4))

    def appear(request: Any) -> None:
        if request.path.endswith("page=2") and len(site.videos) == 8:
            site.publish("kitchen")

    site.web.trouble = appear
    assert nights.titles(source) == numbers(1, 8)
    assert nights.titles(source) == ["kitchen 9"]


def test_an_upload_dated_back_is_found_in_the_feed_and_beyond_it_by_a_deep_listing(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site, 12))
    nights.look(source)
    site.publish("kitchen", title="near", when=site.videos[-1].when - timedelta(days=3, hours=1))
    assert nights.titles(source) == ["near"]
    site.publish("kitchen", title="far", when=OPENING + timedelta(days=3, hours=1))
    assert "far" in [title for _ in range(31) for title in nights.titles(source)]


def test_what_a_full_feed_hid_at_first_stays_out_and_what_a_short_one_gains_is_new(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site, 9), site.feed("kitchen"))
    assert nights.titles(source) == numbers(5, 9)
    site.remove(site.videos[8])
    assert nights.titles(source) == []  # number 4 moved up
    site.channel("studio")
    site.publish("studio")
    short = SourceParams(name="studio", url=site.feed("studio"))
    nights.look(short)
    site.publish("studio", title="dated back", when=OPENING - timedelta(days=9))
    assert nights.titles(short) == ["dated back"]


def test_an_upload_that_its_feed_shows_late_is_found_when_it_shows(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site), site.feed("kitchen"))
    nights.look(source)
    late = site.publish("kitchen", in_feed=False)
    site.publish("kitchen")
    assert nights.titles(source) == ["kitchen 6"]
    late.in_feed = True
    assert nights.titles(source) == ["kitchen 5"]


def test_one_video_under_many_addresses_and_in_two_sources_is_one_video(site: Site, nights: Nights) -> None:
    filled(site, 1)
    video = site.videos[0]
    for name, address in (("best", "short"), ("top", "tracked"), ("old", "embed")):
        site.channel(name)
        site.share(video, name, address)
    sources = [SourceParams(name=name, url=site.listing(name)) for name in ("kitchen", "best", "top", "old")]
    singles = [SourceParams(name=f"v{n}", url=url) for n, url in enumerate((video.page, video.short, video.tracked, video.media))]
    assert [len(nights.look(source).videos) for source in (*sources, *singles)] == [1] + [0] * 7
    assert [nights.look(source).requests for source in singles] == [0] * 4


def test_pages_with_a_player_are_told_apart_by_their_media_however_alike_their_names(site: Site, nights: Nights) -> None:
    captions = "WEBVTT\n\n00:00.000 --> 00:01.000\nonions\n"
    for name in ("kitchen", "studio"):
        site.channel(name)
        site.publish(name, title=name, captions=captions)
    twin = site.videos[1].page.replace("2.html", "1.html")  # both pages are called 1.html
    site.web.pages[site.path(twin)] = site.web.pages[site.path(site.videos[1].page)]
    lists = [SourceParams(name=f"v{n}", url=url, kind="video") for n, url in enumerate((site.videos[0].page, twin))]
    found = [nights.look(source).videos[0] for source in lists]
    assert [(video.title, video.url) for video in found] == [("kitchen", site.videos[0].page), ("studio", twin)]
    assert nights.titles(SourceParams(name="file", url=site.videos[0].media)) == []


def test_a_page_of_a_feed_describes_its_file_only_when_it_is_around_that_file(site: Site, nights: Nights) -> None:
    filled(site, 2)
    site.web.pages[site.path(site.videos[1].page)] = Page(b"<html><body>a shop</body></html>")
    found = nights.look(subscribed(site, site.feed("kitchen")))
    assert [video.url for video in found.videos] == [site.videos[0].page, site.videos[1].media]


def test_filtered_uploads_are_counted_with_their_reason_and_judged_again_when_filters_change(site: Site, nights: Nights) -> None:
    filled(site, 3)
    site.publish("kitchen", title="kitchen live", views=10)
    strict = subscribed(site, title_excludes="live", min_views=5)
    found = nights.look(strict)
    assert [video.title for video in found.videos] == numbers(1, 3)
    assert [(address, code) for address, code, _ in found.filtered] == [(site.videos[3].page, "filtered_title")]
    assert nights.look(strict).filtered == ()
    site.web.requests.clear()
    assert nights.titles(subscribed(site, min_views=5)) == ["kitchen live"]
    assert len(site.web.requests) == 1  # the feed


def test_an_upload_with_too_few_views_is_taken_once_it_has_enough(site: Site, nights: Nights) -> None:
    filled(site, 2)
    site.publish("kitchen", title="young", views=3)
    source = subscribed(site, min_views=50)
    assert nights.titles(source) == numbers(1, 2)
    assert nights.look(source).filtered == ()
    site.videos[2].views = 60
    assert nights.titles(source) == ["young"]


def test_an_upload_that_cannot_be_looked_at_waits_and_is_not_lost(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site))
    nights.look(source)
    new = site.publish("kitchen")
    site.script(new.page, *[Busy()] * 6)
    found = nights.look(source)
    assert (found.videos, found.waiting) == ((), 1)
    assert isinstance(found.trouble, TransientError)
    for _ in range(6):  # it has left the feed
        site.publish("kitchen")
    later = [title for _ in range(5) for title in nights.titles(source)]
    assert sorted(later) == sorted(numbers(5, 11))


def test_an_address_that_leads_to_no_video_is_asked_five_times_and_then_set_aside(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site, 1))
    site.web.pages["/kitchen/about"] = Page(b"<html><body>about us</body></html>")
    page = site.web.pages["/kitchen/"]
    assert callable(page)

    def with_link(request: Any) -> Page:
        shown = page(request)
        assert isinstance(shown, Page)
        return Page(shown.body.replace(b"<ul>", b'<ul><li><a href="about">about</a></li>'))

    site.web.pages["/kitchen/"] = with_link
    filtered = [row for _ in range(20) for row in nights.look(source).filtered]
    assert [(address, code) for address, code, _ in filtered] == [(site.url("/kitchen/about"), "unsupported")]
    assert site.web.paths.count("/kitchen/about") == 5


def test_a_wall_on_the_way_stops_the_looking_and_the_rest_waits(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site, 6))
    answered = 0

    def wall(request: Any) -> Any:
        nonlocal answered
        answered += "/kitchen/" in request.path and request.path.endswith(".html")
        return Busy(429) if answered > 2 else None

    site.web.trouble = wall
    found = nights.look(source)
    assert isinstance(found.trouble, BlockedError)
    assert len(found.videos) + found.waiting == 6
    asked = answered
    assert asked == 3
    site.unblock()
    assert len(nights.titles(source)) == 6 - len(found.videos)


def test_a_source_that_blocks_us_raises_and_loses_nothing(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site))
    nights.look(source)
    site.publish("kitchen")
    site.block()
    with pytest.raises(BlockedError):
        nights.look(source)
    site.unblock()
    assert nights.titles(source) == ["kitchen 5"]


@pytest.mark.parametrize("fault", [Busy(503), Drop(40), Short(60), Short(60, promise=True)])
def test_a_feed_that_fails_for_a_moment_is_asked_again_and_one_that_fails_for_longer_is_transient(
        site: Site, nights: Nights, fault: Any) -> None:
    source = subscribed(filled(site), site.feed("kitchen"))
    site.script(site.feed("kitchen"), fault, fault)
    assert len(nights.titles(source)) == 4
    site.publish("kitchen")
    site.script(site.feed("kitchen"), *[fault] * 3)
    with pytest.raises(TransientError):
        nights.look(source)
    assert nights.titles(source) == ["kitchen 5"]


def test_a_feed_that_is_html_is_bad_input_where_it_is_the_source_and_left_alone_where_it_is_not(
        site: Site, nights: Nights) -> None:
    filled(site)
    site.web.pages["/kitchen/feed.xml"] = Page(b"<!doctype html><html><body>moved</body></html>")
    with pytest.raises(InputError, match="feed is HTML"):
        nights.look(subscribed(site, site.feed("kitchen"), kind="feed"))
    source = subscribed(site)
    found = nights.look(source)
    assert any("feed cannot be used" in note for note in found.notes)
    site.publish("kitchen")
    assert nights.titles(source) == ["kitchen 5"]


def test_a_source_that_is_gone_is_bad_input(site: Site, nights: Nights) -> None:
    with pytest.raises(InputError, match=r"source kitchen: .*404"):
        nights.look(subscribed(site, site.url("/nothing/")))


def test_a_channel_without_uploads_is_none_the_worse(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site, 0))
    assert nights.titles(source) == []
    site.publish("kitchen")
    assert [title for _ in range(3) for title in nights.titles(source)] == ["kitchen 1"]


def test_of_another_address_under_the_same_name_nothing_is_remembered(site: Site, nights: Nights) -> None:
    filled(site, 3)
    nights.look(subscribed(site))
    site.channel("studio")
    site.publish("studio")
    assert nights.titles(SourceParams(name="kitchen", url=site.listing("studio"))) == ["studio 4"]


def test_a_state_that_was_not_kept_finds_the_same_again_and_doubles_nothing(site: Site, nights: Nights) -> None:
    source = subscribed(filled(site))
    nights.look(source)
    nights.state.clear()
    assert nights.titles(source) == []


def test_a_watched_folder_gives_each_file_once_when_it_has_come_to_rest(videos: Path, nights: Nights) -> None:
    source = SourceParams(name="inbox", url=str(videos))
    assert nights.titles(source) == []  # written a moment ago, as far as the clock of 2026 can tell
    nights.night = 3650
    assert nights.titles(source) == ["a cat", "b"]
    (videos / "new.mp4").write_bytes(MP4 + b"new")
    (videos / "page.mp4").write_bytes(b"<html>no</html>")
    found = nights.look(source)
    assert [video.title for video in found.videos] == ["new"]
    assert [(Path(address).name, code) for address, code, _ in found.filtered] == [("page.mp4", "not_a_video")]
    assert nights.look(source).filtered == ()
    (videos / "page.mp4").write_bytes(MP4 + b"a video at last")
    assert nights.titles(source) == ["page"]
    assert nights.look(source).requests == 0


def test_a_list_file_gives_its_lines_and_what_is_added_to_it(videos: Path, site: Site, nights: Nights) -> None:
    filled(site, 2)
    lines = videos / "list.txt"
    lines.write_text(f"b.mp4\n{site.videos[0].short}\nftp://h/v\n")
    source = SourceParams(name="list", url=str(lines))
    found = nights.look(source)
    assert [video.title for video in found.videos] == ["b", "kitchen 1"]
    assert [code for _, code, _ in found.filtered] == ["bad_input"]
    lines.write_text(f"{lines.read_text()}{site.videos[1].page}\n")
    found = nights.look(source)
    assert [video.title for video in found.videos] == ["kitchen 2"]
    assert found.filtered == ()
    assert nights.look(source).requests == 0


def test_the_cap_of_a_night_is_the_sources_own_or_the_projects(params: DiscoveryParams) -> None:
    assert nightly_cap(SourceParams(name="a", url="b"), params) == 20
    assert nightly_cap(SourceParams(name="a", url="b", per_night=3), params) == 3


class Tube:
    """A site that yt-dlp knows, as its session shows it: a channel of two tabs, a search; without a network."""

    def __init__(self) -> None:
        self.requests = 0
        self.asked: list[str] = []
        self.tabs = {"videos": ["v3", "v2", "v1"], "shorts": ["s2", "s1"]}
        self.hits = ["h1", "h2"]
        self.pages: dict[str, bytes] = {}

    def extractor_of(self, url: str) -> tuple[str, str]:
        return ("Youtube", url.partition("v=")[2]) if "watch" in url and "list=" not in url else ("YoutubeTab", "")

    def is_video_link(self, extractor: str) -> bool:
        return extractor == "Youtube"

    def resolve(self, url: str, extractor: str | None = None) -> dict[str, Any]:
        self.requests += 1
        self.asked.append(url)
        shared = {"_type": "playlist", "extractor_key": "YoutubeTab", "channel_id": "UC" + "x" * 22, "channel": "Kitchen TV"}
        name = url.rpartition("/")[2]
        if "watch" in url:
            return {"extractor_key": "Youtube", "id": url.partition("v=")[2], "webpage_url": url, "live_status": "is_upcoming"}
        if name in self.tabs:
            return {**shared, "entries": [self.link(site_id) for site_id in self.tabs[name]]}
        return {**shared, "entries": [{"_type": "url", "ie_key": "YoutubeTab", "url": f"{url}/{tab}"} for tab in self.tabs]}

    def search(self, words: str, count: int) -> dict[str, Any]:
        self.requests += 1
        self.asked.append(words)
        return {"_type": "playlist", "extractor_key": "YoutubeSearch", "entries": [self.link(hit) for hit in self.hits[:count]]}

    def entries(self, playlist: dict[str, Any]) -> Any:
        return iter(playlist["entries"])

    def fetch(self, url: str, headers: Any, limit: int) -> Any:
        from tasks.network.session import Answer

        self.requests += 1
        self.asked.append(url)
        ids = "".join(
            f"<entry><yt:videoId>{site_id.ljust(11, '0')}</yt:videoId><title>{site_id}</title></entry>"
            for ids in reversed(self.tabs.values()) for site_id in ids)
        body = f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015">{ids}</feed>'
        return Answer(url, {}, body.encode())

    def link(self, site_id: str) -> dict[str, Any]:
        video = site_id.ljust(11, "0")
        address = f"https://www.youtube.com/watch?v={video}"
        return {"_type": "url", "ie_key": "Youtube", "id": video, "url": address, "title": site_id}


@pytest.fixture
def tube(params: DiscoveryParams) -> tuple[Tube, Nights]:
    made = Tube()
    rarely = params.model_copy(update={"relist_nights": 3650})
    return made, Nights(rarely, lambda: made)  # type: ignore[arg-type,return-value]


def test_a_channel_of_a_known_site_is_listed_once_and_then_followed_by_its_feed(tube: tuple[Tube, Nights]) -> None:
    site, nights = tube
    source = SourceParams(name="tube", url="https://www.youtube.com/@kitchen")
    found = nights.look(source)
    assert [video.title for video in found.videos] == ["s1", "s2", "v1", "v2", "v3"]
    assert {video.id for video in found.videos} == {f"youtube_{title.ljust(11, '0')}" for title in ("s1", "s2", "v1", "v2", "v3")}
    assert found.requests == 4  # the channel, its two tabs, the feed it names
    site.asked.clear()
    site.tabs["shorts"].insert(0, "s3")
    assert nights.titles(source) == ["s3"]
    assert site.asked == [f"https://www.youtube.com/feeds/videos.xml?channel_id=UC{'x' * 22}"]


def test_a_search_is_words_and_reads_what_it_finds(tube: tuple[Tube, Nights]) -> None:
    site, nights = tube
    source = SourceParams(name="knives", url="knife skills", kind="search")
    assert nights.titles(source) == ["h1", "h2"]
    site.hits.insert(1, "h3")
    assert nights.titles(source) == ["h3"]
    assert site.asked == ["knife skills", "knife skills"]


def test_a_video_seen_in_a_playlist_is_the_video(tube: tuple[Tube, Nights]) -> None:
    _, nights = tube
    source = SourceParams(name="one", url="https://www.youtube.com/watch?v=abcdefghijk&list=PL1&index=2", kind="video")
    (video,) = nights.look(source).videos
    assert (video.id, video.url) == ("youtube_abcdefghijk", "https://www.youtube.com/watch?v=abcdefghijk")


def test_a_live_stream_in_a_listing_waits_until_it_has_ended(tube: tuple[Tube, Nights]) -> None:
    site, nights = tube
    really = site.link
    site.link = lambda site_id: {**really(site_id), **({"live_status": "is_upcoming"} if site_id == "v3" else {})}  # type: ignore[method-assign]
    found = nights.look(SourceParams(name="tube", url="https://www.youtube.com/@kitchen"))
    assert "v3" not in [video.title for video in found.videos]
    assert found.waiting == 1


@pytest.mark.parametrize(("source", "said"), [
    ({"url": "knife skills"}, "source x: not an http.*kind: search"),
    ({"url": "ytsearch5:cat"}, "source x: search URLs refused"),
    ({"url": "https://h.example/", "kind": "search"}, "source x: search words expected"),
    ({"url": "ytsearch5:cat", "kind": "search"}, "source x: search words expected"),
    ({"url": "ftp://h/v"}, "source x: scheme refused"),
    ({"url": "http://10.0.0.1/"}, "source x: private address"),
    ({"url": "https://h.example/", "feed": "file:///etc/passwd"}, "source x: scheme refused"),
    ({"url": "https://h.example/", "kind": "folder"}, "source x: not a folder"),
    ({"url": "https://user:secret@h.example/"}, "source x: credentials in URL refused"),
    ({"url": "s3://No_Bucket/x"}, "source x: bucket name"),
    ({"url": "/nowhere", "kind": "bucket"}, "source x: not a bucket"),
    ({"url": "/nowhere/videos"}, "source x: .*no such file"),
])
def test_a_source_that_cannot_be_one_is_refused_in_one_line_before_anything_is_asked(
        source: dict[str, Any], said: str, params: DiscoveryParams) -> None:
    def never() -> Any:
        raise AssertionError

    strict = params.model_copy(update={"allow_private_addresses": False})
    with pytest.raises(InputError, match=said) as caught:
        discover_source(
            SourceParams(name="x", **source), set(), {}, strict, session=never, file_digest=lambda path: "", now=FIRST_NIGHT)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
