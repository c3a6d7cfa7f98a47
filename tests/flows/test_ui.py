"""What a person sees in Prefect's UI, in a real browser: `ingest` started from its form, followed, and looked at afterwards.

Pictures of every screen are kept in test-output/ui, to be looked at by people.
"""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flows.server import free_port
from tests.flows.conftest import SAMPLE
from tests.flows.server import REPOSITORY
from tests.servers import Busy, Slow
from tests.site.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = pytest.mark.slow
PICTURES = REPOSITORY / "test-output" / "ui"
PATIENCE_MS = 600_000  # a broken run must not hang the tests for ever
TITLES = {"blue-camp-2-001": "A day at the lake", "happy-island-3-001": "Breakfast", "little-kitchen-1-001": "What is in my bag"}


@dataclass
class Ui:
    """Prefect's UI of a served project, and the addresses that the form of `ingest` is given: three videos, and one gone."""

    address: str
    sources: list[str]
    page: "Page"
    requests: list[str]

    def go(self, path: str) -> None:
        self.page.goto(f"{self.address}{path}")

    def keep(self, name: str) -> None:
        """A picture of the screen as it is, once all of it is there."""
        self.page.wait_for_load_state("networkidle")
        self.page.screenshot(path=PICTURES / f"{name}.png")

    def sees(self, what: "Locator") -> "Locator":
        what.first.wait_for(state="visible", timeout=PATIENCE_MS)
        return what.first

    def start_ingest(self, run: str) -> None:
        """As a person does: Deployments, ingest, Run, Custom run, the form, Submit. run: what to call it."""
        page = self.page
        self.go("/deployments")
        self.sees(page.get_by_role("link", name="ingest", exact=True)).click()
        self.sees(page.get_by_role("button", name="Run", exact=True)).click()
        self.sees(page.get_by_text("Custom run")).click()
        self.sees(page.get_by_text("Addresses of videos, pages or playlists"))
        self.sees(page.locator("input[type=text]")).fill(run)
        for place, source in enumerate(self.sources):
            self.sees(page.get_by_role("button", name="Add item")).click()
            self.sees(page.locator("textarea").nth(place)).fill(source)
        self.keep(f"form-{run}")
        page.get_by_role("button", name="Submit").click()
        self.sees(page.get_by_text("scheduled to start"))
        self.go("/runs")
        self.sees(page.get_by_role("link", name=run, exact=True)).click()

    def open_tab(self, name: str) -> None:
        self.sees(self.page.locator("button, a, li").filter(has_text=re.compile(f"^ *{name} *$"))).click()

    def go_to(self, run: str, tab: str) -> None:
        self.page.goto(run.partition("?")[0])
        self.open_tab(tab)

    def ask(self, path: str) -> Any:
        """Prefect's own API, as its UI asks it."""
        request = urllib.request.Request(f"{self.address}/api/{path}", b"{}", {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def open_artefact(self, name: str) -> None:
        """From the tab of a run."""
        self.sees(self.page.get_by_role("link", name=name)).click()
        self.sees(self.page.get_by_text("Show raw data"))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        site.channel("kitchen")
        for name, title in TITLES.items():
            site.publish("kitchen", SAMPLE / f"{name}.mp4", title=title)
        yield site


@pytest.fixture(scope="module")
def ui(site: Site, browser: "Browser", tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """A project made by `framewords init`, served by `framewords serve`."""
    project, port = tmp_path_factory.mktemp("ui") / "project", free_port()
    PICTURES.mkdir(parents=True, exist_ok=True)
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("PREFECT_", "FRAMEWORDS_"))}
    environment |= {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "flows"]
    subprocess.run([*command, "init", str(project)], env=environment, check=True, stdout=subprocess.DEVNULL)
    settings = (project / "params.yaml").read_text()
    for old, new in (
            ("allow_private_addresses: .*", "allow_private_addresses: true"), ("backoff_seconds: .*", "backoff_seconds: 1"),
            ("allowed_hosts: .*", 'allowed_hosts: ["127.0.0.1"]'), (r"\n  model: .*", f"\n  model: {tiny_model}")):
        settings, found = re.subn(old, new, settings, count=1)
        assert found
    (project / "params.yaml").write_text(settings)
    with subprocess.Popen(
            [*command, "serve", "--port", str(port)], cwd=project, env=environment, stdout=subprocess.PIPE, text=True,
            start_new_session=True) as serving:
        try:
            assert serving.stdout is not None
            assert any(line.startswith("next night:") for line in serving.stdout)
            sources = [*(video.page for video in site.videos), site.url("/gone.html")]
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            requests: list[str] = []
            page.on("request", lambda request: requests.append(request.url))
            yield Ui(f"http://127.0.0.1:{port}", sources, page, requests)
            page.close()
        finally:
            serving.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                serving.wait(timeout=30)
            with suppress(ProcessLookupError):
                os.killpg(serving.pid, signal.SIGKILL)


def test_what_a_person_starts_from_the_form_is_seen_to_the_end(ui: Ui, site: Site) -> None:
    """In one go, as a person would: each screen leads to the next."""
    page = ui.page
    site.script(site.videos[0].media, Slow(1 << 20, 0), Busy(), Busy())  # listed, then busy twice
    ui.start_ingest("first")
    ui.sees(page.get_by_text("Completed", exact=True))
    run = page.url
    for again in (1, 2):  # why it was tried again, and when
        ui.sees(page.get_by_text(re.compile(rf"503: Service Unavailable.* - Retry {again}/\d+ will start")))
    ui.keep("run")
    ui.open_tab("Artifacts")
    ui.sees(page.get_by_text("3 of 3 videos settled: 3 labelled"))
    ui.keep("artefacts")

    ui.open_artefact("videos")
    for title in TITLES.values():
        row = page.get_by_role("row").filter(has_text=title).inner_text()
        assert re.search(r"labelled\s+\d+ of \d+ pictures\s+\d+ duplicate\s+\d+ of \d+\s+vosk", row), row
    assert "404" in page.get_by_role("row").filter(has_text="not listed").inner_text()
    ui.keep("videos")

    ui.go_to(run, "Artifacts")
    ui.open_artefact("report")
    ui.sees(page.get_by_role("row").filter(has_text="3: 3 labelled"))
    assert page.get_by_role("link", name="All videos on one page").get_attribute("href", timeout=PATIENCE_MS)
    ui.keep("report")

    ui.go_to(run, "Artifacts")
    page.get_by_role("link", name=re.compile("sheet-web-")).first.click()
    picture = ui.sees(page.locator("img[src*='/sheets/']"))
    page.wait_for_function("picture => picture.naturalWidth > 0", arg=picture.element_handle())
    ui.keep("sheet")


def test_what_was_done_before_is_cached(ui: Ui) -> None:
    ui.start_ingest("second")
    ui.sees(ui.page.get_by_text("Completed", exact=True))
    ui.open_tab("Task Runs")
    ui.sees(ui.page.get_by_text("Cached", exact=True))
    ui.keep("cached")


def test_the_newer_ui_shows_the_same(ui: Ui) -> None:
    """Whoever switches to it sees the table and the pictures, too, though it may not reach the analytics that it asks for."""
    ui.page.route(re.compile(r"^https://"), lambda route: route.abort())
    made = ui.ask("artifacts/filter")
    table, sheet = (next(one["id"] for one in made if one["key"].startswith(kind) and text in one["data"])
                    for kind, text in (("videos", TITLES["blue-camp-2-001"]), ("sheet-", "/sheets/")))
    ui.go(f"/v2/artifacts/artifact/{table}")
    for title in TITLES.values():
        ui.sees(ui.page.get_by_text(title))
    ui.keep("v2-videos")
    ui.go(f"/v2/artifacts/artifact/{sheet}")
    picture = ui.sees(ui.page.locator("img[src*='/sheets/']"))
    ui.page.wait_for_function("picture => picture.naturalWidth > 0", arg=picture.element_handle())
    ui.keep("v2-sheet")


def test_the_ui_asks_nothing_of_the_internet(ui: Ui) -> None:
    ui.page.goto("about:blank")  # what the newer UI, seen before, still asks for is not ours to judge
    ui.requests.clear()
    for path in ("/", "/dashboard", "/runs", "/flows", "/deployments", "/artifacts"):
        ui.go(path)
        ui.page.wait_for_load_state("networkidle")
    assert len(ui.requests) > 10
    assert [url for url in ui.requests if not url.startswith((ui.address, "data:", "blob:"))] == []
