"""What can be started, and is started every night, from Prefect's UI: the flows with what a person is asked for.

Whoever runs them, `framewords serve` or a worker of a work pool, does so in the folder of the project. What the work itself
needs is imported where it is done, so that offering it costs little.
"""

from collections.abc import Callable
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

from flows.alive import is_held, private_folder, show_life
from flows.plan import open_ledger, parse_settings
from flows.schedule import SCHEDULED, asked_night, why_skip
from tasks.errors import AlreadyRunningError
from tasks.evaluation.candidate import DEFAULT_NET
from tasks.params import NightlyParams, load_params
from tasks.storage.lock import await_lock, held_lock
from tasks.storage.project import Project, find_project

Pictures = Literal["as in params.yaml", "auto", "keyframes", "interval", "scenes"]
Words = Literal["as in params.yaml", "auto", "captions", "vosk", "pocketsphinx"]
AS_SET: Literal["as in params.yaml"] = "as in params.yaml"


def _name_night() -> str:
    night = asked_night(flow_run.parameters["night"], flow_run.scheduled_start_time, _params(find_project(Path())))
    return f"night {night}" if night else "asked for"


@flow(name="nightly", flow_run_name=_name_night)
def nightly(night: str = "") -> Any:
    """Find new uploads, fetch and label them, seal the dataset and publish a version of it.

    Args:
        night: Empty: look for new uploads now, whatever was done. A date, as 2026-11-20: that night, unless it is done or a
            later one is due.
    """
    home = find_project(Path())
    show_life(home, flow_run.id)
    try:
        with held_lock(private_folder(home) / "nightly.lock"):
            return _do_night(home, asked_night(night, flow_run.scheduled_start_time, _params(home)))
    except AlreadyRunningError as error:
        return Completed(name="AlreadyRunning", message=error.problem)


@flow(name="ingest")
def ingest(
    sources: Annotated[list[str], Field(min_length=1)],
    pictures: Pictures = AS_SET,
    words: Words = AS_SET,
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
    show_life(home, flow_run.id)
    return _in_turn(home, lambda: work.fn(sources, settings=settings))


@flow(name="retrain", flow_run_name="retrain {net}")
def retrain(net: str = DEFAULT_NET, from_scratch: bool = False) -> Any:
    """Train the net on what is new, judge it against the one in use, promote or refuse it.

    Args:
        net: Its name: a folder below data/models.
        from_scratch: Do not go on from the version in use.
    """
    from flows.retrain import retrain as work

    home = find_project(Path())
    show_life(home, flow_run.id)
    return _in_turn(home, lambda: work.fn(net=net, from_scratch=from_scratch))


def deployments(project: Project, params: NightlyParams) -> list[RunnerDeployment]:
    """What `framewords serve` offers, the nightly one first; tagged with the project."""
    tags = ["framewords", str(project.root)]
    schedule = Cron(params.cron, timezone=params.timezone, parameters={"night": SCHEDULED}, slug="nightly")
    weekly = [Cron(params.retrain_cron, timezone=params.timezone, slug="retrain")] if params.retrain_cron else []
    offered = [
        each.to_deployment(each.name, schedules=schedules, tags=tags, description=str(each.description).partition("\n")[0],
                           entrypoint_type=EntrypointType.MODULE_PATH)
        for each, schedules in ((nightly, [schedule]), (ingest, []), (retrain, weekly))]
    return [made for made in offered if isinstance(made, RunnerDeployment)]


def _do_night(home: Project, night: date | None) -> Any:
    from flows.nightly import nightly as work

    def do() -> Any:
        if night and (skip := _why_skip(home, night)):
            return Completed(name="Skipped", message=skip)
        return work.fn(night=night.isoformat() if night else "")

    return _in_turn(home, do)


def _in_turn(home: Project, do: Callable[[], Any]) -> Any:
    """What `do` returns, called when nobody else is at work in the data folder."""
    while True:
        await_lock(home.data.lock)
        try:
            return do()
        except AlreadyRunningError:  # somebody was quicker
            if not is_held(home.data.lock):
                raise


def _params(home: Project) -> NightlyParams:
    return load_params(home.params).nightly


def _why_skip(home: Project, night: date) -> str:
    with open_ledger(home.data.ledger) as ledger:
        return why_skip(night, datetime.now(UTC), _params(home), ledger.night_done if ledger else lambda night: False)
