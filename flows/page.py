"""The report and the contact sheets of a project on loopback, so that Prefect's UI can link to them and show them.

Nothing else is given: two kinds of address, ids that cannot be paths, reading only, and no host name but loopback's.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from flows.server import LOOPBACK
from tasks.schema import VIDEO_ID
from tasks.storage.layout import DataFolder

# The report brings its own, stricter policy; a sheet is a picture, and must stay one when it is opened by itself.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
SAFE = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache"}


def page_of(data: DataFolder) -> Starlette:
    """The application that gives out the report and the sheets of one data folder."""

    def report(request: Request) -> Response:
        if not data.report.is_file():
            raise HTTPException(404, "no report yet: the first run writes it")
        return FileResponse(data.report, media_type="text/html", headers=SAFE)

    def sheet(request: Request) -> Response:
        video_id = request.path_params["video_id"]
        if not VIDEO_ID.fullmatch(video_id) or not data.sheet(video_id).is_file():
            raise HTTPException(404, "no such sheet")
        return FileResponse(data.sheet(video_id), media_type="image/svg+xml", headers=SAFE)

    return Starlette(
        routes=[
            Route("/", lambda request: RedirectResponse("/report.html")), Route("/report.html", report),
            Route("/sheets/{video_id}.svg", sheet)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])])


@contextmanager
def open_page(data: DataFolder, port: int) -> Iterator[str]:
    """Give out the page while the block runs, on `port` or, when that is taken, on a free one. Gives its address."""
    listener = _listen(port)
    server = uvicorn.Server(uvicorn.Config(page_of(data), log_config=None, lifespan="off", server_header=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="page", daemon=True)
    thread.start()
    try:
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _listen(port: int) -> socket.socket:
    """A socket that listens already, so that the first request is not refused."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError:
        return socket.create_server((LOOPBACK, 0))
