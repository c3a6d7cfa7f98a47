# ruff: noqa
# mypy: ignore-errors
"""Serve a folder made by bed.py on loopback, with Range requests.

    python serve.py DIR [--port 8765]

The address written into pages and feeds is replaced by the one asked for.
"""
import argparse
import http.server
import os
import re


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    base = b""
    extensions_map = {".mp4": "video/mp4", ".jpg": "image/jpeg", ".xml": "application/rss+xml; charset=utf-8",
                      ".html": "text/html; charset=utf-8", "": "application/octet-stream"}

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def answer(self, body):
        path = self.translate_path(self.path)
        if os.path.isdir(path):
            path = os.path.join(path, "index.html")
        if not os.path.isfile(path) or os.path.basename(path).startswith(("truth", "base")):
            return self.send_error(404)
        kind = self.guess_type(path)
        if path.endswith((".xml", ".html")):
            with open(path, "rb") as f:
                data = f.read().replace(self.base, b"http://" + self.headers.get("Host", "").encode())
            a, size, status, read = 0, len(data), 200, None
            b = size
        else:
            size, status, a, data = os.path.getsize(path), 200, 0, None
            b = size
            m = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            if m and any(m.groups()):
                if m[1]:
                    a, b = int(m[1]), min(size, int(m[2]) + 1 if m[2] else size)
                else:
                    a = max(0, size - int(m[2]))
                if a >= size or b <= a:
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{size}")
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                status = 206
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(b - a))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", self.date_time_string(os.path.getmtime(path)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {a}-{b - 1}/{size}")
        self.end_headers()
        if not body:
            return
        if data is not None:
            self.wfile.write(data)
            return
        with open(path, "rb") as f:
            f.seek(a)
            while a < b:
                part = f.read(min(1 << 16, b - a))
                if not part:
                    break
                self.wfile.write(part)
                a += len(part)


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("folder")
    ap.add_argument("--port", type=int, default=8765)
    a = ap.parse_args()
    os.chdir(a.folder)
    Handler.base = open("base.txt", "rb").read().strip()
    with http.server.ThreadingHTTPServer(("127.0.0.1", a.port), Handler) as s:
        s.serve_forever()
