"""A project on a local test site, and the commands a user gives in it."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.flows.conftest import Finished
from tests.flows.server import REPOSITORY

SAMPLE = REPOSITORY / "data" / "sample"
OUTPUTS = ("media", "labels", "evidence", "dataset")


@dataclass(frozen=True)
class ProjectCommand:
    """`framewords`, `dvc` and `git` in a project's folder."""

    root: Path
    environment: dict[str, str]

    @classmethod
    def make(cls, root: Path, prefect_api: str) -> "ProjectCommand":
        """A new project that may fetch from loopback and hears with the sample's model."""
        binaries = str(Path(sys.executable).parent)
        command = cls(root, {
            **os.environ, "PREFECT_API_URL": prefect_api, "PREFECT_HOME": str(root.parent / "prefect"),
            "PYTHONPATH": str(REPOSITORY), "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "160"})
        root.mkdir(parents=True)
        assert command("init").code == 0
        params = root / "params.yaml"
        text = params.read_text(encoding="utf-8")
        for old, new in (
                ("allow_private_addresses: false", "allow_private_addresses: true"),
                ("allowed_hosts: []", 'allowed_hosts: ["127.0.0.1"]'),
                ("model: vosk-model-small-en-us-0.15", f"model: {SAMPLE}/models/vosk-model-tiny-en-us")):
            assert old in text
            text = text.replace(old, new)
        params.write_text(text, encoding="utf-8")
        return command

    def arguments(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "flows", *words]

    def __call__(self, *words: str) -> Finished:
        return self.run(*self.arguments(*words))

    def run(self, *command: str) -> Finished:
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """The command in a process group of its own, so that all of it can be killed."""
        return subprocess.Popen(
            self.arguments(*words), cwd=self.root, env=self.environment, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)

    def outputs(self) -> dict[str, str]:
        """SHA-256 of every file of the stages' outputs, by path below data/."""
        data = self.root / "data"
        return {
            str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest()
            for name in OUTPUTS for path in sorted((data / name).rglob("*")) if path.is_file()}

    def remove_outputs(self, *names: str) -> None:
        for name in names:
            shutil.rmtree(self.root / "data" / name)
