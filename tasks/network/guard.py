"""The one way out: every request yt-dlp makes passes here, with its address checked at the moment of connecting.

Importing this module imports yt-dlp (0.3 s), so callers do it inside functions.
"""

import contextlib
import functools
import http.client
import io
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import urllib.response
import zlib
from dataclasses import dataclass, field
from typing import Any

from yt_dlp.networking import Request, Response
from yt_dlp.networking._urllib import (
    HTTPHandler,
    ProxyHandler,
    RedirectHandler,
    UrllibResponseAdapter,
    UrllibRH,
    make_socks_conn_class,
)
from yt_dlp.networking.exceptions import RequestError, TransportError

from tasks.errors import InputError, UnusableVideoError, WorkflowError
from tasks.network.address import HOW_TO_ALLOW, PrivateAddressError, check_url, host_of, open_connection
from tasks.network.text import shown

MAX_PAGE_BYTES = 64 << 20  # a page, playlist or caption, in memory
MIN_BYTES_PER_SECOND = 100  # a server that drips slower than this for a whole timeout is as good as gone
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


@dataclass
class Traffic:
    """What one session has seen of its servers.

    requests: how many were made, redirects followed and tries repeated included.
    body_limit: bytes that one answer may have, set before each use.
    refusal: why we ourselves refused to go on; the reason behind the next error of yt-dlp.
    failure: the last request that failed at the server or on the way.
    validators: ETag or Last-Modified by address, so that a download is never continued with another version.
    totals: bytes of the whole body by address, as promised by the server.
    """

    allow_private: bool
    timeout_seconds: float
    requests: int = 0
    body_limit: int = MAX_PAGE_BYTES
    refusal: WorkflowError | None = None
    failure: RequestError | None = None
    validators: dict[str, str] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: WorkflowError) -> PrivateAddressError:
        """Note the reason; returns the error to raise into yt-dlp."""
        self.refusal = reason
        return PrivateAddressError(reason.problem)

    def too_large(self) -> PrivateAddressError:
        return self.refuse(UnusableVideoError(
            f"more than {self.body_limit} bytes sent", "raise download.max_bytes or drop the video", "too_large"))


class GuardedRH(UrllibRH):  # type: ignore[misc]
    """yt-dlp's urllib handler without ftp and file, connecting to checked addresses only, with bounded answers."""

    _SUPPORTED_URL_SCHEMES = ("http", "https", "data")

    def __init__(self, *, traffic: Traffic, **options: Any) -> None:
        super().__init__(**options)
        self._traffic = traffic

    def _make_sslcontext(self, legacy_ssl_support: bool | None = None) -> ssl.SSLContext:
        context: ssl.SSLContext = super()._make_sslcontext(legacy_ssl_support=legacy_ssl_support)
        context.sslsocket_class = type("Socket", (_NotTooSlow, ssl.SSLSocket), {"patience": self._traffic.timeout_seconds})
        return context

    def _create_instance(
        self, proxies: dict[str, str | None], cookiejar: Any, legacy_ssl_support: bool | None = None,
    ) -> urllib.request.OpenerDirector:
        opener = urllib.request.OpenerDirector()
        handlers: list[urllib.request.BaseHandler] = [
            ProxyHandler(proxies),
            _GuardedHTTPHandler(self._traffic, proxies, self._make_sslcontext(legacy_ssl_support)),
            urllib.request.HTTPCookieProcessor(cookiejar),
            urllib.request.DataHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            _GuardedRedirectHandler(self._traffic),
        ]
        for handler in handlers:
            opener.add_handler(handler)
        opener.addheaders = []
        return opener

    def _send(self, request: Request) -> Response:
        traffic = self._traffic
        if not request.url.startswith("data:"):
            try:
                check_url(request.url, allow_private=traffic.allow_private)
            except InputError as error:
                raise TransportError(cause=traffic.refuse(error)) from error
        start = _range_start(request)
        if start:
            request = request.copy()
            if request.url in traffic.validators:
                request.headers["If-Range"] = traffic.validators[request.url]
            else:  # nothing tells whether the rest would be of the same version: ask for the whole
                del request.headers["Range"]
                start = 0
        try:
            response = super()._send(request)
        except RequestError as error:
            traffic.failure = error
            raise
        self._remember(request.url, response, start)
        return _BoundedResponse(response, traffic)

    def _remember(self, url: str, response: Response, start: int) -> None:
        """Note version and length of a body; a continuation of another version is an error."""
        traffic = self._traffic
        tag = response.headers.get("ETag", "")
        validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
        span = CONTENT_RANGE.match(response.headers.get("Content-Range", ""))
        length = response.headers.get("Content-Length", "")
        total = int(span[2]) if span else int(length) if length.isdigit() else None
        if start and span:  # whatever its status, yt-dlp takes this for the rest of the file
            known = traffic.validators[url], traffic.totals.get(url, total)
            if known != (validator or known[0], total):
                del traffic.validators[url]
                traffic.failure = TransportError("the file changed on the server during the download")
                raise traffic.failure
            return
        traffic.validators.pop(url, None)
        traffic.totals.pop(url, None)
        if validator:
            traffic.validators[url] = validator
        if total is not None and not response.headers.get("Content-Encoding"):
            traffic.totals[url] = total


class _BoundedResponse(UrllibResponseAdapter):  # type: ignore[misc]
    """An answer that may have no more bytes than the session allows."""

    def __init__(self, response: Response, traffic: Traffic) -> None:
        super().__init__(response.fp)
        self._response = response  # it would close the connection when collected
        self._traffic = traffic
        self._room = traffic.body_limit

    def read(self, amt: int | None = None) -> bytes:
        length = self.headers.get("Content-Length", "")
        whole = amt is None and length.isdigit() and int(length) <= self._room  # read() alone notices a short body
        try:
            data: bytes = super().read(None if whole else min(amt or self._room + 1, self._room + 1))
        except RequestError as error:
            self._traffic.failure = error
            raise
        self._room -= len(data)
        if self._room < 0:
            raise TransportError(cause=self._traffic.too_large())
        return data


class _GuardedHTTPHandler(HTTPHandler):  # type: ignore[misc]
    """Opens checked connections; unpacks compressed answers within the limit (a small one may unpack to gigabytes)."""

    def __init__(self, traffic: Traffic, proxies: dict[str, str | None], context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._traffic = traffic
        self._proxies = {_host_and_port(proxy) for key, proxy in proxies.items() if key != "no" and proxy}
        self._socket_class = type("Socket", (_NotTooSlow, socket.socket), {"patience": traffic.timeout_seconds})

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(self._connector(http.client.HTTPConnection, req), req)

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(self._connector(http.client.HTTPSConnection, req), req, context=self._context)

    def _connector(self, kind: type[http.client.HTTPConnection], req: urllib.request.Request) -> Any:
        self._traffic.requests += 1
        socks = req.headers.pop("Ytdl-socks-proxy", None)
        if socks:  # the user's own proxy: it makes the connections
            return make_socks_conn_class(kind, socks)

        def connection(*arguments: Any, **options: Any) -> http.client.HTTPConnection:
            made = kind(*arguments, **options)
            made._create_connection = functools.partial(self._connect, req)  # type: ignore[attr-defined]
            return made
        return connection

    def _connect(self, req: urllib.request.Request, address: tuple[str, int], timeout: Any, source: Any = None) -> socket.socket:
        try:
            return open_connection(
                address, timeout, source, make_socket=self._socket_class,
                allowed=lambda host, port: self._traffic.allow_private or (host, port) in self._proxies)
        except PrivateAddressError as error:
            redirected = "redirect to " if req.unverifiable else ""
            raise self._traffic.refuse(InputError(f"{redirected}{error}", HOW_TO_ALLOW)) from error

    def http_response(self, req: urllib.request.Request, resp: Any) -> Any:
        names = [name.strip() for name in reversed(resp.headers.get("Content-Encoding", "").split(","))]
        if not any(name in ("gzip", "deflate") for name in names):
            return resp
        limit = min(self._traffic.body_limit, MAX_PAGE_BYTES)
        body = resp.read(limit + 1)
        for name in names:
            if name in ("gzip", "deflate") and body:
                body = self._unpack(body, name, limit)
        answer = urllib.response.addinfourl(io.BytesIO(body), resp.headers, resp.url, resp.code)
        answer.msg = resp.msg  # type: ignore[attr-defined]
        return answer

    https_response = http_response

    def _unpack(self, body: bytes, name: str, limit: int) -> bytes:
        zlib_header = body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32 if name == "gzip" or zlib_header else -zlib.MAX_WBITS)
        unpacked = unpacker.decompress(body, limit + 1)
        if len(unpacked) > limit:
            raise self._traffic.too_large()
        if not unpacker.eof:
            raise OSError("compressed answer is cut short")
        return unpacked


class _GuardedRedirectHandler(RedirectHandler):  # type: ignore[misc]
    """Follows redirects to checked addresses; what is meant for one host is not told to the next."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str,
    ) -> urllib.request.Request:
        try:
            check_url(newurl, allow_private=self._traffic.allow_private)
        except InputError as error:
            refusal = InputError(f"redirect to {error.problem}", error.remedy)
            raise urllib.error.URLError(self._traffic.refuse(refusal)) from error
        following: urllib.request.Request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if host_of(newurl) != host_of(req.full_url):
            for name in ("Authorization", "Cookie"):
                following.headers.pop(name, None)
        return following


class _NotTooSlow:
    """Mixed into a socket: waiting for bytes may not take long for few of them, however regularly they drip."""

    patience: float
    _waited = 0.0
    _received = 0

    def recv_into(self, *arguments: Any) -> int:
        before = time.monotonic()
        count: int = super().recv_into(*arguments)  # type: ignore[misc]
        self._waited += time.monotonic() - before
        self._received += count
        if self._waited > self.patience:
            if self._received < MIN_BYTES_PER_SECOND * self._waited:
                raise TimeoutError(f"only {self._received} bytes in {self._waited:.0f} s")
            self._waited, self._received = 0.0, 0
        return count


def _range_start(request: Request) -> int:
    found = re.match(r"bytes=(\d+)-", request.headers.get("Range", ""))
    return int(found[1]) if found else 0


def _host_and_port(proxy: str) -> tuple[str, int]:
    with contextlib.suppress(ValueError):
        parts = urllib.parse.urlsplit(proxy)
        return (parts.hostname or "", parts.port or 80)
    raise InputError(f"proxy is not an address: {shown(proxy)}", "correct download.proxy")
