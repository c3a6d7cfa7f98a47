"""True nights under `framewords serve`, killed part by part: the dataset is, byte for byte, that of an undisturbed night."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.plan import open_ledger
from flows.schedule import due_night
from tasks.params import load_params
from tasks.storage.project import Project
from tests.flows.project import SAMPLE, ProjectCommand
from tests.flows.serving import Served
from tests.site.site import Site

pytestmark = pytest.mark.slow


class TrulyServed(Served):
    """A project that is served by the command itself."""

    def __init__(self, project: ProjectCommand) -> None:
        self._take(Project(project.root))
        self.outputs = project.outputs

    def command(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "flows", "serve", "--port", str(self.port)], cwd=self.project.root, env=self.environment,
            stdout=subprocess.PIPE, text=True, start_new_session=True)

    def kill(self, word: str) -> None:
        """Kill -9 of the processes with this word in their command line; there is one at least."""
        pids = self.pids(word)
        assert pids
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def is_done(self, night: str) -> bool:
        with open_ledger(self.project.data.ledger) as ledger:
            return ledger is not None and night in dict(ledger.last_nights(1))


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.channel("kitchen")
        for video in sorted(SAMPLE.glob("*.mp4")):
            site.publish("kitchen", video, title=video.stem, duration=20.0)
        yield site


def test_whatever_part_is_killed_the_night_ends_as_if_nothing_had_been(site: Site, tmp_path: Path, prefect_api: str) -> None:
    undisturbed, project = (ProjectCommand.make(tmp_path / name, prefect_api) for name in ("undisturbed", "project"))
    for each in (undisturbed, project):
        assert each("add", site.listing("kitchen"), "--name", "kitchen").code == 0
    assert undisturbed("nightly").code == 0
    night = due_night(datetime.now(UTC), load_params(project.root / "params.yaml").nightly).isoformat()
    served = TrulyServed(project)
    try:
        served.start()  # the last night was missed, and begins by itself
        served.wait_until(lambda: len(served.outputs()) > 2)
        served.kill("prefect.engine")
        again = served.start_run(night)
        served.wait_until(lambda: len(served.outputs()) > 8)
        served.kill("server")
        served.wait_for_line("the Prefect server is back")
        served.wait_until(lambda: len(served.outputs()) > 12 or served.state(again) == "Completed")
        served.close()  # all that is left of it, at once
        served.wait_until(lambda: served.pids("") == [])  # children that were decoding find that nobody listens
        served.start()
        served.wait_until(lambda: served.is_done(night))
        assert served.stop() == 0
    finally:
        served.close()
    assert project.outputs() == undisturbed.outputs()
    assert "up to date" in project.run("dvc", "status").out
