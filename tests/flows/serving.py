"""`framewords serve` as a process of its own, with rounds.py in place of the work of a night."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from flows.server import api_at, free_port
from tasks.storage.project import Project, find_project
from tests.flows.server import REPOSITORY

GATE, BEGUN = "gate", "begun"  # as in rounds.py, which imports Prefect
TRIES = 600  # of a tenth of a second and more


class Served:
    """A project that is served. Everything in it happens in the folder of the project."""

    def __init__(self, root: Path) -> None:
        self._take(Project(root))
        (root / ".dvc").mkdir(parents=True)
        (root / ".git").mkdir()
        (root / "dvc.yaml").touch()
        self.project.params.write_text((REPOSITORY / "params.yaml").read_text())

    def _take(self, project: Project) -> None:
        self.project = project
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self._gate: BinaryIO | None = None

    @property
    def begun(self) -> list[str]:
        """The nights that began to be worked on, in order."""
        path = self.project.root / BEGUN
        return path.read_text().split() if path.exists() else []

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("PREFECT_", "FRAMEWORDS_"))}
        path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**kept, "PYTHONPATH": path, "PREFECT_RUNNER_POLL_FREQUENCY": "1", "PYTHONUNBUFFERED": "1"}

    def framewords(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The true command, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "flows", *words], cwd=self.project.root, env=self.environment, capture_output=True,
            text=True, check=False)

    def command(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.flows.serving", str(self.port)], cwd=self.project.root, env=self.environment,
            stdout=subprocess.PIPE, text=True, start_new_session=True)

    def start(self, *lines: str) -> None:
        """Serve, and wait until it has said these lines and when the next night is."""
        self.process = self.command()
        for line in (*lines, "next night:"):
            self.wait_for_line(line)

    def wait_for_line(self, beginning: str) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(beginning):
                return line
        raise AssertionError(f"serve ended ({self.process.wait()}) before it said {beginning!r}")

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait()

    def close(self) -> None:
        """End what a test left: the group of the command, in which its runs are, too."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for pid in self.pids("prefect"):
            os.kill(pid, signal.SIGKILL)
        if self._gate is not None:
            self._gate.close()

    def shut_gate(self) -> None:
        os.mkfifo(self.project.root / GATE)

    def open_gate(self) -> None:
        """Let the round that waits go on, and those after it pass."""
        self._gate = (self.project.root / GATE).open("r+b", buffering=0)  # open at both ends: it waits for no reader
        self._gate.write(b"go" * 100)

    def pids(self, word: str) -> list[int]:
        """Processes that work in the folder of the project, by a word of their command lines."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (process / "cwd").readlink() == self.project.root and word in (process / "cmdline").read_text():
                    found.append(int(process.name))
        return found

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Prefect's own API, as its UI asks it; GET without a body. 503, a busy database, is asked again, as clients do."""
        request = urllib.request.Request(
            f"{api_at(self.port)}/{path}", None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"})
        for _ in range(TRIES):
            try:
                with urllib.request.urlopen(request, timeout=30) as reply:
                    return json.loads(reply.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
                threading.Event().wait(0.1)
        raise AssertionError(f"{path}: Prefect's server is always busy")

    def start_run(self, night: str, state: dict[str, Any] | None = None) -> str:
        deployment = self.ask("deployments/name/nightly/nightly")["id"]
        made = self.ask(f"deployments/{deployment}/create_flow_run", {
            "parameters": {"night": night}, "state": state or {"type": "SCHEDULED"}})
        return str(made["id"])

    def runs(self) -> list[tuple[str, str]]:
        """State and night of every run, but for those of nights to come."""
        made = self.ask("flow_runs/filter", {})
        return [(run["state_name"], run["parameters"]["night"]) for run in made if run["state_name"] != "Scheduled"]

    def wait_for_state(self, run: str, *names: str) -> str:
        """Until a run is in one of these states; the state it is then in."""
        self.wait_until(lambda: self.state(run) in names)
        return self.state(run)

    def state(self, run: str) -> str:
        return str(self.ask(f"flow_runs/{run}")["state_name"])

    def wait_for_begun(self, count: int) -> None:
        self.wait_until(lambda: len(self.begun) >= count)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(TRIES):
            if is_so():
                return
            threading.Event().wait(0.1)  # Prefect tells nobody
        raise AssertionError(f"still not so; runs: {self.runs()}, begun: {self.begun}")


def main() -> int:
    from flows.serve import serve

    def offer(project: Project, params: Any) -> Any:
        from tests.flows.rounds import offer

        return offer(project, params)

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return serve(find_project(Path.cwd()), port=int(sys.argv[1]), offer=offer)


if __name__ == "__main__":
    sys.exit(main())
