"""Nothing gets past the guard: every request of yt-dlp goes through it, and hostile answers are bounded."""

import gzip
import socket
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import InputError, TransientError, UnusableVideoError
from tasks.network import guard
from tasks.network.backoff import BusyError
from tasks.network.session import NetworkSettings, SiteSession, open_session
from tests.servers import Busy, Page, Redirect, Request, Short, Slow, WebServer

PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"


def resolve(settings: NetworkSettings, url: str) -> dict[str, Any]:
    with open_session(settings) as session:
        return session.resolve(url)


def first_stream(session: SiteSession, url: str) -> tuple[dict[str, Any], dict[str, Any]]:
    info = session.complete(session.resolve(url))
    return info, info["formats"][0]


def test_a_redirect_to_a_private_address_is_not_followed(
        public: WebServer, private: WebServer, settings: NetworkSettings) -> None:
    public.pages["/a"] = Redirect(public.url("/b"))
    public.pages["/b"] = Redirect(private.url("/secret"))
    with pytest.raises(InputError, match="redirect to private address"):
        resolve(settings, public.url("/a"))
    assert private.connections == 0


def test_a_redirect_to_a_name_of_a_private_address_is_not_followed(
        public: WebServer, private: WebServer, settings: NetworkSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    lead(monkeypatch, {"inner.example": "127.0.0.2"})
    public.pages["/a"] = Redirect(private.url("/secret", host="inner.example"))
    with pytest.raises(InputError, match=r"redirect to private address: inner\.example"):
        resolve(settings, public.url("/a"))
    assert private.connections == 0


def test_a_redirect_to_another_scheme_is_not_followed(public: WebServer, settings: NetworkSettings) -> None:
    public.pages["/a"] = Redirect("ftp://127.0.0.1/v.mp4")
    with pytest.raises(InputError, match="scheme refused"):
        resolve(settings, public.url("/a"))


def test_a_name_that_turns_private_after_the_first_request_is_refused_at_the_next(
        public: WebServer, settings: NetworkSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with WebServer(host="127.0.0.2", port=public.port) as hidden:  # the same port: only the name's answer changes
        answers = ["127.0.0.1"]
        lead(monkeypatch, {"rebind.example": answers})
        public.pages["/v.mp4"] = Page(b"x" * 2000, "video/mp4")
        with open_session(settings) as session:
            info, stream = first_stream(session, public.url("/v.mp4", host="rebind.example"))
            answers[0] = "127.0.0.2"
            with pytest.raises(InputError, match=r"private address: rebind\.example"):
                session.save(info, stream, tmp_path / "v", lambda _: None)
        assert hidden.connections == 0


def test_a_fragment_on_a_private_address_is_not_fetched(
        public: WebServer, private: WebServer, settings: NetworkSettings, tmp_path: Path) -> None:
    public.pages["/v.m3u8"] = Page(PLAYLIST.format(private.url("/s.ts")).encode(), "application/vnd.apple.mpegurl")
    with open_session(settings) as session:
        info, stream = first_stream(session, public.url("/v.m3u8"))
        with pytest.raises(InputError, match="private address"):
            session.save(info, stream, tmp_path / "v", lambda _: None)
    assert private.connections == 0


@pytest.mark.parametrize("key", [
    '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{}"', '#EXT-X-KEY:METHOD=AES-128,URI="{}"'])
def test_a_key_on_a_private_address_is_not_fetched_by_us_nor_by_a_helper_program(
        public: WebServer, private: WebServer, settings: NetworkSettings, tmp_path: Path, key: str) -> None:
    text = PLAYLIST.format(public.url("/s.ts")).replace("#EXTINF", key.format(private.url("/key")) + "\n#EXTINF")
    public.pages["/v.m3u8"] = Page(text.encode(), "application/vnd.apple.mpegurl")
    public.pages["/s.ts"] = Page(b"G" * 188 * 16, "video/mp2t")
    with open_session(settings) as session:
        info, stream = first_stream(session, public.url("/v.m3u8"))
        with pytest.raises((InputError, UnusableVideoError, TransientError)):
            session.save(info, stream, tmp_path / "v", lambda _: None)
    assert private.connections == 0


def test_too_many_redirects_are_named(public: WebServer, settings: NetworkSettings) -> None:
    for step in range(50):
        public.pages[f"/{step}"] = Redirect(f"/{step + 1}")
    with pytest.raises(InputError, match="too many redirects"):
        resolve(settings, public.url("/0"))
    assert public.connections < 15


def test_an_environment_proxy_may_be_private_but_a_private_target_is_still_refused(
        public: WebServer, private: WebServer, settings: NetworkSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", private.url())
    monkeypatch.setenv("no_proxy", "")
    private.pages["http://127.0.0.1/v.mp4"] = Page(b"x" * 600, "video/mp4")
    assert resolve(settings, "http://127.0.0.1/v.mp4")["direct"]
    with pytest.raises(InputError, match="private address"):
        resolve(settings, "http://127.0.0.3/v.mp4")
    assert private.paths == ["http://127.0.0.1/v.mp4"]


@pytest.mark.parametrize("promise", [True, False])
def test_an_answer_without_end_is_cut_off(public: WebServer, settings: NetworkSettings, promise: bool) -> None:
    public.pages["/big"] = Page(b"WEBVTT" + b" " * 200_000)
    public.script("/big", Short(after=150_000, promise=promise))
    with open_session(settings) as session, pytest.raises(UnusableVideoError, match="more than 100000 bytes") as caught:
        session.read(public.url("/big"), 100_000)
    assert caught.value.code == "too_large"


def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(
        public: WebServer, settings: NetworkSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_PAGE_BYTES", 1 << 20)
    bomb = gzip.compress(bytes(guard.MAX_PAGE_BYTES + 1))
    public.pages["/bomb"] = Page(bomb, headers={"Content-Encoding": "gzip"})
    assert len(bomb) < 2_000
    with pytest.raises(UnusableVideoError, match="more than"):
        resolve(settings, public.url("/bomb"))


def test_a_packed_answer_is_read(public: WebServer, settings: NetworkSettings) -> None:
    public.pages["/packed"] = Page(gzip.compress(b"WEBVTT"), headers={"Content-Encoding": "gzip"})
    with open_session(settings) as session:
        assert session.read(public.url("/packed"), 100) == b"WEBVTT"


def test_a_server_that_drips_is_given_up(public: WebServer, settings: NetworkSettings) -> None:
    public.pages["/slow"] = Page(b"x" * 1_000, "text/vtt")
    public.script("/slow", Slow(bytes_at_once=1, pause_seconds=0.02))
    hasty = NetworkSettings(False, settings.allowed_hosts, timeout_seconds=0.2, backoff_seconds=0)
    with pytest.raises(TransientError), open_session(hasty) as session:
        session.read(public.url("/slow"), 10_000)


def test_a_body_shorter_than_promised_is_noticed(public: WebServer, settings: NetworkSettings) -> None:
    public.pages["/c.vtt"] = Page(b"WEBVTT and more", "text/vtt")
    public.script("/c.vtt", Short(after=6, promise=True))
    with pytest.raises(TransientError), open_session(settings) as session:
        session.read(public.url("/c.vtt"), 10_000)


def test_a_busy_server_says_for_how_long(public: WebServer, settings: NetworkSettings) -> None:
    public.script("/v.mp4", Busy(503, retry_after=7))
    with pytest.raises(BusyError, match="503") as caught:
        resolve(settings, public.url("/v.mp4"))
    assert caught.value.retry_after_seconds == 7


def test_nobody_at_home_is_worth_another_try(public: WebServer, settings: NetworkSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(TransientError):
        resolve(settings, f"http://127.0.0.1:{port}/")


def test_cookies_stay_with_the_host_they_are_for(public: WebServer, settings: NetworkSettings, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    text = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t4102444800\tsession\ts3cret\n"
    cookies.write_text(text)
    public.pages["/a"] = Redirect(public.url("/b", host="localhost"))
    public.pages["/b"] = Page(b"x" * 600, "video/mp4")
    with_cookies = NetworkSettings(True, settings.allowed_hosts, cookies_file=str(cookies))
    resolve(with_cookies, public.url("/a"))

    def told(request: Request) -> bool:
        return "s3cret" in str(request.headers)

    assert [told(request) for request in public.requests if request.path == "/a"] == [True]
    assert not any(told(request) for request in public.requests if request.path == "/b")
    assert cookies.read_text() == text  # read, never written


def test_a_cookie_file_that_is_none_is_named(settings: NetworkSettings, tmp_path: Path) -> None:
    wrong = NetworkSettings(True, (), cookies_file=str(tmp_path))
    with pytest.raises(InputError, match="network settings"), open_session(wrong):
        pass


def lead(monkeypatch: pytest.MonkeyPatch, names: dict[str, Any]) -> None:
    """Let names lead to addresses; a list may change its first entry meanwhile."""
    really = socket.getaddrinfo

    def resolve_name(host: str, *rest: Any) -> Any:
        found = names.get(host, host)
        return really(found if isinstance(found, str) else found[0], *rest)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_name)
