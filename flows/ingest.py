"""The main job: fetch narrated videos, see them, hear them, and pair each key word with the picture on screen."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow

from flows.artefacts import seen_in_ui
from flows.labelling import label_all, workbench
from flows.outcome import RunSummary
from flows.plan import Plan, make_plan
from tasks.dataset.task import seal_dataset
from tasks.discovery.catalogue import append_videos, read_catalogue

_prepared: ContextVar[Plan | None] = ContextVar("prepared", default=None)


@contextmanager
def prepared(plan: Plan) -> Iterator[None]:
    """Let the next `ingest` in this context use a plan already made."""
    token = _prepared.set(plan)
    try:
        yield
    finally:
        _prepared.reset(token)


@flow(name="ingest")
def ingest(
    sources: list[str], data: str = "data", params_file: str = "params.yaml", settings: dict[str, Any] | None = None,
) -> RunSummary:
    """Turn narrated videos into pictures labelled with the words spoken about them.

    Args:
        sources: Addresses of videos, pages or playlists; or files, folders and list files of the machine that does the work.
        data: The folder that labels and dataset go to.
        params_file: The file of settings.
        settings: Values that override the file for this run, such as {"frames.every_seconds": 5}.
    """
    plan = _prepared.get() or make_plan(sources, Path(data), Path(params_file), settings or {})
    began = time.monotonic()
    with workbench(plan.data) as ledger, seen_in_ui(plan.data, len(plan.videos)) as show:
        ledger.remember_digests(plan.digests)
        append_videos(plan.data.catalogue, plan.videos, first_seen=datetime.now(UTC).date().isoformat())
        results = label_all(plan, ledger)
        dataset = seal_dataset(plan.data, read_catalogue(plan.data.catalogue), plan.params.dataset)
        summary = RunSummary(results, plan.set_aside, wall_seconds=time.monotonic() - began, dataset=dataset)
        show(summary)
    return summary
