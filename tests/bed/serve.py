"""Serve a folder made by make.py on loopback, with Range requests. The truth is never served.

    python -m tests.bed.serve DIR [--port 8765]

The address written into pages and feeds is replaced by the one asked for.
"""

import argparse
import http.server
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

HIDDEN = ("truth", "base")  # how the names of files that are not served begin
BLOCK = 1 << 16
TYPES = {
    ".mp4": "video/mp4",
    ".jpg": "image/jpeg",
    ".xml": "application/rss+xml; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}


class Handler(http.server.SimpleHTTPRequestHandler):
    """One folder. Ranges of one part; a range outside the file is a 416."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, base: bytes, quiet: bool, **kwargs: Any) -> None:
        self.base, self.quiet = base, quiet
        super().__init__(*args, **kwargs)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        return TYPES.get(Path(path).suffix, "application/octet-stream")

    def log_message(self, format: str, *args: Any) -> None:
        if not self.quiet:
            super().log_message(format, *args)

    def _answer(self, *, with_body: bool) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file() or path.name.startswith(HIDDEN):
            self.send_error(404)
            return
        text = None
        if path.suffix in (".xml", ".html"):
            text = path.read_bytes().replace(self.base, b"http://" + self.headers.get("Host", "").encode())
        size = path.stat().st_size if text is None else len(text)
        asked = _range(self.headers.get("Range", ""), size) if text is None else None
        start, end = asked or (0, size)
        if asked and (start >= size or end <= start):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", self.date_time_string(path.stat().st_mtime))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.end_headers()
        if with_body:
            self._send(path, text, start, end)

    def _send(self, path: Path, text: bytes | None, start: int, end: int) -> None:
        if text is not None:
            self.wfile.write(text)
            return
        with path.open("rb") as file:
            file.seek(start)
            while start < end and (part := file.read(min(BLOCK, end - start))):
                self.wfile.write(part)
                start += len(part)


def _range(header: str, size: int) -> tuple[int, int] | None:
    """The half-open byte range asked for, not yet checked against the size; None without one."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    if not found or not any(found.groups()):
        return None
    first, last = found.groups()
    if first:
        return int(first), min(size, int(last) + 1 if last else size)
    return max(0, size - int(last)), size


def make_server(folder: Path, port: int = 0, *, quiet: bool = True) -> http.server.ThreadingHTTPServer:
    """A server of a bed on loopback, not yet started. port 0: any that is free."""
    base = (folder / "base.txt").read_bytes().strip()
    handler = partial(Handler, directory=str(folder), base=base, quiet=quiet)
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve while inside; gives the address, such as http://127.0.0.1:40123."""
    with make_server(folder) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8765)
    a = parser.parse_args()
    with make_server(a.folder, a.port, quiet=False) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
