"""What a project offers on a Prefect server, and what is put right there first: runs that died unnoticed, nights missed."""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import httpx
from prefect.runner import Runner
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.deployments.runner import RunnerDeployment
from prefect.states import Cancelled, Crashed

from flows.alive import is_alive
from flows.plan import open_ledger
from flows.schedule import due_moment, due_night
from tasks.params import NightlyParams
from tasks.storage.project import Project

Offer = Callable[[Project, NightlyParams], list[RunnerDeployment]]
GRACE = timedelta(minutes=2)  # a night that Prefect starts by itself has begun by then
AT_WORK = (StateType.RUNNING, StateType.PENDING, StateType.CANCELLING)
log = logging.getLogger("framewords.offering")


class Offering:
    """The deployments of a project, the nightly one first, and their runs."""

    def __init__(self, project: Project, params: NightlyParams, offer: Offer) -> None:
        self._project = project
        self._params = params
        self._offer = offer
        self._ids: list[UUID] = []
        self._suspects: set[UUID] = set()
        self._night: date | None = None  # the last one that was looked after

    def open(self) -> Runner:
        """A runner that knows the deployments, on a server where nothing is left of runs that are dead or late."""
        runner = Runner(name="framewords", pause_on_shutdown=False)
        self._ids = [runner.add_deployment(deployment) for deployment in self._offer(self._project, self._params)]
        with get_client(sync_client=True) as client:
            for run in self._dead_runs(client, *AT_WORK):
                self._end(client, run)
            self._catch_up(client, datetime.now(UTC))
        return runner

    def tend(self) -> None:
        """Called now and then: end what is dead, and start a night that Prefect did not start."""
        try:
            with get_client(sync_client=True) as client:
                dead = self._dead_runs(client, StateType.RUNNING)
                for run in dead:
                    if run.id in self._suspects:  # the first time it may be a run that just begins or ends
                        self._end(client, run)
                self._suspects = {run.id for run in dead}
                now = datetime.now(UTC)
                night = due_night(now, self._params)
                if night != self._night and now > due_moment(night, self._params) + GRACE:
                    self._catch_up(client, now)
        except httpx.HTTPError as error:
            log.warning("Prefect's server was not asked: %s", error)

    def _dead_runs(self, client: SyncPrefectClient, *states: StateType) -> list[FlowRun]:
        """Runs that Prefect believes at work and that have no process on this machine."""
        return [run for run in self._runs(client, self._ids, *states) if not is_alive(self._project, str(run.id))]

    def _end(self, client: SyncPrefectClient, run: FlowRun) -> None:
        client.set_flow_run_state(run.id, Crashed(message="its process has gone"), force=True)
        print(f"run {run.name}: its process has gone", flush=True)

    def _catch_up(self, client: SyncPrefectClient, now: datetime) -> None:
        """Start the latest night that is due, unless it is done, at work, or a person has paused the schedule.

        What was scheduled before now is skipped: this night stands for all that were missed.
        """
        nightly, night = self._ids[0], due_night(now, self._params)
        self._night = night
        for run in self._runs(client, [nightly], StateType.SCHEDULED, before=now):
            if run.auto_scheduled:
                client.set_flow_run_state(run.id, Cancelled(name="Skipped", message=f"night {night} stands for it"), force=True)
        if client.read_deployment(nightly).paused:
            print("the schedule is paused", flush=True)
            return
        with open_ledger(self._project.data.ledger) as ledger:
            done = ledger is not None and ledger.night_done(night)
        if not done and not self._runs(client, [nightly], *AT_WORK):
            client.create_flow_run_from_deployment(nightly, parameters={"night": night.isoformat()}, tags=["caught up"])
            print(f"night {night} is not done: starting it now", flush=True)

    def _runs(
        self, client: SyncPrefectClient, deployments: list[UUID], *states: StateType, before: datetime | None = None,
    ) -> list[FlowRun]:
        wanted = FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states))),
            next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=before) if before else None)
        ours = DeploymentFilter(id=DeploymentFilterId(any_=deployments))
        return client.read_flow_runs(flow_run_filter=wanted, deployment_filter=ours)
