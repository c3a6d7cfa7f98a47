"""From arguments to videos: each once, what cannot be used set aside, nothing stopped by it."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.discovery.inputs import Expansion, expand_inputs
from tasks.errors import InputError, TransientError
from tasks.params import DiscoveryParams
from tasks.storage.artefact import digest_file
from tests.discovery.conftest import MP4
from tests.servers import Busy, Page, Redirect, WebServer

PAGE = """<html><head><title>x</title><script type="application/ld+json">{{"@context": "https://schema.org",
"@type": "VideoObject", "name": "Cut an onion", "description": "d", "thumbnailUrl": "{0}/t.jpg", "uploadDate": "2026-01-02",
"contentUrl": "{0}/v.mp4", "duration": "PT6S", "author": {{"@type": "Person", "name": "Ann"}}}}</script></head>
<body>a page</body></html>"""
FEED = '<?xml version="1.0"?><rss version="2.0"><channel><title>Kitchen</title>{}</channel></rss>'
ITEM = (
    "<item><title>{}</title><guid>{}</guid><pubDate>Thu, 08 Jan 2026 18:39:03 +0000</pubDate>"
    '<enclosure url="{}" type="video/mp4"/></item>')


def expand(arguments: list[str], params: DiscoveryParams) -> Expansion:
    return expand_inputs(arguments, params, digest_file, sleep=lambda _: None)


def site(pages: Mapping[str, str]) -> WebServer:
    """A small site; `{0}` in a page stands for its address."""
    web = WebServer({"/v.mp4": Page(MP4 * 100, "video/mp4", etag='"1"'), "/w.mp4": Page(MP4 * 50, "video/mp4")})
    for path, text in pages.items():
        kind = "application/rss+xml" if path.endswith(".xml") else "text/html"
        web.pages[path] = Page(text.format(web.url("")).encode(), kind)
    return web


def test_a_local_video_is_known_by_its_bytes_and_found_once(videos: Path, params: DiscoveryParams) -> None:
    found = expand([str(videos), str(videos / "b.mp4")], params)
    expected = ["file_" + hashlib.blake2b(MP4 + letter, digest_size=16).hexdigest()[:16] for letter in (b"a", b"b")]
    assert [video.id for video in found.videos] == expected
    assert found.aliases == 2
    assert found.videos[0].title == "a cat"
    assert found.videos[0].url == str((videos / "a_cat.mp4").resolve())


def test_what_cannot_be_used_in_a_folder_is_set_aside_with_its_code(videos: Path, params: DiscoveryParams) -> None:
    (videos / "empty.mp4").write_bytes(b"")
    (videos / "page.mp4").write_bytes(b"<html>no</html>")
    (videos / "list.mp4").write_bytes(b"#EXTM3U\nfile:///etc/passwd")
    (videos / "link.mp4").symlink_to(videos / "b.mp4")
    os.mkfifo(videos / "pipe.mp4")
    found = expand([str(videos)], params)
    assert len(found.videos) == 2
    assert {(Path(what).name, code) for what, code, _ in found.set_aside} == {
        ("empty.mp4", "empty_file"), ("page.mp4", "not_a_video"), ("list.mp4", "playlist_as_media"),
        ("link.mp4", "bad_input"), ("pipe.mp4", "bad_input")}


def test_the_only_argument_when_unusable_is_the_users_to_correct(tmp_path: Path, params: DiscoveryParams) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(InputError, match="empty file"):
        expand([str(tmp_path / "empty.mp4")], params)
    (tmp_path / "empty.mp4").unlink()
    with pytest.raises(InputError, match="no video files"):
        expand([str(tmp_path)], params)
    with pytest.raises(InputError, match="nothing to ingest"):
        expand([], params)


def test_a_malformed_argument_among_good_ones_stops_before_anything_is_asked(params: DiscoveryParams) -> None:
    with site({}) as web:
        with pytest.raises(InputError, match="scheme refused"):
            expand([web.url("/v.mp4"), "ftp://h/v.mp4"], params)
        assert web.connections == 0


def test_a_list_takes_paths_addresses_and_folders_and_sets_the_rest_aside(videos: Path, params: DiscoveryParams) -> None:
    with site({}) as web:
        bad = ["missing.mp4", "--exec id", "ftp://h/v", "list.txt", "ytsearch:cat"]
        (videos / "list.txt").write_text("\n".join(["# mine", "a_cat.mp4", "more", web.url("/v.mp4"), *bad]))
        found = expand([str(videos / "list.txt")], params)
    assert [video.id[:4] for video in found.videos] == ["file", "web_"]
    assert found.aliases == 1
    assert [(what, code) for what, code, _ in found.set_aside] == [(line, "bad_input") for line in bad]


def test_a_folder_over_the_cap_is_cut_and_says_so(tmp_path: Path, params: DiscoveryParams) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.mp4").write_bytes(MP4 + bytes([number]))
    found = expand([str(tmp_path)], params)
    assert [video.title for video in found.videos] == [f"{number:02}" for number in range(10)]
    assert [code for _, code, _ in found.set_aside] == ["over_max_videos"]


def test_one_video_under_five_addresses_is_one_video(params: DiscoveryParams) -> None:
    pages = {"/page.html": PAGE, "/feed.xml": FEED.format(ITEM.format("again", "g1", "{0}/v.mp4"))}
    with site(pages) as web:
        web.pages["/short"] = Redirect("/v.mp4")
        found = expand(
            [web.url("/page.html"), web.url("/v.mp4"), web.url("/short"), web.url("/feed.xml"), web.url("/%76.mp4#t=3")], params)
    assert len(found.videos) == 1
    assert found.aliases == 4
    video = found.videos[0]
    assert (video.title, video.channel, video.uploaded) == ("Cut an onion", "Ann", "2026-01-02")
    assert video.id.startswith("web_")
    assert video.url == web.url("/page.html")


def test_a_feed_gives_its_items_in_order_and_a_bad_item_does_not_stop_the_rest(params: DiscoveryParams) -> None:
    items = [
        ("one", "{0}/v.mp4"), ("itself", "{0}/feed.xml"), ("gone", "{0}/gone.mp4"), ("bad", "ftp://h/v"), ("two", "{0}/w.mp4")]
    with site({"/feed.xml": FEED.format("".join(ITEM.format(name, name, url) for name, url in items))}) as web:
        found = expand([web.url("/feed.xml")], params)
        assert [video.url for video in found.videos] == [web.url("/v.mp4"), web.url("/w.mp4")]
    assert [(video.title, video.channel, video.uploaded) for video in found.videos] == [
        ("one", "Kitchen", "2026-01-08"), ("two", "Kitchen", "2026-01-08")]
    assert [code for _, code, _ in found.set_aside] == ["bad_input", "deleted", "bad_input"]
    assert "cycle" in found.set_aside[0][2]


def test_a_long_feed_is_followed_only_as_far_as_the_cap(params: DiscoveryParams) -> None:
    count = 500
    with site({"/feed.xml": FEED.format("".join(ITEM.format(n, n, "{0}/" + f"{n}.mp4") for n in range(count)))}) as web:
        for number in range(count):
            web.pages[f"/{number}.mp4"] = Page(MP4 * 30, "video/mp4")
        found = expand([web.url("/feed.xml")], params)
        assert len(found.videos) == 10
        assert len(web.requests) < 25
    assert found.set_aside[-1][1] == "over_max_videos"


def test_a_server_that_is_busy_for_a_moment_is_asked_again(params: DiscoveryParams) -> None:
    waits: list[float] = []
    with site({}) as web:
        web.script("/v.mp4", Busy(), Busy(429, retry_after=1))
        found = expand_inputs([web.url("/v.mp4")], params, digest_file, sleep=waits.append)
    assert len(found.videos) == 1
    assert len(waits) == 2


def test_a_server_that_stays_down_is_temporary_alone_and_set_aside_among_others(params: DiscoveryParams) -> None:
    with site({}) as web:
        web.script("/v.mp4", *[Busy()] * 6)
        with pytest.raises(TransientError, match="503"):
            expand([web.url("/v.mp4")], params)
        found = expand([web.url("/v.mp4"), web.url("/w.mp4")], params)
    assert [video.url for video in found.videos] == [web.url("/w.mp4")]
    assert [code for _, code, _ in found.set_aside] == ["unreachable"]


def test_a_video_that_is_gone_is_set_aside_even_alone(params: DiscoveryParams) -> None:
    with site({}) as web:
        found = expand([web.url("/gone.mp4")], params)
    assert found.videos == ()
    assert [(what, code) for what, code, _ in found.set_aside] == [(web.url("/gone.mp4"), "deleted")]


def test_a_live_stream_is_refused(params: DiscoveryParams) -> None:
    live = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nseg1.ts\n"  # no end: it goes on
    with site({}) as web:
        web.pages["/live.m3u8"] = Page(live, "application/vnd.apple.mpegurl")
        with pytest.raises(InputError, match="live not supported"):
            expand([web.url("/live.m3u8")], params)


def test_a_host_that_is_not_listed_is_never_asked_and_the_option_is_shown(params: DiscoveryParams) -> None:
    strict = params.model_copy(update={"allowed_hosts": ("example.org",)})
    with site({}) as web:
        with pytest.raises(InputError, match=r"site not allowed: .*discovery\.allowed_hosts: \[127\.0\.0\.1\]"):
            expand([web.url("/v.mp4")], strict)
        assert web.connections == 0


def test_a_redirect_leads_out_of_the_listed_hosts_no_further(params: DiscoveryParams) -> None:
    strict = params.model_copy(update={"allowed_hosts": ("localhost",)})
    with site({}) as web:
        web.pages["/out"] = Redirect(web.url("/v.mp4"))
        with pytest.raises(InputError, match="site not allowed"):
            expand([web.url("/out", host="localhost")], strict)


def test_an_address_that_is_not_public_is_refused_by_default(params: DiscoveryParams) -> None:
    default = params.model_copy(update={"allow_private_addresses": False})
    with site({}) as web:
        with pytest.raises(InputError, match="private address"):
            expand([web.url("/v.mp4", host="localhost")], default)
        assert web.connections == 0
