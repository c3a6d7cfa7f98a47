"""Whatever a site says, and however, comes out under the right policy."""

import pytest
from yt_dlp.utils import ExtractorError

from tasks.errors import BlockedError, TransientError, UnavailableVideoError, UnusableVideoError, WorkflowError
from tasks.network.backoff import BusyError
from tasks.network.session import NetworkSettings, open_session
from tasks.storage.failures import FailureClass, class_of, code_of
from tests.servers import Busy, Page, WebServer

ADDRESS = "https://site.example/watch?v=1"


def explained(settings: NetworkSettings, message: str) -> WorkflowError:
    """What becomes of something that an extractor says."""
    with open_session(settings) as session, pytest.raises(WorkflowError) as caught, session._explained(ADDRESS):
        raise ExtractorError(message, expected=True)
    return caught.value


def refused(settings: NetworkSettings, url: str) -> WorkflowError:
    with open_session(settings) as session, pytest.raises(WorkflowError) as caught:
        session.resolve(url)
    return caught.value


# As the extractors of yt-dlp have them, or the sites behind them.
@pytest.mark.parametrize(("message", "kind"), [
    ("Sign in to confirm you\u2019re not a bot. Use --cookies-from-browser or --cookies for the authentication", "blocked"),
    ("Video unavailable. This content isn't available, try again later. The current session has been rate-limited by YouTube "
     "for up to an hour. It is recommended to use `-t sleep` to add a delay between video requests", "blocked"),
    ("This content is not available on this app. " + "Watch on the latest version. " * 6 + "Too Many Requests", "blocked"),
    ("Got HTTP Error 403 caused by Cloudflare anti-bot challenge; try again with --extractor-args", "blocked"),
    ("Please solve the CAPTCHA in a browser first", "blocked"),
    ("Private video. Sign in if you've been granted access to this video", "gone"),
    ("This video has been removed by the uploader", "gone"),
    ("The uploader has not made this video available in your country", "gone"),
    ("Join this channel to get access to members-only content", "gone"),
    ("This video is DRM protected", "gone"),
    ("This live event will begin in 3 hours", "filtered"),
    ("Premieres in 2 days", "filtered"),
    ("The read operation timed out", "transient"),
    ("Unsupported URL: https://site.example/rate-limit-private-drm-removed", "unusable"),
])
def test_a_message_falls_under_its_policy(settings: NetworkSettings, message: str, kind: FailureClass) -> None:
    error = explained(settings, message)
    assert class_of(code_of(error)) == kind
    assert "\n" not in str(error)


@pytest.mark.parametrize(("status", "kind", "code"), [
    (429, BlockedError, "blocked"), (503, BusyError, "transient"), (500, BusyError, "transient"), (408, BusyError, "transient"),
    (403, UnavailableVideoError, "forbidden"), (404, UnavailableVideoError, "deleted"), (451, UnavailableVideoError, "geo")])
def test_a_status_falls_under_its_policy(
        public: WebServer, settings: NetworkSettings, status: int, kind: type[WorkflowError], code: str) -> None:
    public.script("/v.mp4", Busy(status))
    error = refused(settings, public.url("/v.mp4"))
    assert type(error) is kind
    assert code_of(error) == code


def test_a_wall_in_front_of_a_page_blocks_us_and_is_asked_once(public: WebServer, settings: NetworkSettings) -> None:
    public.script("/page.html", *[Busy(429, retry_after=7200)] * 5)
    public.pages["/page.html"] = Page(b"<html></html>")
    error = refused(settings, public.url("/page.html"))
    assert isinstance(error, BlockedError)
    assert error.retry_after_seconds == 7200
    assert len(public.requests) == 1


@pytest.mark.parametrize(("headers", "seconds"), [
    ({"Retry-After": "120"}, 120), ({}, 0), ({"Retry-After": "soon"}, 0), ({"Retry-After": "²"}, 0), ({"Retry-After": "-5"}, 0),
    ({"Retry-After": "Wed, 21 Oct 2026 08:00:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 32 * 60),
    ({"Retry-After": "Wed, 21 Oct 2026 07:00:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0),
    ({"Retry-After": "Wed, 21 Oct 2026 08:00:00 GMT"}, 0),
    ({"Retry-After": "Wed, 21 Oct 2026 08:00:00 -0000", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0),
])
def test_the_wait_a_site_asks_for_is_read_in_either_form(headers: dict[str, str], seconds: float) -> None:
    from tasks.network.session import _asked_seconds

    assert _asked_seconds(headers) == seconds


def test_a_block_is_a_passing_fault_for_whoever_does_not_tell_them_apart(settings: NetworkSettings) -> None:
    error = explained(settings, "HTTP Error 429: Too Many Requests")
    assert isinstance(error, TransientError)
    assert not isinstance(error, UnusableVideoError)
    assert error.exit_code == 3
