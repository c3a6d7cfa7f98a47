"""The page server gives the report and the sheets, and nothing else."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.page import open_page
from flows.server import free_port
from tasks.storage.layout import DataFolder

SHEET = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[tuple[str, int]]:
    data = DataFolder(tmp_path / "data")
    data.sheet("site_a").parent.mkdir(parents=True)
    data.sheet("site_a").write_bytes(SHEET)
    data.report.write_text("<title>report</title>")
    (tmp_path / "params.yaml").write_text("secret: no")
    with open_page(data, free_port()) as url:
        host, port = url.removeprefix("http://").split(":")
        yield host, int(port)


def ask(address: tuple[str, int], path: str, method: str = "GET", host: str = "") -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(*address)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"{address[0]}:{address[1]}")
    connection.endheaders()
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, reply.headers, body


def test_the_report_and_a_sheet_are_given_as_what_they_are(address: tuple[str, int]) -> None:
    status, headers, body = ask(address, "/report.html")
    assert (status, body, headers["X-Content-Type-Options"]) == (200, b"<title>report</title>", "nosniff")
    assert headers["Content-Type"].startswith("text/html")
    status, headers, body = ask(address, "/sheets/site_a.svg")
    assert (status, body, headers["Content-Type"]) == (200, SHEET, "image/svg+xml")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ask(address, "/")[1]["Location"] == "/report.html"


@pytest.mark.parametrize("path", [
    "/sheets/", "/sheets/site_b.svg", "/sheets/../../params.yaml", "/sheets/..%2f..%2f..%2fparams.yaml", "/params.yaml",
    "/sheets/%00.svg", "/data/report.html", "//report.html/", "/sheets/site_a.svg/", "/../params.yaml"])
def test_nothing_else_is_found(address: tuple[str, int], path: str) -> None:
    status, _, body = ask(address, path)
    assert status in (307, 404)
    assert b"secret" not in body
    assert b"site_a" not in body


def test_another_host_name_is_refused(address: tuple[str, int]) -> None:
    assert ask(address, "/report.html", host="evil.example")[0] == 400
    assert ask(address, "/report.html", host="localhost")[0] == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_only_reading_is_allowed(address: tuple[str, int], method: str) -> None:
    assert ask(address, "/report.html", method)[0] == 405


def test_a_taken_port_is_no_obstacle(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, open_page(DataFolder(tmp_path), taken.getsockname()[1]) as url:
        host, port = url.removeprefix("http://").split(":")
        assert int(port) != taken.getsockname()[1]
        assert ask((host, int(port)), "/report.html")[0] == 404
