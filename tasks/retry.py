"""Worth another try? Prefect asks this after a task failed."""

from typing import Any

from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from tasks.errors import BlockedError, StoppedError, TransientError


async def is_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    """True when the failure can pass within minutes: a timeout, a dropped connection, a busy server.

    A site that blocks us does not, and asking again would make it worse. A run that is being stopped tries nothing again.
    """
    failure = await state.aresult(raise_on_failure=False)
    return isinstance(failure, TransientError) and not isinstance(failure, BlockedError | StoppedError)
