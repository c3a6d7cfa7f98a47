"""A real Prefect server for the whole test run, and the `framewords` command as a user calls it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flows.server import REPOSITORY, running_server

SAMPLE = REPOSITORY / "data" / "sample"
# What belongs to one machine or one run, not to the dataset; the list itself holds the day it was written.
NOT_DATA = ("videos.csv", "ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "lock")


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Prefect server on loopback, started for this test run and stopped after it."""
    with running_server(tmp_path_factory.mktemp("prefect")) as api:
        yield api


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """The `framewords` command in a folder of its own, with its data in `data` there."""

    folder: Path
    environment: dict[str, str]

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def arguments(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "flows", "--params", str(REPOSITORY / "params.yaml"), "--data", str(self.data), *words]

    def __call__(self, *words: str) -> Finished:
        done = subprocess.run(
            self.arguments(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """The command in a process group of its own, so that all of it can be killed."""
        return subprocess.Popen(
            self.arguments(*words), cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.fixture
def framewords(tmp_path: Path, prefect_api: str, tiny_model: Path) -> Command:
    """The command with the sample's recogniser model, talking to the test run's Prefect server."""
    environment = {**os.environ, "PREFECT_API_URL": prefect_api, "PREFECT_HOME": str(tmp_path / "prefect"),
                   "PYTHONPATH": str(REPOSITORY), "FRAMEWORDS_MODELS": str(tiny_model.parent)}
    return Command(tmp_path, environment)


@pytest.fixture
def with_model(tiny_model: Path) -> tuple[str, ...]:
    """Options that choose the sample's recogniser model."""
    return ("--set", f"transcription.model={tiny_model}")


@pytest.fixture
def ask_prefect(prefect_api: str) -> Callable[[str, dict[str, Any]], Any]:
    """Ask the server's own API, as its UI does."""
    def ask(path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{prefect_api}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)
    return ask


def tree_hash(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the data folder that is data, by relative path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in NOT_DATA and ".cache" not in path.parts}


def copy_sample(target: Path) -> Path:
    """The sample videos in a folder that a test may change."""
    target.mkdir()
    for path in SAMPLE.iterdir():
        if path.is_file():
            shutil.copy(path, target / path.name)
    return target
