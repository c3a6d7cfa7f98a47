"""What the UI is told of a run, as its server's API gives it back; and that telling never harms the run."""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from prefect import flow
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import artefacts
from flows.artefacts import seen_in_ui, sheet_key, table_row
from flows.labelling import told
from flows.outcome import RunSummary, VideoResult
from flows.server import PAGE_VARIABLE, UNWATCHED_VARIABLE
from tasks.schema import Video
from tasks.storage.child import preload
from tasks.storage.layout import DataFolder
from tasks.storage.ledger import Outcome
from tests.report.conftest import DOG_AND_CUP, write_data

DOG = DOG_AND_CUP.video
pytestmark = pytest.mark.slow
STEPS: dict[str, dict[str, Any]] = {
    "frames": {"sampled": 6, "kept": 3, "dropped": {"duplicate": 2, "black": 1, "blurred": 0}},
    "transcription": {"engine": "vosk", "model": "tiny"},
    "keywords": {"heard": 7, "kept": 3, "dropped": {"stopword": 2, "filler": 1, "not_visual": 1}},
    "alignment": {"examples": 2, "labels": 3}}
LABELLED = VideoResult(DOG, Outcome(DOG.id, "labelled"), 24.0, steps=STEPS)
GONE = VideoResult(
    Video("web_gone", "https://example.org/gone", title="<img src=x onerror=alert(1)> [a](javascript:b)"),
    Outcome("web_gone", "set_aside", code="deleted", problem="web_gone: HTTP Error 404: Not Found"))
Ask = Callable[[str, dict[str, Any]], Any]


@pytest.fixture(scope="module")
def here(prefect_api: str) -> Iterator[None]:
    """Flows of this process talk to the test run's server, and are done with it before it stops."""
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        yield
        for worker in (APILogWorker, EventsWorker):
            worker.drain_all(timeout=30)


@flow(name="shown")
def shown(data: DataFolder) -> str:
    """A run of three videos, of which one is labelled now, one was before, and one is gone."""
    before = VideoResult(Video("web_old", "https://example.org/old"), Outcome("web_old", "labelled"), 10.0, True, STEPS)
    results = [LABELLED, before, GONE]
    with seen_in_ui(data, len(results)) as show:
        for result in results:
            told(result)
        show(RunSummary(results, (("https://example.org/x", "deleted", "404"),)))
    return "done"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    for name in (PAGE_VARIABLE, UNWATCHED_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    preload(["tasks.report.sheet"])
    return DataFolder(write_data(tmp_path / "data", [DOG_AND_CUP]))


@pytest.fixture
def run_shown(data: DataFolder, here: None, ask_prefect: Ask) -> Callable[[], dict[str, Any]]:
    """Runs `shown` and gives its artefacts by key."""
    def run() -> dict[str, Any]:
        state = shown(data, return_state=True)
        assert state.is_completed()
        found = ask_prefect("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}})
        return {artefact["key"]: artefact for artefact in found}
    return run


def test_progress_table_sheet_and_report_are_shown(run_shown: Callable[[], dict[str, Any]]) -> None:
    made = run_shown()
    assert made.keys() == {"progress", "videos", "report", sheet_key(DOG.id)}  # no sheet of what was done before
    assert made["progress"]["data"] == 100
    assert made["progress"]["description"] == "3 of 3 videos settled: 2 labelled, 1 set aside"
    rows = json.loads(made["videos"]["data"])  # the UI reads a table from JSON text only
    assert [row["outcome"] for row in rows] == ["not listed: deleted", "set aside: deleted", "labelled", "done before"]
    assert all(row.keys() == rows[0].keys() for row in rows)
    assert rows[2] == {
        "title": "A dog and a cup", "outcome": "labelled", "kept": "3 of 6 pictures", "left out, why": "2 duplicate, 1 black",
        "key words": "3 of 7", "heard by": "vosk", "problem": "", "video": DOG.id}
    assert "HTTP Error 404" in rows[1]["problem"]
    assert "data:image/svg+xml;base64," in made[sheet_key(DOG.id)]["data"]
    assert "12 = 6 kept + 2 black + 4 duplicate" in made["report"]["data"]


def test_with_a_page_the_pictures_stay_out_of_prefects_database(
        run_shown: Callable[[], dict[str, Any]], data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PAGE_VARIABLE, "http://127.0.0.1:4201")
    made = run_shown()
    assert f"(http://127.0.0.1:4201/sheets/{DOG.id}.svg)" in made[sheet_key(DOG.id)]["data"]
    assert "(http://127.0.0.1:4201/report.html)" in made["report"]["data"]
    assert "base64" not in str(made)
    assert data.sheet(DOG.id).is_file()
    assert "A dog and a cup" in data.report.read_text()  # what the link leads to shows this run, too


def test_nothing_is_drawn_for_a_server_that_ends_with_the_run(
        run_shown: Callable[[], dict[str, Any]], data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UNWATCHED_VARIABLE, "1")
    assert run_shown() == {}
    assert not data.sheet(DOG.id).exists()


def test_lines_of_plain_modules_reach_the_log_of_the_run(here: None, ask_prefect: Ask, data: DataFolder) -> None:
    @flow(name="logged")
    def logged() -> None:
        with seen_in_ui(data, 0):
            logging.getLogger("tasks.frames.sample").info("a line of a step")

    state = logged(return_state=True)
    wanted = {"logs": {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}}
    lines: list[str] = []
    while "a line of a step" not in lines:  # the server writes them when it is at leisure
        lines = [line["message"] for line in ask_prefect("logs/filter", wanted)]
    logging.getLogger("tasks.frames.sample").info("a line of nobody's run")
    assert not logging.getLogger("tasks").handlers


class Recorder:
    """Stands for the client of a server; fails when told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.told: list[str] = []

    @contextmanager
    def __call__(self, **options: Any) -> Iterator["Recorder"]:
        yield self

    def create_artifact(self, artefact: Any) -> Any:
        self.told.append(artefact.key)
        if self.error:
            raise self.error
        return SimpleNamespace(id=uuid4())

    def update_artifact(self, artefact_id: Any, change: Any) -> None:
        self.told.append(change.description)


@pytest.mark.parametrize("error", [httpx.ConnectError("connection refused"), OSError("no route")])
def test_a_server_that_went_away_is_a_line_in_the_log(
        data: DataFolder, here: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
        error: Exception) -> None:
    monkeypatch.setattr(artefacts, "get_client", Recorder(error))
    with caplog.at_level(logging.WARNING, "framewords.artefacts"):
        assert shown(data) == "done"
    assert f"not shown in the UI: {error}" in caplog.messages


def test_labels_that_went_away_cost_their_picture_only(
        run_shown: Callable[[], dict[str, Any]], data: DataFolder) -> None:
    data.frames(DOG.id).unlink()
    assert run_shown().keys() == {"progress", "videos", "report"}


def test_a_thousand_videos_at_once_are_told_of_in_few_requests(
        data: DataFolder, here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(artefacts, "get_client", recorder)

    @flow(name="many")
    def many() -> None:
        with seen_in_ui(data, 1000):
            for _ in range(1000):
                told(GONE)

    began = time.monotonic()
    many()
    assert recorder.told[0] == "progress"
    assert recorder.told[-1] == "1000 of 1000 videos settled: 1000 set aside"
    assert len(recorder.told) <= 3 + time.monotonic() - began  # one at the start, one a second, one at the end


def test_titles_of_others_are_no_markup() -> None:
    assert table_row(GONE)["title"] == "‹img src=x onerror=alert(1)› (a)(javascript:b)"  # noqa: RUF001


def test_every_video_has_a_sheet_of_its_own_under_a_name_that_prefect_takes() -> None:
    ids = ["youtube_abc", "youtube_ABC", "youtube_a-c", "youtube_a_c", "youtube-abc", "file_0123456789abcdef", "a" * 64, "_" * 64]
    keys = {sheet_key(video_id) for video_id in ids}
    assert len(keys) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9-]+", key) for key in keys)
