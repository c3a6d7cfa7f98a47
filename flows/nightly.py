"""One night: new uploads found, fetched and labelled, the dataset sealed and published as a version."""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.artefacts import seen_in_ui
from flows.discover import discover_all
from flows.labelling import is_behind, label_all, workbench
from flows.outcome import NightSummary, RunSummary
from flows.plan import Plan
from flows.policy import policy_of
from flows.schedule import due_night
from flows.stages import listed
from tasks.dataset.task import seal_dataset
from tasks.discovery.catalogue import read_catalogue
from tasks.errors import AlreadyRunningError
from tasks.evidence.gather import check_evidence
from tasks.evidence.task import gather_evidence
from tasks.params import Params, load_params
from tasks.release.metrics import write_metrics
from tasks.release.publish import require_newest
from tasks.release.task import publish_version
from tasks.report.page import write_report
from tasks.schema import Video
from tasks.storage.ledger import Ledger
from tasks.storage.project import Project, find_project


@flow(name="nightly")
def nightly(project: str = ".", settings: dict[str, Any] | None = None, night: str = "") -> NightSummary | State[Any]:
    """Find new uploads, fetch and label them, seal the dataset and publish a version of it.

    project: the folder with params.yaml.
    settings: values that override params.yaml, as {"section.key": value}.
    night: the night this run stands for, an ISO date; a night that was done is not done twice. Empty: run now.
    """
    home = find_project(Path(project))
    params = load_params(home.params, settings or {})
    check_evidence(params)
    require_newest(home)
    try:
        with workbench(home.data) as ledger:
            if night and ledger.night_done(date.fromisoformat(night)):
                return Completed(name="Cached", message=f"the night of {night} is done", data=None)
            return _night(home, params, ledger, night)
    except AlreadyRunningError as error:
        return Completed(name="AlreadyRunning", message=error.problem, data=None)


def _night(home: Project, params: Params, ledger: Ledger, night: str) -> NightSummary:
    began, now = time.monotonic(), datetime.now(UTC)
    # A ledger that was lost learns from the artefacts what is labelled.
    ledger.adopt((video.id for video in listed(home.data) if home.data.examples(video.id).is_file()), now)
    found = discover_all(home.data, params, ledger, now)
    queue, waiting = choose_queue(home, params, ledger, now)
    with seen_in_ui(home.data, len(queue)) as show:
        results = label_all(Plan(home.data, params, tuple(queue), ()), ledger)
        gather_evidence(home.data, read_catalogue(home.data.catalogue), params)
        dataset = seal_dataset(home.data, read_catalogue(home.data.catalogue), params.dataset)
        write_metrics(home.data)
        write_report(home.data.root, home.data.report)
        version = publish_version(home, now)
        run = RunSummary(results, wall_seconds=time.monotonic() - began, dataset=dataset)
        show(run)
    # A round that somebody asked for stands for the night that was due last.
    done = date.fromisoformat(night) if night else due_night(now, params.nightly)
    summary = NightSummary(done.isoformat(), found, run, waiting, version)
    ledger.record_night(done, add_up(dict(ledger.last_nights(1)).get(summary.night, {}), summary.facts))
    return summary


def add_up(before: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a night of several rounds: what they found and did together, and how the last one left it."""
    counted = ("found", "requests", "labelled", "set_aside", "failed", "seconds")
    together = {name: facts[name] + before.get(name, 0) for name in counted}
    return {**facts, **together, "version": facts["version"] or before.get("version", "")}


def choose_queue(home: Project, params: Params, ledger: Ledger, now: datetime) -> tuple[list[Video], int]:
    """The videos of this night, in list order, and how many more wait because their source has had its share.

    What was labelled with other settings or older code is labelled again; it costs its source nothing.
    """
    videos = listed(home.data)
    plan = Plan(home.data, params, (), ())
    due = {video.id for video in ledger.due(videos, now, policy_of(params))}
    labelled = {name for name, outcome in ledger.outcomes().items() if outcome.outcome == "labelled"}
    shares = {source.name: source.per_night or params.discovery.per_night for source in params.sources}
    taken: Counter[str] = Counter()
    queue, waiting = [], 0
    for video in videos:
        if video.id in labelled:
            if is_behind(video, plan):
                queue.append(video)
        elif video.id in due:
            if taken[video.source] < shares.get(video.source, len(videos)):
                taken[video.source] += 1
                queue.append(video)
            else:
                waiting += 1
    return queue, waiting
