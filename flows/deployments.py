"""What can be started, and is started every night, from Prefect's UI: the flows with what a person is asked for.

Whoever runs them, `framewords serve` or a worker of a work pool, does so in the folder of the project. What the work itself
needs is imported where it is done, so that offering it costs little.
"""

import logging
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.deployments.runner import RunnerDeployment
from prefect.runtime import flow_run
from prefect.schedules import Cron
from prefect.states import Completed
from prefect.types.entrypoint import EntrypointType
from pydantic import Field

from flows.alive import being_alive
from flows.plan import open_ledger, parse_settings
from flows.schedule import SCHEDULED, asked_night, why_skip
from tasks.errors import AlreadyRunningError
from tasks.params import NightlyParams, load_params
from tasks.storage.lock import await_lock
from tasks.storage.project import Project, find_project

AS_SET = "as in params.yaml"
log = logging.getLogger("framewords.deployments")


def _name_night() -> str:
    night = asked_night(flow_run.parameters["night"], flow_run.scheduled_start_time, _params(find_project(Path())))
    return f"night {night}" if night else "asked for"


@flow(name="nightly", flow_run_name=_name_night)
def nightly(night: str = "") -> Any:
    """Find new uploads, fetch and label them, seal the dataset and publish a version of it.

    Args:
        night: Empty: look for new uploads now, whatever was done. A date, as 2026-11-20: do that night, unless it is done.
    """
    home = find_project(Path())
    with being_alive(home, flow_run.id):
        logical = asked_night(night, flow_run.scheduled_start_time, _params(home))
        if logical and (skip := _why_skip(home, logical)):
            return Completed(name="Skipped", message=skip)
        from flows.nightly import nightly as round_

        return round_.fn(night=logical.isoformat() if logical else "")


@flow(name="ingest")
def ingest(
    sources: Annotated[list[str], Field(min_length=1)],
    pictures: Literal["as in params.yaml", "auto", "keyframes", "interval", "scenes"] = AS_SET,
    words: Literal["as in params.yaml", "auto", "captions", "vosk", "pocketsphinx"] = AS_SET,
    more_settings: list[str] = [],  # noqa: B006 - shown in the form
) -> Any:
    """Turn narrated videos into pictures labelled with the words spoken about them.

    Args:
        sources: Addresses of videos, pages or playlists; or files, folders and list files of the machine that does the work.
        pictures: keyframes: those the video was coded by, the cheapest. interval: one every few seconds. scenes: one a scene.
            auto: keyframes, and changes between them.
        words: captions: those of the site. vosk, pocketsphinx: recognised here. auto: captions, else vosk.
        more_settings: Any other setting for this run, as section.key=value; params.yaml lists them all.
    """
    from flows.ingest import ingest as work

    chosen = {"frames.mode": pictures, "transcription.engine": words}
    settings = parse_settings(more_settings) | {key: value for key, value in chosen.items() if value != AS_SET}
    home = find_project(Path())
    with being_alive(home, flow_run.id):
        while True:
            try:
                return work.fn(sources, settings=settings)
            except AlreadyRunningError as error:
                log.warning("%s; these videos are next", error.problem)
                await_lock(home.data.lock)


def deployments(project: Project, params: NightlyParams) -> list[RunnerDeployment]:
    """What `framewords serve` offers, the nightly one first; tagged with the project."""
    tags = ["framewords", str(project.root)]
    schedule = Cron(params.cron, timezone=params.timezone, parameters={"night": SCHEDULED}, slug="nightly")
    offered = [
        nightly.to_deployment("nightly", schedules=[schedule], tags=tags, entrypoint_type=EntrypointType.MODULE_PATH),
        ingest.to_deployment("ingest", tags=tags, entrypoint_type=EntrypointType.MODULE_PATH)]
    return [each for each in offered if isinstance(each, RunnerDeployment)]


def _params(home: Project) -> NightlyParams:
    return load_params(home.params).nightly


def _why_skip(home: Project, night: date) -> str:
    with open_ledger(home.data.ledger) as ledger:
        return why_skip(night, datetime.now(UTC), _params(home), ledger.night_done if ledger else lambda night: False)
