"""`framewords serve`, killed in every way: the night is done once, and nothing that is dead stands in the way."""

import os
import signal
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flows.schedule import due_night
from tasks.params import load_params
from tests.flows.server import REPOSITORY
from tests.flows.serving import Served

pytestmark = pytest.mark.slow


def tonight() -> str:
    """The latest night that is due by the settings that are shipped."""
    return due_night(datetime.now(UTC), load_params(REPOSITORY / "params.yaml").nightly).isoformat()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A project, not served yet."""
    project = Served(tmp_path / "project")
    try:
        yield project
    finally:
        project.close()


def test_what_is_killed_stands_in_nobodys_way(served: Served) -> None:
    served.shut_gate()
    served.start()
    served.wait_for_begun(1)  # the last night was missed: nobody had served before
    assert served.begun == [tonight()]

    second = served.command()
    out, _ = second.communicate()
    assert (second.returncode, out) == (0, f"already running: http://127.0.0.1:{served.port}\n")

    ran = served.ask("flow_runs/filter", {})[0]["id"]
    for pid in served.pids("prefect.engine"):
        os.kill(pid, signal.SIGKILL)
    assert served.wait_for_state(ran, "Crashed") == "Crashed"

    again = served.start_run(tonight())
    served.wait_for_begun(2)
    other = served.start_run("")
    served.wait_for_state(other, "AlreadyRunning")
    for pid in served.pids("server"):
        os.kill(pid, signal.SIGKILL)  # Prefect's server, while the round is at work
    served.wait_for_line("the Prefect server is back")
    served.open_gate()
    assert served.wait_for_state(again, "Completed") == "Completed"
    assert served.wait_for_state(served.start_run(tonight()), "Skipped", "Completed") == "Skipped"
    assert served.begun == [tonight()] * 2
    assert served.stop() == 0
    assert served.pids("") == []
