"""Stands in for the work of a night, so that what starts, ends and restarts it can be tested without media.

A round notes that it began, then holds the data folder until it gets a byte from the pipe `gate`, where there is one.
"""

import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

from prefect.client.schemas.objects import State
from prefect.deployments.runner import RunnerDeployment
from prefect.states import Completed

import flows.deployments
from flows.deployments import nightly
from tasks.errors import AlreadyRunningError
from tasks.params import NightlyParams
from tasks.storage.ledger import Ledger
from tasks.storage.lock import held_lock
from tasks.storage.project import Project
from tests.flows.serving import BEGUN, GATE


def work(night: str = "") -> State[str]:
    """What flows.nightly promises: one at a time in a data folder, and a night that was finished is in the ledger."""
    home = Project(Path.cwd())
    try:
        with held_lock(home.data.lock):
            with (home.root / BEGUN).open("a") as begun:
                begun.write(f"{night or 'now'}\n")
            if (home.root / GATE).exists():
                with (home.root / GATE).open("rb", buffering=0) as gate:
                    gate.read(1)
            ledger = Ledger(home.data.ledger)
            if night:
                ledger.record_night(date.fromisoformat(night), {})
            ledger.close()
            return Completed(message=night)
    except AlreadyRunningError as error:
        return Completed(name="AlreadyRunning", message=error.problem)


def offer(project: Project, params: NightlyParams) -> list[RunnerDeployment]:
    """The true deployments, with this module in between."""
    offered = flows.deployments.deployments(project, params)
    offered[0].entrypoint = f"{__name__}.{nightly.name}"
    return offered


sys.modules["flows.nightly"] = SimpleNamespace(nightly=SimpleNamespace(fn=work))  # type: ignore[assignment]
