"""Ctrl-C ends the command at once, and nothing it started outlives it."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.flows.conftest import SAMPLE, Command

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_so_and_takes_its_server_along(tmp_path: Path, tiny_model: Path, sign: signal.Signals) -> None:
    """The signal goes to the whole process group, as from a terminal, while the command has a server of its own."""
    environment = {name: text for name, text in os.environ.items() if name != "PREFECT_API_URL"}
    command = Command(tmp_path, {**environment, "PREFECT_HOME": str(tmp_path / "prefect"), "STOPPED_RUN": str(tmp_path)})
    process = subprocess.Popen(
        command.arguments("--set", f"transcription.model={tiny_model}", "ingest", str(SAMPLE)), cwd=tmp_path,
        env=command.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not (command.data / "ledger.sqlite").exists() and process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
    os.killpg(process.pid, sign)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err.splitlines()[:1] == ["error: stopped: run the same command again to go on where it stopped"]
    assert "Traceback" not in err
    assert servers_of(tmp_path) == []


def servers_of(run: Path) -> list[str]:
    """Command lines of the Prefect servers that a run started and that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"STOPPED_RUN={run}".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if "uvicorn" in line or "prefect" in line]
