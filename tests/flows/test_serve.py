"""`framewords serve`, killed in every way: the night is done once, and nothing that is dead stands in the way."""

import os
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flows.schedule import due_moment, due_night
from flows.server import answers, api_at, start_server, stop_server
from tasks.params import NightlyParams, load_params
from tests.flows.server import REPOSITORY
from tests.flows.serving import Served

pytestmark = pytest.mark.slow


def shipped() -> NightlyParams:
    return load_params(REPOSITORY / "params.yaml").nightly


def tonight() -> str:
    """The latest night that is due by the settings that are shipped."""
    return due_night(datetime.now(UTC), shipped()).isoformat()


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


def test_after_a_crash_the_latest_night_is_caught_up_and_no_other(served: Served) -> None:
    """All of it is killed while it works, and stays away for three nights; Prefect keeps a run for each."""
    served.shut_gate()
    served.start()
    served.wait_for_begun(1)
    served.close()
    served.wait_until(lambda: not answers(api_at(served.port)))
    home = {"PREFECT_HOME": str(served.project.private / "prefect")}
    server, _ = start_server(served.port, environment=home, log=served.project.root / "server.log")
    try:
        assert served.runs() == [("Running", tonight())]  # Prefect does not know
        for nights in range(3):
            missed = due_moment(date.fromisoformat(tonight()) - timedelta(days=nights), shipped())
            served.start_run("scheduled", {"type": "SCHEDULED", "state_details": {"scheduled_time": missed.isoformat()}})
        served.start("using the Prefect server")
        served.open_gate()
        served.wait_until(lambda: ("Completed", tonight()) in served.runs())
        assert sorted(served.runs()) == sorted(
            [("Crashed", tonight()), ("Completed", tonight())] + [("Skipped", "scheduled")] * 3)
        assert served.begun == [tonight()] * 2

        nightly = served.ask("deployments/name/nightly/nightly")["id"]
        served.ask(f"deployments/{nightly}/pause_deployment", {})
        assert served.stop(signal.SIGINT) == 0
        assert answers(api_at(served.port))  # it was not ours to end
        (served.project.data.ledger).unlink()  # as if the night were not done
        served.start("using the Prefect server")
        assert served.ask(f"deployments/{nightly}")["paused"]  # a person's pause is kept
        assert served.begun == [tonight()] * 2
    finally:
        stop_server(server)


@pytest.mark.parametrize(("options", "said"), [
    (("--host", "0.0.0.0"), "whoever reaches it could start programs here"),
    (("--host", "somewhere"), "not an address"),
    (("--port", "70000"), "--port 70000"),
])
def test_what_cannot_be_served_is_one_line(served: Served, options: tuple[str, ...], said: str) -> None:
    done = served.framewords("serve", *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_of_something_else_is_left_alone(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = served.framewords("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "choose another with --port" in done.stderr


@pytest.mark.parametrize(("old", "new", "said"), [
    ("cron: 0 3 * * *", "cron: 0 3 * *", "nightly.cron is '0 3 * *': has 4 fields"),
    ("timezone: UTC", "timezone: Europe/Berln", "'Europe/Berln': unknown time zone; did you mean Europe/Berlin?"),
])
def test_a_bad_schedule_is_one_line(served: Served, old: str, new: str, said: str) -> None:
    text = served.project.params.read_text()
    assert old in text
    served.project.params.write_text(text.replace(old, new))
    done = served.framewords("serve")
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not served.project.private.exists()
