"""A real Prefect server on loopback, for tests and benchmarks."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
START_SECONDS = 120


@contextmanager
def running_server(home: Path) -> Iterator[str]:
    """Address of the API of a Prefect server that runs while the block does. home: a folder for its database and log."""
    home.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
            env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        api = f"http://127.0.0.1:{port}/api"
        try:
            _wait_for(api, server, home / "server.log")
            yield api
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _wait_for(api: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """The server tells nobody when it is ready, so its health address is asked until it answers."""
    for _ in range(START_SECONDS * 4):
        try:
            with urllib.request.urlopen(f"{api}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            try:
                server.wait(timeout=0.25)
            except subprocess.TimeoutExpired:
                continue
            break
    raise RuntimeError(f"the Prefect server did not start:\n{log.read_text()[-2000:]}")
