"""A web server on loopback that misbehaves on request.

    with WebServer({"/v.mp4": Page(body, "video/mp4", etag='"1"')}) as web:
        web.script("/v.mp4", Busy(retry_after=1), Drop(after=5000))   # the first two answers; then the page itself
        fetch(web.url("/v.mp4"))
    assert web.paths == ["/v.mp4", "/v.mp4", "/v.mp4"]

Faults are taken one per request, in order; a request without one is answered well, with Range and If-Range, unless
`web.trouble` has a fault for it.
"""

import http.server
import re
import socket
import struct
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Page:
    """What lies at one path; with an etag, one who has it already is answered 304."""

    body: bytes
    kind: str = "text/html"
    etag: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True)
class Busy:
    """503, or another status."""

    status: int = 503
    retry_after: int | None = None


@dataclass(frozen=True)
class Drop:
    """The whole length is promised, then the connection is reset after so many bytes."""

    after: int


@dataclass(frozen=True)
class Short:
    """Closes in good order after so many bytes; `promise`: with the Content-Length of the whole, or without any."""

    after: int
    promise: bool = False


@dataclass(frozen=True)
class Replace:
    """From this request on another page lies there; with `drop`, its first bytes of the old one are sent and cut."""

    page: Page
    drop: int | None = None


@dataclass(frozen=True)
class Slow:
    """So many bytes at once, then a pause, again and again."""

    bytes_at_once: int = 1
    pause_seconds: float = 0.05


@dataclass(frozen=True)
class Instead:
    """Another page, this once: a bot wall, an apology."""

    page: Page


@dataclass(frozen=True)
class Redirect:
    """302 to another address."""

    location: str


Fault = Busy | Drop | Short | Replace | Instead | Slow | Redirect
Answer = Page | Redirect | Callable[["Request"], "Page | Redirect"]


@dataclass(frozen=True)
class Request:
    """One request as the server saw it."""

    method: str
    path: str
    headers: Mapping[str, str]


class WebServer:
    """Serves pages on a free port of loopback for the length of a block; keeps every request."""

    def __init__(self, pages: Mapping[str, Answer] | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.pages: dict[str, Answer] = dict(pages or {})
        self.requests: list[Request] = []
        self.trouble: Callable[[Request], Fault | None] = lambda request: None
        self.connections = 0
        self._scripts: dict[str, deque[Fault]] = {}
        self._stopped = threading.Event()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server_class = type("Server", (_Server,), {"address_family": family, "web": self})
        self._server = server_class((host, port), _Handler)
        self.host = f"[{host}]" if ":" in host else host
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str = "/", host: str | None = None) -> str:
        return f"http://{host or self.host}:{self.port}{path}"

    def script(self, path: str, *faults: Fault) -> None:
        """What the next requests for this path get, one each."""
        self._scripts.setdefault(path, deque()).extend(faults)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    def take(self, path: str) -> Fault | None:
        script = self._scripts.get(path)
        return script.popleft() if script else None

    def pause(self, seconds: float) -> bool:
        """True when the server was stopped meanwhile."""
        return self._stopped.wait(seconds)


class _Server(http.server.ThreadingHTTPServer):
    web: WebServer

    def get_request(self) -> tuple[socket.socket, Any]:
        accepted = super().get_request()
        self.web.connections += 1
        return accepted

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the game."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        web: WebServer = self.server.web  # type: ignore[attr-defined]
        request = Request(self.command, self.path, dict(self.headers.items()))
        web.requests.append(request)
        fault = web.take(self.path) or web.trouble(request)
        found = web.pages.get(urllib.parse.unquote(self.path.partition("?")[0]))
        if callable(found):
            found = found(request)
        if isinstance(fault, Replace):
            web.pages[self.path] = fault.page
            if fault.drop is None:
                found = fault.page
            else:
                fault = Drop(fault.drop)
        if isinstance(fault, Redirect):
            found = fault
        elif isinstance(fault, Instead):
            found = fault.page
        try:
            if isinstance(fault, Busy):
                extra = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
                self._head(fault.status, {"Content-Length": "0", **extra})
            elif isinstance(found, Redirect):
                self._head(302, {"Location": found.location, "Content-Length": "0"})
            elif not isinstance(found, Page):
                self._head(404, {"Content-Length": "0"})
            else:
                self._page(found, fault, body=body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _page(self, page: Page, fault: Fault | None, *, body: bool) -> None:
        content, status = page.body, page.status
        headers = {"Content-Type": page.kind, "Accept-Ranges": "bytes", **page.headers}
        if page.etag:
            headers["ETag"] = page.etag
            if self.headers.get("If-None-Match") == page.etag:
                self._head(304, {"ETag": page.etag})
                return
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if span and (condition is None or condition == page.etag):
            start, end = int(span[1]), min(int(span[2] or len(content) - 1), len(content) - 1)
            if start > end:
                self._head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
                return
            headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
            content, status = content[start:end + 1], 206
        if not (isinstance(fault, Short) and not fault.promise):
            headers["Content-Length"] = str(len(content))
        else:
            headers["Connection"] = "close"
        self._head(status, headers)
        if not body:
            return
        if isinstance(fault, Drop | Short):
            self.wfile.write(content[: fault.after])
            self.wfile.flush()
            if isinstance(fault, Drop):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                time.sleep(0.02)  # a reset overtakes what was sent just before it
                self.connection.close()
            self.close_connection = True
        elif isinstance(fault, Slow):
            for at in range(0, len(content), fault.bytes_at_once):
                self.wfile.write(content[at:at + fault.bytes_at_once])
                if self.server.web.pause(fault.pause_seconds):  # type: ignore[attr-defined]
                    return
        else:
            self.wfile.write(content)
