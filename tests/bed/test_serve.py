import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bed.serve import serving

BODY = bytes(range(256)) * 4


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "base.txt").write_text("http://127.0.0.1:8765\n")
    (tmp_path / "truth.jsonl").write_text("{}")
    (tmp_path / "a.mp4").write_bytes(BODY)
    (tmp_path / "feed.xml").write_text("<link>http://127.0.0.1:8765/a.mp4</link>")
    with serving(tmp_path) as address:
        yield address


def fetch(url: str, asked: str = "") -> tuple[int, bytes]:
    request = urllib.request.Request(url, headers={"Range": asked} if asked else {})
    try:
        with urllib.request.urlopen(request) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("", 200, BODY), ("bytes=10-19", 206, BODY[10:20]), ("bytes=1000-", 206, BODY[1000:]), ("bytes=-5", 206, BODY[-5:]),
        ("bytes=0-99999", 206, BODY), ("bytes=1024-", 416, b""), ("bytes=9-2", 416, b""), ("bytes=-", 200, BODY),
    ],
)  # fmt: skip
def test_ranges_of_one_part_are_served(site: str, asked: str, status: int, body: bytes) -> None:
    assert fetch(f"{site}/a.mp4", asked) == (status, body)


@pytest.mark.parametrize("path", ["truth.jsonl", "base.txt", "%74ruth.jsonl", "../truth.jsonl", "missing.mp4"])
def test_the_truth_is_hidden(site: str, path: str) -> None:
    assert fetch(f"{site}/{path}")[0] == 404


def test_pages_carry_the_address_they_were_asked_for(site: str) -> None:
    assert fetch(f"{site}/feed.xml") == (200, f"<link>{site}/a.mp4</link>".encode())
