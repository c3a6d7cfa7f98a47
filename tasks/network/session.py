"""One conversation with a site through yt-dlp: what an address leads to, its streams, small files; errors sorted by policy."""

import http.client
import logging
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import BlockedError, InputError, TransientError, UnavailableVideoError, UnusableVideoError, WorkflowError
from tasks.network.address import check_url, host_of, is_listed
from tasks.network.backoff import BusyError
from tasks.network.text import clean, shown

if TYPE_CHECKING:
    from tasks.network.guard import Traffic

MAX_MESSAGE_CHARACTERS = 2_000
MAX_HOPS = 8  # from one address to the next, by a site's own links, until there is a video or a list
MAX_FRAGMENT_BYTES = 512 << 20
CONTINUATIONS = 2  # of one body after a dropped connection, before the whole attempt fails
UNCHANGED = 304
NO_FFMPEG = "/nonexistent"  # yt-dlp is never to start an ffmpeg: it would open connections unguarded

# What extractors say, as policy. The first match counts.
REASONS: tuple[tuple[str, str], ...] = (
    ("disk", r"unable to write|unable to open for writing|no space left"),
    ("incomplete", r"expected \d+ bytes|file is empty|any data blocks"),
    ("live", r"live event|is live|live ?stream|premieres? in|not currently live|will begin in"),
    ("busy", r"try again later|timed out|temporar"),
    ("drm", r"\bdrm\b"),
    ("geo", r"(?:in|from|for) your (?:country|location|region)|geo.?(?:restrict|block)"),
    ("members", r"members|premium|subscri|purchase|\brent|log ?in|sign in|age.restrict|confirm your age|account"),
    ("private", r"private"),
    ("deleted", r"removed|deleted|terminated|no longer|does not exist|not found"),
    ("unavailable", r"unavailable|not available|no video formats"),
)
# What a site says to us, not about the video. It may stand far behind in a long message that begins like one about the video.
BLOCKED = re.compile(
    r"not a (?:ro)?bot|are you a (?:ro)?bot|anti.?bot|captcha|unusual traffic|rate.?limit|too many requests", re.IGNORECASE)
# Extractors read what sites send; a changed site shows as any of these.
SITE_ERRORS: tuple[type[Exception], ...] = (
    OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError, ArithmeticError, RuntimeError,
    http.client.HTTPException, zlib.error, re.error)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkSettings:
    """How to behave on the network; the sections of params.yaml fill it in."""

    allow_private_addresses: bool
    allowed_hosts: tuple[str, ...]
    timeout_seconds: float = 30.0
    backoff_seconds: float = 1.0
    max_bytes: int = 8_000_000_000
    rate_limit_bytes_per_second: int = 0
    cookies_file: str = ""
    proxy: str = ""


@dataclass(frozen=True)
class Answer:
    """A page, or word that it has not changed.

    url: where it was found in the end, after redirects. headers: names in lower case.
    body: empty when `unchanged`.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    unchanged: bool = False


class IncompleteError(TransientError):
    """A download ended before its end. Worth another try, but not without end."""


class SiteSession:
    """A guarded yt-dlp. Use one per video or listing, in one thread."""

    def __init__(self, settings: NetworkSettings, ydl: Any, traffic: "Traffic") -> None:
        self.settings = settings
        self._ydl = ydl
        self._traffic = traffic

    def resolve(self, url: str, extractor: str | None = None) -> dict[str, Any]:
        """What an address leads to, as its extractor found it: a video, or a playlist whose `entries` come lazily.

        extractor: the yt-dlp key to use when a site's own link names it.
        Raises InputError for an address that may not be asked, TransientError, UnavailableVideoError, UnusableVideoError.
        """
        from tasks.network.guard import MAX_PAGE_BYTES

        self._traffic.body_limit = MAX_PAGE_BYTES
        outer: dict[str, Any] = {}
        for _ in range(MAX_HOPS):
            self._check_host(url, extractor)
            with self._explained(url):
                result = self._ydl.extract_info(url, download=False, ie_key=extractor, process=False)
            if not isinstance(result, dict):
                raise UnusableVideoError(f"nothing found at {shown(url)}", "drop it", "unsupported")
            kind = result.get("_type", "video")
            if kind not in ("url", "url_transparent"):
                return {**result, **outer}
            if kind == "url_transparent":
                told = ("_type", "url", "id", "extractor", "extractor_key", "ie_key")
                outer = {**{k: v for k, v in result.items() if v is not None and k not in told}, **outer}
            url, extractor = str(result.get("url", "")), result.get("ie_key")
        raise InputError(f"cycle: {shown(url)} leads from page to page", "give the address of the video itself")

    def entries(self, playlist: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The entries of a playlist, one by one, fetched as they are asked for."""
        from yt_dlp.utils import PlaylistEntries

        address = str(playlist.get("webpage_url", "playlist"))
        listed = iter(PlaylistEntries(self._ydl, playlist)[:])
        while True:
            with self._explained(address):
                _, entry = next(listed, (0, None))
            if entry is None:
                return
            yield dict(entry)

    def is_video_link(self, extractor: str | None) -> bool:
        """True when this extractor only ever gives single videos, so that its links need no request to be listed."""
        return bool(extractor) and self._ydl.get_info_extractor(extractor)._RETURN_TYPE == "video"

    def complete(self, result: dict[str, Any]) -> dict[str, Any]:
        """The same video with its formats made uniform and put in order."""
        with self._explained(str(result.get("webpage_url", ""))):
            return dict(self._ydl.process_ie_result(result, download=False))

    def save(self, info: dict[str, Any], stream: dict[str, Any], path: Path, progress: Callable[[float], None]) -> None:
        """Download one stream of a video to `path`, whole.

        progress: called with the share done, 0-1.
        Raises as `resolve`, and UnusableVideoError `too_large`.
        """
        limit = self.settings.max_bytes
        size = stream.get("filesize") or 0
        if size > limit:
            raise UnusableVideoError(f"{size} bytes are more than {limit}", "raise download.max_bytes", "too_large")
        plain = stream.get("protocol") in ("http", "https")
        self._traffic.body_limit = limit if plain else MAX_FRAGMENT_BYTES

        def on_progress(state: dict[str, Any]) -> None:
            done = state.get("downloaded_bytes") or 0
            if done > limit:
                raise self._traffic.too_large()
            total = state.get("total_bytes") or state.get("total_bytes_estimate") or 0
            progress(min(1.0, done / total) if total else 0.0)

        self._ydl._progress_hooks = [on_progress]
        address = str(info.get("webpage_url", ""))
        try:
            with self._explained(address):
                done, _ = self._ydl.dl(str(path), {**info, **stream})
        except UnavailableVideoError as error:
            if plain:
                raise
            raise IncompleteError(f"incomplete download: {error.problem}", "run again later") from error
        promised = self._traffic.totals.get(stream["url"]) if plain else None
        got = path.stat().st_size if path.is_file() else 0
        if not done or not got or (promised is not None and got != promised):
            raise IncompleteError(f"incomplete download: {got} of {promised} bytes: {shown(address)}", "run again later")

    def read(self, url: str, limit: int) -> bytes:
        """A small file into memory. Raises as `resolve`."""
        self._traffic.body_limit = limit
        with self._explained(url):
            return bytes(self._ydl.urlopen(url).read())

    @property
    def requests(self) -> int:
        """How many requests were made so far, redirects included."""
        return self._traffic.requests

    def fetch(self, url: str, headers: Mapping[str, str], limit: int) -> Answer:
        """A page or feed into memory; with If-None-Match or If-Modified-Since in `headers` it may be unchanged.

        Raises as `resolve`.
        """
        from yt_dlp.networking import Request
        from yt_dlp.networking.exceptions import HTTPError

        self._traffic.body_limit = limit
        self._check_host(url, None)
        with self._explained(url):
            try:
                response = self._ydl.urlopen(Request(url, headers=dict(headers)))
            except HTTPError as error:
                if error.status != UNCHANGED:
                    raise
                return Answer(error.response.url, {}, b"", unchanged=True)
            body = bytes(response.read())
        self._check_host(response.url, None)
        return Answer(response.url, {name.lower(): value for name, value in response.headers.items()}, body)

    def search(self, words: str, count: int) -> dict[str, Any]:
        """What YouTube's search answers to these words, as a playlist of at most `count`. Raises as `resolve`."""
        with self._explained(words):
            return dict(self._ydl.extract_info(f"ytsearch{count}:{words}", download=False, ie_key="YoutubeSearch", process=False))

    def extractor_of(self, url: str) -> tuple[str, str]:
        """Which of yt-dlp's extractors reads an address (`Generic`: none of its own), and the id it sees in it, if any."""
        key = self._extractor(url)
        return key, "" if key == "Generic" else str(self._ydl.get_info_extractor(key).get_temp_id(url) or "")

    def _extractor(self, url: str) -> str:
        return next((str(key) for key, ie in self._ydl._ies.items() if ie.suitable(url)), "Generic")

    def _check_host(self, url: str, extractor: str | None) -> None:
        """The generic reader works for listed hosts only; sites with an extractor of their own are known."""
        settings = self.settings
        address, _, _ = url.partition("#__youtubedl_smuggle")
        if re.match(r"[a-z0-9]+search[a-z0-9]*:", address):
            raise InputError(f"search URLs refused: {shown(address)}", "give the addresses of the videos themselves")
        if "://" in address or extractor is None:
            check_url(address, allow_private=settings.allow_private_addresses)
        if is_listed(host_of(address), settings.allowed_hosts):
            return
        if (extractor or self._extractor(url)) == "Generic":
            raise InputError(f"site not allowed: {shown(address)}", f"add it: discovery.allowed_hosts: [{host_of(address)}]")

    @contextmanager
    def _explained(self, url: str) -> Iterator[None]:
        """Whatever goes wrong inside yt-dlp comes out as one of our errors."""
        from yt_dlp.utils._utils import YoutubeDLError, _UnsafeExtensionError

        self._traffic.refusal = self._traffic.failure = None
        try:
            yield
        except WorkflowError:
            raise
        except (YoutubeDLError, _UnsafeExtensionError, *SITE_ERRORS) as error:
            raise self._explain(url, error) from error

    def _explain(self, url: str, error: Exception) -> WorkflowError:
        if self._traffic.refusal is not None:
            return self._traffic.refusal
        failure = self._traffic.failure
        raw = re.sub(r"\x1b\[[0-9;]*m|^ERROR: (\[[^\]]*\] )?", "", str(error))
        said = clean(raw, 160).rstrip(".")
        if failure is not None and str(failure) in raw:
            return _explain_request(url, failure)
        what = said if url in said else f"{said or type(error).__name__}: {shown(url)}"
        if BLOCKED.search(_without_addresses(clean(raw, MAX_MESSAGE_CHARACTERS))):
            return _blocked(what)
        words = _without_addresses(said)
        reason = next((name for name, pattern in REASONS if re.search(pattern, words, re.IGNORECASE)), "")
        if reason == "disk":
            return TransientError(what, "make room on the disk, then run again")
        if reason == "incomplete":
            return IncompleteError(f"incomplete download: {what}", "run again later")
        if reason == "busy":
            return BusyError(what, "run again later")
        if reason == "live":
            return UnusableVideoError(f"live not supported: {shown(url)}", "list it again when it has ended", "live")
        if reason:
            return UnavailableVideoError(what, "it stays listed and is tried again now and then", reason)
        if failure is not None:
            return _explain_request(url, failure)
        return UnusableVideoError(what, "drop it, or try again with a newer yt-dlp", "unsupported")


@contextmanager
def open_session(settings: NetworkSettings) -> Iterator[SiteSession]:
    """A session for the length of a block."""
    import yt_dlp.globals
    from yt_dlp import YoutubeDL
    from yt_dlp.postprocessor.ffmpeg import FFmpegPostProcessor

    from tasks.network.guard import GuardedRH, Traffic

    yt_dlp.globals.plugin_dirs.value = []  # no code but yt-dlp's own
    FFmpegPostProcessor._ffmpeg_location.set(NO_FFMPEG)  # some of its checks do not ask the options
    traffic = Traffic(settings.allow_private_addresses, settings.timeout_seconds)

    class Site(YoutubeDL):  # type: ignore[misc]
        def build_request_director(self, handlers: Any, preferences: Any = None) -> Any:
            return super().build_request_director([partial(GuardedRH, traffic=traffic)])

        def save_cookies(self) -> None:
            """The user's cookie file is read, never written."""

    try:
        ydl = Site(_options(settings))
        ydl.cookiejar  # noqa: B018 - reads the cookie file now, while we can say what is wrong with it
    except (OSError, ValueError, yt_dlp.utils.YoutubeDLError, yt_dlp.cookies.CookieLoadError) as error:
        raise InputError(f"network settings: {clean(error, 160)}", "correct download.cookies_file or proxy") from error
    try:
        yield SiteSession(settings, ydl, traffic)
    finally:
        ydl.close()


def _options(settings: NetworkSettings) -> dict[str, Any]:
    """Options of yt-dlp: quiet, nothing written but what is asked for, nothing run, no part of a file ever missing."""
    def wait(n: int) -> float:
        return settings.backoff_seconds * float(2 ** n)

    return {
        "quiet": True, "no_warnings": True, "noprogress": True, "color": "never", "logger": _Log(),
        "socket_timeout": settings.timeout_seconds, "proxy": settings.proxy or None,
        "cookiefile": settings.cookies_file or None, "ratelimit": settings.rate_limit_bytes_per_second or None,
        "cachedir": False, "updatetime": False, "noplaylist": False, "format": _first_format,
        "retries": CONTINUATIONS, "fragment_retries": CONTINUATIONS, "extractor_retries": 0, "file_access_retries": 0,
        "retry_sleep_functions": {"http": wait, "fragment": wait},
        "skip_unavailable_fragments": False, "continuedl": False, "overwrites": True,
        "hls_prefer_native": True, "external_downloader": {"default": "native"}, "ffmpeg_location": NO_FFMPEG,
    }


def _first_format(context: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """yt-dlp wants a choice made; ours is made afterwards, over all formats."""
    yield from list(context["formats"])[:1]


def _explain_request(url: str, failure: Any) -> WorkflowError:
    """A request that failed at the server or on the way, as policy."""
    from yt_dlp.networking.exceptions import CertificateVerifyError

    status = getattr(failure, "status", None)
    what = f"{clean(failure, 120).rstrip('.')}: {shown(url)}"
    if getattr(failure, "redirect_loop", False):
        return InputError(f"too many redirects: {shown(url)}", "give the address it should lead to")
    if status == 429:
        return _blocked(what, _asked_seconds(failure.response.headers))
    if status in (408, 425) or (status or 0) >= 500:
        return BusyError(what, "run again later", _asked_seconds(failure.response.headers))
    if status is not None:
        codes = {401: "members", 402: "members", 403: "forbidden", 404: "deleted", 410: "deleted", 451: "geo"}
        return UnavailableVideoError(
            what, "it stays listed and is tried again now and then", codes.get(status, "unavailable"))
    if isinstance(failure, CertificateVerifyError):
        return UnavailableVideoError(what, "its certificate is not to be trusted", "certificate")
    return TransientError(what, "check the network, then run again")


def _without_addresses(text: str) -> str:
    """The words of a message: what an address spells is no reason."""
    return re.sub(r"\S+://\S+", " ", text)


def _blocked(what: str, asked_seconds: float = 0.0) -> BlockedError:
    return BlockedError(
        what, "the site refuses us for now: run again later, less often, or with download.cookies_file", asked_seconds)


def _asked_seconds(headers: Any) -> float:
    """Retry-After in seconds, 0 when there is none. A date in it counts from the server's own clock."""
    asked = str(headers.get("Retry-After", "")).strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    try:
        until, sent = (parsedate_to_datetime(text) for text in (asked, str(headers.get("Date", ""))))
        return max(0.0, (until - sent).total_seconds())
    except (ValueError, TypeError):  # no date, or one with a time zone and one without
        return 0.0


class _Log:
    """yt-dlp's messages, as one escaped line each at debug level."""

    def debug(self, message: str) -> None:
        logger.debug("%s", shown(message, 300))

    info = warning = error = debug
