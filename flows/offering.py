"""What a project offers on a Prefect server, and what is put right there first: runs that died unnoticed, nights missed."""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.runner import Runner
from prefect.states import Cancelled, Crashed

from flows.alive import is_alive, is_served, sweep_lives
from flows.plan import open_ledger
from flows.schedule import SCHEDULED, due_moment, due_night
from flows.server import named_server
from tasks.errors import InputError
from tasks.params import NightlyParams
from tasks.storage.project import Project

Offer = Callable[[Project, NightlyParams], list[RunnerDeployment]]
GRACE = timedelta(minutes=2)  # a night that Prefect starts by itself has begun by then, and a run that it starts has a process
TRIES, BETWEEN_TRIES = 3, timedelta(minutes=30)
AT_WORK = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
log = logging.getLogger("framewords.offering")


class Offering:
    """The deployments of a project, the nightly one first, and their runs."""

    def __init__(self, project: Project, params: NightlyParams, offer: Offer) -> None:
        self._project = project
        self._params = params
        self._offer = offer
        self._ids: list[UUID] = []
        self._night: date | None = None  # the one that is due
        self._tries = 0  # left for it
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def open(self) -> Runner:
        """A runner that knows the deployments, on a server where nothing is left of runs that are dead or late.

        Raises TransientError when the server does not answer, InputError when it is that of another project.
        """
        named_server()
        runner = Runner(name="framewords", pause_on_shutdown=False)
        offered = self._offer(self._project, self._params)
        sweep_lives(self._project)
        now = datetime.now(UTC)
        with get_client(sync_client=True) as client:
            for deployment in offered:
                self._keep_what_is_there(client, deployment)
            self._ids = [cast(UUID, runner.add_deployment(deployment)) for deployment in offered]  # no coroutine: we are no loop
            self._end_dead(client, now)
            self._skip_late(client, now)
            self._tries = TRIES
            self._look_after_night(client, now)
        return runner

    def tend(self) -> None:
        """Called now and then: end what is dead, and start a night that Prefect did not start."""
        now = datetime.now(UTC)
        try:
            with get_client(sync_client=True) as client:
                self._end_dead(client, now - GRACE)
                self._look_after_night(client, now)
        except httpx.HTTPError as error:
            log.warning("Prefect's server was not asked: %s", error)

    def _keep_what_is_there(self, client: SyncPrefectClient, deployment: RunnerDeployment) -> None:
        """A deployment that a person has paused stays so. One of another project that is served now is not taken over."""
        try:
            there = client.read_deployment_by_name(deployment.full_name)
        except ObjectNotFound:
            return
        deployment.paused = there.paused
        for tag in set(there.tags) - set(deployment.tags):  # one of them is the folder of its project
            if Path(tag).is_absolute() and is_served(Path(tag)):
                raise InputError(f"this Prefect server is that of {tag}", "choose another port with --port")

    def _end_dead(self, client: SyncPrefectClient, before: datetime) -> None:
        """Mark runs as crashed that Prefect believes at work since `before`, and that have no process on this machine."""
        for run in self._runs(client, self._ids, *AT_WORK):
            if run.state and run.state.timestamp < before and not is_alive(self._project, str(run.id)):
                client.set_flow_run_state(run.id, Crashed(message="its process has gone"), force=True)
                print(f"run {run.name}: its process has gone", flush=True)

    def _skip_late(self, client: SyncPrefectClient, now: datetime) -> None:
        """Of the nights that were missed the latest is caught up; none of the runs that Prefect kept for them is needed."""
        for run in self._runs(client, self._ids[:1], StateType.SCHEDULED):
            if run.parameters.get("night") == SCHEDULED and run.expected_start_time and run.expected_start_time < now:
                client.set_flow_run_state(run.id, Cancelled(name="Skipped", message="it was missed"), force=True)

    def _look_after_night(self, client: SyncPrefectClient, now: datetime) -> None:
        """Start the latest night that is due, unless it is done, at work, or a person has paused the schedule.

        One that ends without being done is tried again, a few times.
        """
        nightly, night = self._ids[0], due_night(now, self._params)
        if night != self._night:
            self._night, self._tries = night, TRIES
            self._not_before = due_moment(night, self._params) + GRACE
        if not self._tries or now < self._not_before or self._is_done(night) or self._runs(client, [nightly], *AT_WORK):
            return
        if not client.read_deployment(nightly).paused:
            client.create_flow_run_from_deployment(nightly, parameters={"night": night.isoformat()}, tags=["caught up"])
            self._tries -= 1
            self._not_before = now + BETWEEN_TRIES
            print(f"night {night} is not done: starting it now", flush=True)

    def _is_done(self, night: date) -> bool:
        with open_ledger(self._project.data.ledger) as ledger:
            return ledger is not None and ledger.night_done(night)

    def _runs(self, client: SyncPrefectClient, deployments: list[UUID], *states: StateType) -> list[FlowRun]:
        wanted = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states))))
        ours = DeploymentFilter(id=DeploymentFilterId(any_=deployments))
        return client.read_flow_runs(flow_run_filter=wanted, deployment_filter=ours)
