"""What a person sees of a run in Prefect's UI: how far it is, a table of its videos, a contact sheet of each, the report.

All of it is news, never truth: it is told from a thread of its own, in its own time, and when the server cannot be told, a
line in the log says so and the run goes on. Nothing is told to a server that nobody looks at.
"""

import base64
import json
import logging
import os
import queue
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from hashlib import blake2b
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler

from flows.labelling import listened
from flows.outcome import RunSummary, VideoResult
from flows.server import PAGE_VARIABLE, UNWATCHED_VARIABLE
from tasks.errors import WorkflowError
from tasks.report.page import write_report
from tasks.report.sheet import draw_sheet
from tasks.report.wording import cap, visible
from tasks.storage.child import run_in_child
from tasks.storage.layout import DataFolder

LOGGERS = ("framewords", "flows", "tasks")
SECONDS_BETWEEN_NEWS = 1.0
CLOSING_SECONDS = 20.0
SHEET_SECONDS, SHEET_MEGABYTES = 60.0, 1000
INLINE_SHEETS = 50  # without a page server a picture lies in Prefect's own database, 60-200 KB each
TABLE_ROWS = 500
TITLE_LETTERS, PROBLEM_LETTERS = 80, 200
NO_MARKUP = str.maketrans({"<": "‹", ">": "›", "[": "(", "]": ")", "|": "/", "`": "'", "\\": "/"})  # noqa: RUF001
log = logging.getLogger("framewords.artefacts")


@contextmanager
def logs_in_ui() -> Iterator[None]:
    """Let the log lines of plain modules reach the run that they belong to, as Prefect's own do."""
    handler = APILogHandler()
    handler.addFilter(lambda record: bool(FlowRunContext.get() or TaskRunContext.get()))
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logger.level or logging.INFO)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


@contextmanager
def seen_in_ui(data: DataFolder, videos: int) -> Iterator[Callable[[RunSummary], None]]:
    """Show the flow run at work in the UI, video by video, while the block runs. Gives what to call with its summary.

    videos: how many will settle. Children must be allowed while the block runs (see storage/child.py): they draw the sheets.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or os.environ.get(UNWATCHED_VARIABLE):
        yield lambda summary: None
        return
    teller = Teller(data, videos, context.flow_run.id)
    teller.start()
    patience = 0.0  # a run that is stopped waits for nothing
    try:
        with logs_in_ui(), listened(teller.settled):
            yield teller.news.put
        patience = CLOSING_SECONDS
    finally:
        teller.close(patience)


class Teller:
    """Turns news into artefacts of one flow run, at most one progress message a second."""

    def __init__(self, data: DataFolder, videos: int, flow_run: UUID) -> None:
        # In the context of the run: its settings say which server, and its log lines belong to it.
        self._thread = threading.Thread(target=copy_context().run, args=(self._work,), name="artefacts", daemon=True)
        self.news: queue.Queue[VideoResult | RunSummary | None] = queue.Queue()
        self._data = data
        self._began = time.time()
        self._videos = videos
        self._flow_run = flow_run
        self._page = os.environ.get(PAGE_VARIABLE, "").rstrip("/")
        self._lock = threading.Lock()
        self._outcomes = Counter[str]()
        self._settled = 0
        self._over = False
        self._progress: UUID | None = None
        self._told, self._told_at = 0, 0.0
        self._sheets = 0

    def start(self) -> None:
        self._thread.start()

    def settled(self, result: VideoResult) -> None:
        """A video is done or set aside; returns at once."""
        with self._lock:
            self._outcomes[result.outcome.outcome] += 1
            self._settled += 1
        self.news.put(result)

    def close(self, patience: float) -> None:
        """Wait for what is still to be told, but no more than so many seconds."""
        self.news.put(None)
        self._thread.join(patience)
        if self._thread.is_alive():
            self._over = True
            log.warning("the UI was not told of everything: %d messages left after %g s", self.news.qsize(), patience)

    def _work(self) -> None:
        with get_client(sync_client=True) as client:
            self._tell(self._tell_progress, client)
            for item in self._heard(client):
                if isinstance(item, RunSummary):
                    self._tell(self._tell_summary, client, item)
                elif item.outcome.outcome == "labelled" and not item.cached:
                    self._tell(self._tell_sheet, client, item)
            self._tell(self._tell_progress, client)

    def _heard(self, client: SyncPrefectClient) -> Iterator[VideoResult | RunSummary]:
        """What comes in until the end, with a word on how far the run is between."""
        while not self._over:
            wait = self._told_at + SECONDS_BETWEEN_NEWS - time.monotonic()
            is_news = self._told < self._settled
            if is_news and wait <= 0:
                self._tell(self._tell_progress, client)
            try:
                item = self.news.get(timeout=max(0.0, wait) if is_news else None)
            except queue.Empty:
                continue
            if item is None:
                return
            yield item

    def _tell(self, what: Callable[..., None], *arguments: Any) -> None:
        try:
            what(*arguments)
        except (httpx.HTTPError, WorkflowError, OSError) as error:
            problem = " ".join(str(error).split()) or type(error).__name__
            log.warning("not shown in the UI: %s", problem)

    def _tell_progress(self, client: SyncPrefectClient) -> None:
        with self._lock:
            outcomes = self._outcomes.copy()
        self._told, self._told_at = outcomes.total(), time.monotonic()
        counts = ", ".join(f"{count} {outcome.replace('_', ' ')}" for outcome, count in outcomes.items())
        told = f"{self._told} of {self._videos} videos settled" + (f": {counts}" if counts else "")
        share = 100.0 * self._told / self._videos if self._videos else 100.0
        if self._progress is None:
            self._progress = self._create(client, "progress", "progress", told, share)
        else:
            client.update_artifact(self._progress, ArtifactUpdate(description=told, data=share))

    def _tell_sheet(self, client: SyncPrefectClient, result: VideoResult) -> None:
        if not self._page and self._sheets >= INLINE_SHEETS:
            return
        video, sheet = result.video, self._data.sheet(result.video.id)
        run_in_child(draw_sheet, video.title or video.id, self._data.labels(video.id), sheet, timeout_seconds=SHEET_SECONDS,
                     memory_megabytes=SHEET_MEGABYTES, what=f"{video.id}: contact sheet")
        if self._page:
            address = f"{self._page}/sheets/{sheet.name}"
        else:
            address = "data:image/svg+xml;base64," + base64.b64encode(sheet.read_bytes()).decode()
        self._sheets += 1
        picture = f"![pictures of this video with their words]({address})"
        self._create(client, sheet_key(video.id), "markdown", tell_one(result), f"{picture}\n\n{self._report_link}")

    def _tell_summary(self, client: SyncPrefectClient, summary: RunSummary) -> None:
        rows = [empty_row(name, f"not listed: {code}", problem) for name, code, problem in summary.not_listed]
        rows += [table_row(result) for result in sorted(summary.results, key=lambda one: one.outcome.outcome == "labelled")]
        more = f"; the first {TABLE_ROWS} of {len(rows)}" if len(rows) > TABLE_ROWS else ""
        told = f"Each video: pictures kept, what was left out and why, key words of words heard{more}"
        self._create(client, "videos", "table", told, json.dumps(rows[:TABLE_ROWS]))
        lines = [f"| {name} | {plain(told)} |" for name, told in books(summary)]
        table = "\n".join(["| What came out | |", "|---|---|", *lines])
        self._create(client, "report", "markdown", "What the run came to", f"{self._report_link}\n\n{table}")
        report = self._data.report
        if self._page and not (report.is_file() and report.stat().st_mtime > self._began):  # the page shows what this run made
            write_report(self._data.root, report)

    @property
    def _report_link(self) -> str:
        if self._page:
            return f"[All videos on one page: the report]({self._page}/report.html)"
        return "All videos on one page: `framewords report`"

    def _create(self, client: SyncPrefectClient, key: str, kind: str, told: str, content: Any) -> UUID:
        return client.create_artifact(ArtifactCreate(
            key=key, type=kind, description=told, data=content, flow_run_id=self._flow_run)).id


def sheet_key(video_id: str) -> str:
    """The name of a video's sheet among Prefect's artefacts, which take small letters, digits and dashes only."""
    key = re.sub(r"[^a-z0-9]", "-", video_id.lower())
    whole = re.fullmatch(r"[a-z]+_[a-z0-9]+", video_id)  # nothing else becomes the same key
    return f"sheet-{key}" if whole else f"sheet-{key}-{blake2b(video_id.encode(), digest_size=3).hexdigest()}"


def empty_row(title: str, outcome: str, problem: str = "", video: str = "") -> dict[str, str]:
    """A row of the table; every row has the same columns."""
    return {"title": plain(cap(title, TITLE_LETTERS)), "outcome": plain(outcome.replace("_", " ")), "kept": "",
            "left out, why": "", "key words": "", "heard by": "", "problem": plain(cap(problem, PROBLEM_LETTERS)), "video": video}


def table_row(result: VideoResult) -> dict[str, str]:
    """One video for a reader who knows nothing of the run."""
    steps, outcome = result.steps, result.outcome
    name = outcome.outcome if not outcome.code else f"{outcome.outcome}: {outcome.code}"
    if result.cached and outcome.outcome == "labelled":
        name = "done before"
    row = empty_row(result.video.title or result.video.id, name, outcome.problem, result.video.id)
    if not {"frames", "transcription", "keywords"} <= steps.keys():
        return row
    frames, words = steps["frames"], steps["keywords"]
    dropped = sorted(frames["dropped"].items(), key=lambda reason: (-reason[1], reason[0]))
    return row | {
        "kept": f"{frames['kept']:,} of {frames['sampled']:,} pictures",
        "left out, why": ", ".join(f"{count:,} {reason}" for reason, count in dropped if count) or "nothing",
        "key words": f"{words['kept']:,} of {words['heard']:,}",
        "heard by": plain(steps["transcription"]["engine"])}


def tell_one(result: VideoResult) -> str:
    """One labelled video in a line, its title first, since cards of the UI show only the beginning."""
    row = table_row(result)
    return f"{row['title']}: {row['kept']} kept, {row['key words']} words heard are key words"


def books(summary: RunSummary) -> Iterator[tuple[str, str]]:
    """What a run came to, in a few lines that add up."""
    outcomes = Counter(result.outcome.outcome for result in summary.results)
    before = sum(result.cached for result in summary.results)
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in outcomes.items())
    yield "videos", f"{len(summary.results):,}: {counts or 'none'}" + (f" ({before:,} done before)" if before else "")
    yield "media", f"{summary.media_seconds / 3600:.2f} hours"
    for name, total, verb, kept, drops in (
            ("pictures", summary.frames_sampled, "kept", summary.frames_kept, summary.frames_dropped),
            ("words heard", summary.words_heard, "key words", summary.words_kept, summary.words_dropped)):
        reasons = "".join(f" + {count:,} {reason.replace('_', ' ')}" for reason, count in sorted(drops.items()) if count)
        yield name, f"{total:,} = {kept:,} {verb}{reasons}"
    for engine, count in sorted(summary.engines.items()):
        yield "heard by", f"{engine}: {count:,} videos"
    yield "examples", f"{summary.examples:,} pictures with words, {summary.labels:,} labels"
    if summary.dataset is not None:
        yield "dataset", ", ".join(f"{rows:,} {split}" for split, rows in summary.dataset.rows.items()) + " pictures"


def plain(text: str) -> str:
    """Text of others as one line that the UI shows and never obeys: no markup, no links, no table borders."""
    return visible(" ".join(text.split())).translate(NO_MARKUP)
