"""From a site: whole or an error, whatever the server does."""

import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.download.fetch import fetch_media, media_fingerprint
from tasks.download.media import is_whole
from tasks.errors import TransientError, UnavailableVideoError, UnusableVideoError
from tasks.network import address
from tasks.params import DiscoveryParams, DownloadParams
from tasks.schema import Media, Video
from tasks.storage.atomic import sweep_staging
from tests.download.clips import write_clip, write_hls
from tests.servers import Busy, Drop, Page, Redirect, Replace, Short, Slow, WebServer

Fetch = Callable[..., Media]
HLS = "application/vnd.apple.mpegurl"
JPEG = b"\xff\xd8\xff\xe0 a picture"
PAGE = """<html><head><title>x</title><meta property="og:image" content="{0}/t.jpg"></head><body>
<video src="{0}/v.mp4"><track kind="captions" srclang="en" src="{0}/en.vtt">
<track kind="captions" srclang="de" src="{0}/de.vtt"></video></body></html>"""


@pytest.fixture
def web(clip: Path) -> Iterator[WebServer]:
    """A site with one video, its page, captions and picture."""
    with WebServer({"/v.mp4": Page(clip.read_bytes(), "video/mp4", etag='"1"')}) as server:
        server.pages["/page.html"] = Page(PAGE.format(server.url("")).encode())
        server.pages["/en.vtt"] = Page(b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n", "text/vtt")
        server.pages["/t.jpg"] = Page(JPEG, "image/jpeg")
        yield server


@pytest.fixture
def fetch(params: DownloadParams, discovery: DiscoveryParams, tmp_path: Path) -> Fetch:
    def fetch_one(url: str, folder: str = "m", **changes: object) -> Media:
        return fetch_media(
            Video("web_1", url, title="Title"), tmp_path / folder / "web_1", params.model_copy(update=changes), discovery,
            lambda _: None, sleep=lambda _: None)
    return fetch_one


def hls_site(web: WebServer, folder: Path, **pages: Page | None) -> str:
    """Put an HLS video on the site, with some fragments replaced or taken away; returns its address."""
    write_hls(folder)
    for path in folder.iterdir():
        page = pages.get(path.stem, Page(path.read_bytes(), HLS if path.suffix == ".m3u8" else "video/mp2t"))
        if page is not None:
            web.pages[f"/{path.name}"] = page
    return web.url("/list.m3u8")


def assert_nothing_left(tmp_path: Path, folder: str = "m") -> None:
    assert not [path for path in (tmp_path / folder).rglob("*") if path.is_file()]


def test_a_page_gives_picture_sound_captions_thumbnail_and_info(web: WebServer, fetch: Fetch, clip: Path) -> None:
    media = fetch(web.url("/page.html"))
    assert media.picture.read_bytes() == clip.read_bytes()
    assert media.picture.name == "picture.mp4"
    assert media.sound == media.picture
    assert media.duration == pytest.approx(3.0, abs=0.1)
    assert [(c.path.name, c.language, c.kind, c.format) for c in media.captions] == [
        ("captions.en.manual.vtt", "en", "manual", "vtt")]
    assert media.thumbnail is not None
    assert media.thumbnail.read_bytes() == JPEG
    record = json.loads((media.info.parent / "media.json").read_text())
    assert record["states"] == {"captions.en.manual": "ok", "captions.en.auto": "absent", "thumbnail": "ok"}
    assert sorted(path.name for path in media.info.parent.iterdir()) == [
        "captions.en.manual.vtt", "info.json", "media.json", "picture.mp4", "thumbnail.jpg"]


def test_the_same_video_gives_the_same_bytes_in_every_file(web: WebServer, fetch: Fetch) -> None:
    first, second = (fetch(web.url("/page.html"), folder=name).info.parent for name in ("a", "b"))
    names = sorted(path.name for path in first.iterdir())
    assert [(first / name).read_bytes() for name in names] == [(second / name).read_bytes() for name in names]


def test_what_is_already_there_is_not_asked_for_again(web: WebServer, fetch: Fetch) -> None:
    first = fetch(web.url("/v.mp4"))
    asked = len(web.requests)
    assert fetch(web.url("/v.mp4")) == first
    assert len(web.requests) == asked
    fetch(web.url("/v.mp4"), max_height_px=240)  # other wishes, other files
    assert len(web.requests) > asked


def test_missing_captions_and_thumbnail_do_not_fail_the_video(web: WebServer, fetch: Fetch) -> None:
    web.pages["/en.vtt"] = Page(b"<html>no</html>")
    del web.pages["/t.jpg"]
    media = fetch(web.url("/page.html"))
    states = json.loads((media.info.parent / "media.json").read_text())["states"]
    assert states["captions.en.manual"] == "failed: not vtt"
    assert states["thumbnail"].startswith("failed: HTTP Error 404")
    assert (media.captions, media.thumbnail) == ((), None)


@pytest.mark.parametrize("status", [404, 429, 503])
def test_captions_that_are_refused_are_a_state_and_the_video_is_whole(web: WebServer, fetch: Fetch, status: int) -> None:
    web.script("/en.vtt", *[Busy(status, retry_after=3600)] * 9)
    media = fetch(web.url("/page.html"))
    states = json.loads((media.info.parent / "media.json").read_text())["states"]
    assert states["captions.en.manual"].startswith(f"failed: HTTP Error {status}")
    assert media.captions == ()
    assert web.paths.count("/en.vtt") == 1
    assert web.paths.count("/v.mp4") >= 1


def test_a_caption_too_large_is_a_state_of_its_own(web: WebServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.download.fetch.MAX_CAPTION_BYTES", 1_000)
    web.pages["/en.vtt"] = Page(b"WEBVTT" + b" " * 2_000, "text/vtt")
    media = fetch(web.url("/page.html"))
    assert "more than 1000 bytes" in json.loads((media.info.parent / "media.json").read_text())["states"]["captions.en.manual"]


def test_a_busy_server_is_asked_again_after_the_time_it_names(
        web: WebServer, params: DownloadParams, discovery: DiscoveryParams, tmp_path: Path) -> None:
    waits: list[float] = []
    web.script("/v.mp4", Busy(503, retry_after=9))
    fetch_media(Video("web_1", web.url("/v.mp4")), tmp_path / "m", params, discovery, lambda _: None, sleep=waits.append)
    assert waits == [0, 9]  # before the first request as the settings say, then as the server says


def test_a_server_that_stays_busy_is_temporary_and_leaves_nothing(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    web.script("/v.mp4", *[Busy()] * 20)
    with pytest.raises(TransientError, match="503"):
        fetch(web.url("/v.mp4"), attempts=3)
    assert web.paths == ["/v.mp4"] * 3
    assert_nothing_left(tmp_path)


def test_a_dropped_connection_is_continued_with_the_same_version(web: WebServer, fetch: Fetch, clip: Path) -> None:
    web.script("/v.mp4", Short(600), Drop(9_000))  # a first look at the address, then the file
    media = fetch(web.url("/v.mp4"))
    assert media.picture.read_bytes() == clip.read_bytes()
    last = web.requests[-1].headers
    assert last["If-Range"] == '"1"'
    assert last["Range"].startswith("bytes=")


def test_a_file_that_changes_during_the_download_is_never_spliced(
        web: WebServer, fetch: Fetch, clip: Path, other_clip: Path) -> None:
    new = Page(other_clip.read_bytes(), "video/mp4", etag='"2"')
    web.script("/v.mp4", Short(600), Drop(9_000), Replace(new))
    assert fetch(web.url("/v.mp4")).picture.read_bytes() == other_clip.read_bytes()
    assert len(other_clip.read_bytes()) != len(clip.read_bytes())


@pytest.mark.parametrize("etags", [("", ""), ('W/"1"', 'W/"1"')])
def test_without_a_version_to_go_by_the_download_begins_again(
        web: WebServer, fetch: Fetch, clip: Path, other_clip: Path, etags: tuple[str, str]) -> None:
    web.pages["/v.mp4"] = Page(clip.read_bytes(), "video/mp4", etag=etags[0])
    web.script("/v.mp4", Short(600), Drop(9_000), Replace(Page(other_clip.read_bytes(), "video/mp4", etag=etags[1])))
    assert fetch(web.url("/v.mp4")).picture.read_bytes() == other_clip.read_bytes()


def test_a_server_that_ignores_the_condition_is_caught_by_the_new_version(
        web: WebServer, fetch: Fetch, clip: Path, other_clip: Path) -> None:
    def deaf(request: object) -> Page:
        """The new version, continued from the middle although the condition names the old one."""
        start = int(request.headers["Range"][6:-1]) if "If-Range" in request.headers else 0  # type: ignore[attr-defined]
        whole = other_clip.read_bytes()
        span = {"Content-Range": f"bytes {start}-{len(whole) - 1}/{len(whole)}"} if start else {}
        return Page(whole[start:], "video/mp4", etag='"2"', headers=span)

    web.script("/v.mp4", Short(600), Drop(9_000))
    answers = iter([Page(clip.read_bytes(), "video/mp4", etag='"1"')] * 2)
    web.pages["/v.mp4"] = lambda request: next(answers, None) or deaf(request)
    assert fetch(web.url("/v.mp4"), attempts=3).picture.read_bytes() == other_clip.read_bytes()


def test_a_body_shorter_than_its_length_is_incomplete(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    web.pages["/v.mp4"] = Page(b"x" * 20_000, "video/mp4")
    web.script("/v.mp4", *[Short(5_000, promise=True)] * 20)
    with pytest.raises(UnusableVideoError, match="incomplete download") as caught:
        fetch(web.url("/v.mp4"))
    assert caught.value.code == "incomplete"
    assert_nothing_left(tmp_path)


def test_a_body_cut_without_a_length_is_incomplete(web: WebServer, fetch: Fetch, clip: Path, tmp_path: Path) -> None:
    web.script("/v.mp4", *[Short(len(clip.read_bytes()) // 2)] * 20)
    with pytest.raises(UnusableVideoError, match="incomplete") as caught:
        fetch(web.url("/v.mp4"))
    assert caught.value.code == "incomplete"
    assert_nothing_left(tmp_path)


def test_a_stream_cut_without_a_length_is_told_by_its_duration(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mkv", seconds=4, container="matroska").read_bytes()
    web.pages["/v.mkv"] = Page(whole, "video/x-matroska")
    assert fetch(web.url("/v.mkv")).duration == pytest.approx(4, abs=0.2)
    web.script("/v.mkv", *[Short(len(whole) // 2)] * 20)
    with pytest.raises(UnusableVideoError, match=r"incomplete: .* of the 4\.\d s that its header declares") as caught:
        fetch(web.url("/v.mkv"), folder="cut")
    assert caught.value.code == "incomplete"
    assert_nothing_left(tmp_path, "cut")


def test_fragments_are_put_together(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    media = fetch(hls_site(web, tmp_path / "hls"))
    assert media.picture.name == "picture.ts"
    assert media.duration == pytest.approx(6, abs=0.2)


def test_a_missing_fragment_is_an_error_not_a_hole(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    with pytest.raises(UnusableVideoError, match="incomplete download") as caught:
        fetch(hls_site(web, tmp_path / "hls", part2=None))
    assert caught.value.code == "incomplete"
    assert_nothing_left(tmp_path)


def test_a_fragment_cut_without_a_length_is_an_error_not_a_hole(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    url = hls_site(web, tmp_path / "hls")
    web.script("/part2.ts", *[Short(188 * 5)] * 20)
    with pytest.raises(UnusableVideoError, match=r"nothing for \d\.\d s in the middle"):
        fetch(url)


MPD = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT3S"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="v" height="48" width="64" bandwidth="5000" codecs="mp4v">
<BaseURL>{0}/picture.mp4</BaseURL></Representation></AdaptationSet>
<AdaptationSet mimeType="audio/mp4"><Representation id="a" bandwidth="64000" codecs="mp4a">
<BaseURL>{0}/sound.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"""


def test_separate_streams_stay_separate_files(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    picture = write_clip(tmp_path / "v.mp4", sound=False).read_bytes()
    sound = write_clip(tmp_path / "a.mp4", picture=False).read_bytes()
    web.pages["/picture.mp4"], web.pages["/sound.mp4"] = Page(picture, "video/mp4"), Page(sound, "audio/mp4")
    web.pages["/list.mpd"] = Page(MPD.format(web.url("")).encode(), "application/dash+xml")
    media = fetch(web.url("/list.mpd"))
    assert (media.picture.name, media.picture.read_bytes()) == ("picture.mp4", picture)
    assert media.sound is not None
    assert (media.sound.name, media.sound.read_bytes()) == ("sound.mp4", sound)


def test_a_full_disk_is_temporary_names_the_folder_and_leaves_nothing(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))
    try:
        with pytest.raises(TransientError, match=r"unable to write|cannot be written"):
            fetch(web.url("/v.mp4"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_nothing_left(tmp_path)


def test_a_live_stream_is_not_supported(web: WebServer, fetch: Fetch) -> None:
    web.pages["/live.m3u8"] = Page(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nseg1.ts\n", HLS)
    with pytest.raises(UnusableVideoError, match="live not supported") as caught:
        fetch(web.url("/live.m3u8"))
    assert caught.value.code == "live"


def test_a_body_without_end_is_cut_at_the_limit(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    web.pages["/v.mp4"] = Page(b"x" * 3_000_000, "video/mp4")
    web.script("/v.mp4", Short(600), Short(2_900_000))
    with pytest.raises(UnusableVideoError) as caught:
        fetch(web.url("/v.mp4"), max_bytes=1_000_000)
    assert caught.value.code == "too_large"
    assert_nothing_left(tmp_path)


def test_a_video_longer_than_allowed_is_refused(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    with pytest.raises(UnusableVideoError) as caught:
        fetch(web.url("/v.mp4"), max_duration_seconds=2)
    assert caught.value.code == "too_long"
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize(("status", "code"), [(404, "deleted"), (410, "deleted"), (403, "forbidden"), (451, "geo")])
def test_what_the_site_will_not_give_is_unavailable(web: WebServer, fetch: Fetch, status: int, code: str) -> None:
    web.script("/v.mp4", Busy(status))
    with pytest.raises(UnavailableVideoError) as caught:
        fetch(web.url("/v.mp4"))
    assert caught.value.code == code
    assert web.paths == ["/v.mp4"]


@pytest.mark.parametrize(("body", "code"), [
    (b"#EXTM3U\nfile:///etc/passwd\n", None), (b"ffconcat version 1.0\nfile /etc/passwd\n", "playlist_as_media"),
    (b"\x7fELF" + b"x" * 600, "not_a_video"), (b"PK\x03\x04" + b"x" * 600, "not_a_video")])
def test_what_is_sent_as_a_video_and_is_none_is_named(
        web: WebServer, fetch: Fetch, tmp_path: Path, body: bytes, code: str | None) -> None:
    web.pages["/v.mp4"] = Page(body, "video/mp4")
    with pytest.raises(UnusableVideoError) as caught:
        fetch(web.url("/v.mp4"))
    assert code in (None, caught.value.code)
    assert_nothing_left(tmp_path)


def test_an_audio_file_has_no_picture(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    web.pages["/a.mp4"] = Page(write_clip(tmp_path / "a.mp4", picture=False).read_bytes(), "video/mp4")
    with pytest.raises(UnusableVideoError) as caught:
        fetch(web.url("/a.mp4"))
    assert caught.value.code == "no_picture"


def test_a_silent_video_has_no_sound(web: WebServer, fetch: Fetch, tmp_path: Path) -> None:
    web.pages["/s.mp4"] = Page(write_clip(tmp_path / "s.mp4", sound=False).read_bytes(), "video/mp4")
    assert fetch(web.url("/s.mp4")).sound is None


@pytest.mark.parametrize("extension", ["desktop", "url", "sh", "exe"])
def test_an_extension_that_a_desktop_would_run_is_refused(web: WebServer, fetch: Fetch, tmp_path: Path, extension: str) -> None:
    web.pages[f"/v.{extension}"] = web.pages["/v.mp4"]
    with pytest.raises(UnusableVideoError, match="extension refused"):
        fetch(web.url(f"/v.{extension}"))
    assert_nothing_left(tmp_path)


def test_names_come_from_us_whatever_the_site_calls_things(web: WebServer, fetch: Fetch, clip: Path, tmp_path: Path) -> None:
    hostile = '../../x\\u001b[2J%(id)s'
    text = PAGE.format(web.url("")).replace("<title>x</title>", f"<title>{hostile}</title>")
    web.pages["/page.html"] = Page(text.replace('srclang="en"', 'srclang="en-../../x"').encode())
    before = set(tmp_path.rglob("*"))
    folder = fetch(web.url("/page.html")).info.parent
    made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.parent for path in made} == {folder}
    assert "../../x" in json.loads((folder / "info.json").read_text())["title"]


def test_a_thumbnail_on_a_private_address_is_not_fetched_and_the_video_is(
        web: WebServer, params: DownloadParams, discovery: DiscoveryParams, monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path) -> None:
    really = address.why_private
    monkeypatch.setattr(address, "why_private", lambda found: "" if str(found) == "127.0.0.1" else really(found))
    strict = discovery.model_copy(update={"allow_private_addresses": False})
    with WebServer({"/t.jpg": Page(JPEG)}, host="127.0.0.2") as private:
        web.pages["/page.html"] = Page(PAGE.format(web.url("")).replace(web.url("/t.jpg"), private.url("/t.jpg")).encode())
        media = fetch_media(Video("web_1", web.url("/page.html")), tmp_path / "m", params, strict, lambda _: None)
        assert private.connections == 0
    states = json.loads((media.info.parent / "media.json").read_text())["states"]
    assert states["thumbnail"].startswith("failed: private address")


def test_an_address_refused_on_the_way_is_set_aside_as_refused(web: WebServer, fetch: Fetch) -> None:
    web.pages["/out"] = Redirect("ftp://h/v.mp4")
    with pytest.raises(UnusableVideoError, match="scheme refused") as caught:
        fetch(web.url("/out"))
    assert caught.value.code == "refused"


def test_progress_reaches_the_end_and_never_falls(
        web: WebServer, params: DownloadParams, discovery: DiscoveryParams, tmp_path: Path) -> None:
    shares: list[float] = []
    fetch_media(Video("web_1", web.url("/v.mp4")), tmp_path / "m", params, discovery, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_killed_download_leaves_only_staging_and_the_next_run_completes(
        web: WebServer, params: DownloadParams, discovery: DiscoveryParams, clip: Path, tmp_path: Path) -> None:
    video, folder = Video("web_1", web.url("/v.mp4")), tmp_path / "media" / "web_1"
    web.script("/v.mp4", Short(600), Slow(bytes_at_once=500, pause_seconds=0.2))
    child = multiprocessing.get_context("spawn").Process(target=_fetch, args=(video, folder, params, discovery))
    child.start()
    deadline = time.monotonic() + 60
    while not list(folder.parent.glob(".staging-*/picture.part")) and time.monotonic() < deadline:
        child.join(timeout=0.02)
    child.kill()
    child.join()
    assert not folder.exists()
    assert sweep_staging(folder.parent) == 1
    assert fetch_media(video, folder, params, discovery, lambda _: None).picture.read_bytes() == clip.read_bytes()
    assert is_whole(folder, media_fingerprint(video, params))


def _fetch(video: Video, folder: Path, params: DownloadParams, discovery: DiscoveryParams) -> None:
    fetch_media(video, folder, params, discovery, lambda _: None)
