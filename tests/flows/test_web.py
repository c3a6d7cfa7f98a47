"""Videos from a site that falters, through the whole job; and what can be done with the dataset afterwards."""

import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.flows.conftest import SAMPLE, Command
from tests.servers import Busy, Drop, Page, Request, WebServer

pytestmark = pytest.mark.slow
ON_LOOPBACK = ("--set", "discovery.allow_private_addresses=true", "--set", "discovery.allowed_hosts=[127.0.0.1]")
SWIFT = ("--set", "download.backoff_seconds=0.1")


def page_about(video: Path, request: Request) -> Page:
    """A page as video sites write them: what it shows is said in JSON-LD."""
    told = {"@context": "https://schema.org", "@type": "VideoObject", "name": f"About {video.stem}", "uploadDate": "2026-03-04",
            "contentUrl": f"http://{request.headers['Host']}/{video.name}", "author": {"@type": "Person", "name": "Some Channel"}}
    return Page(f'<html><script type="application/ld+json">{json.dumps(told)}</script></html>'.encode())


def site_of(videos: list[Path]) -> WebServer:
    files = {f"/{video.name}": Page(video.read_bytes(), "video/mp4", etag=f'"{video.stem}"') for video in videos}
    return WebServer({**files, **{f"/{video.stem}.html": partial(page_about, video) for video in videos}})


def test_a_page_of_a_busy_site_is_fetched_again_and_the_tries_are_seen_in_prefect(
        framewords: Command, with_model: tuple[str, ...], ask_prefect: Callable[[str, dict[str, Any]], Any]) -> None:
    video = min(SAMPLE.glob("*.mp4"))
    with site_of([video]) as web:
        web.script(f"/{video.name}", Busy(), Drop(after=50_000))
        address = web.url(f"/{video.stem}.html")
        done = framewords(*with_model, *ON_LOOPBACK, *SWIFT, "ingest", address)
    assert done.code == 0, done.err
    name = next((framewords.data / "labels").iterdir()).name
    assert (framewords.data / "media" / name / "picture.mp4").read_bytes() == video.read_bytes()
    runs = ask_prefect("task_runs/filter", {"task_runs": {"name": {"any_": [f"download-{name}"]}}})
    assert [run["state_name"] for run in runs] == ["Completed"]
    listed = (framewords.data / "videos.csv").read_text()
    assert f"About {video.stem}" in listed
    assert "Some Channel" in listed
    assert "2026-03-04" in listed


def test_a_video_that_is_gone_is_set_aside_and_a_dead_site_is_tried_again_later(
        framewords: Command, with_model: tuple[str, ...], tmp_path: Path) -> None:
    video = min(SAMPLE.glob("*.mp4"))
    with site_of([video]) as web:
        web.script(f"/{video.name}", *[Busy()] * 40)
        pages = tmp_path / "list.txt"
        pages.write_text("\n".join([web.url(f"/{video.stem}.html"), web.url("/gone.html"), str(video)]))
        done = framewords(*with_model, *ON_LOOPBACK, *SWIFT, "--set", "download.attempts=2", "ingest", str(pages))
        assert done.code == 3  # safe to run again
        assert "1 labelled" in done.out
        assert "gone.html" in done.out
    with site_of([video]) as web:
        pages.write_text("\n".join([web.url(f"/{video.stem}.html"), str(video)]))
        done = framewords(*with_model, *ON_LOOPBACK, *SWIFT, "ingest", str(pages))
    assert done.code == 0, done.out + done.err
    assert "2 labelled" in done.out


def test_report_exports_and_rebuild_follow_from_the_dataset(
        framewords: Command, with_model: tuple[str, ...], tmp_path: Path) -> None:
    assert framewords(*with_model, "ingest", str(SAMPLE)).code == 0
    rows = sum(pq.read_metadata(path).num_rows for path in (framewords.data / "dataset" / "data").glob("*.parquet"))
    assert rows > 0
    assert framewords("verify").code == 0
    assert framewords("report").code == 0
    assert "<svg" in (framewords.data / "report.html").read_text()
    for form in ("webdataset", "coco", "recipe"):
        done = framewords("export", form, str(tmp_path / form))
        assert done.code == 0, done.err
        assert f"{rows} pictures" in done.out
    done = framewords("rebuild", str(tmp_path / "recipe"), str(tmp_path / "again"))
    assert f"{rows} of {rows} pictures are there again" in done.out, done.err
    assert pictures(tmp_path / "again") == pictures(framewords.data / "dataset")


def pictures(dataset: Path) -> Counter[bytes]:
    return Counter(image["bytes"] for path in (dataset / "data").glob("*.parquet")
                   for image in pq.read_table(path, columns=["image"])["image"].to_pylist())


def test_a_shard_with_one_wrong_bit_is_named(framewords: Command, with_model: tuple[str, ...]) -> None:
    assert framewords(*with_model, "ingest", str(SAMPLE)).code == 0
    shard = next((framewords.data / "dataset" / "data").glob("*.parquet"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(bytes(content))
    done = framewords("verify")
    assert done.code == 4
    assert shard.name in done.err
    assert done.err.count("\n") == 1
