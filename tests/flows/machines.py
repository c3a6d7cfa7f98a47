"""A Dask cluster of processes on loopback: a scheduler, and workers each in a folder of its own, as on machines of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

TRIES = 2400  # of 0.05 s
ALONE = ("--no-dashboard", "--host", "127.0.0.1")


class Machines:
    """A scheduler, and workers by name. None of them is started again by itself."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self._environment = folder, dict(environment)
        self._scheduler: subprocess.Popen[bytes] | None = None
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.port = 0

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.folder / "scheduler.json"
        self._scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(place))
        self.wait_until(lambda: place.is_file() and place.read_text().rstrip().endswith("}"), self._scheduler)
        self.port = int(json.loads(place.read_text())["address"].rpartition(":")[2])
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers.values(), self._scheduler):
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start_workers(self, *names: str) -> None:
        """Start workers of one thread each, and return when the scheduler knows them."""
        for name in names:
            (self.folder / name).mkdir()
            folder = self.folder / name
            self.workers[name] = self._start("worker", self.address, "--name", name, "--no-nanny", "--nthreads", "1",
                                             "--local-directory", str(folder), cwd=folder)
        with self.client() as client:
            for name in names:
                self.wait_until(lambda: name in self._known(client), self.workers[name])  # noqa: B023 - called at once

    def client(self) -> Any:
        import distributed

        connect: Any = distributed.Client
        return connect(self.address, set_as_default=False)

    def kill(self, name: str) -> None:
        """kill -9 of the worker's process alone; its children are left to find out."""
        os.kill(self.workers[name].pid, signal.SIGKILL)
        self.workers[name].wait()

    def retire(self, name: str) -> None:
        """The worker leaves, as when its machine is taken away with notice; returns when it has gone."""
        with self.client() as client:
            client.retire_workers(names=[name], close_workers=True)
        self.workers[name].wait()

    def kill_scheduler(self) -> None:
        assert self._scheduler is not None
        os.kill(self._scheduler.pid, signal.SIGKILL)
        self._scheduler.wait()

    def in_the_middle(self, name: str) -> bool:
        """True while the worker has seen a video and not yet left its words: its scratch holds frames."""
        return any((self.folder / name).rglob("frames.parquet"))

    def wait_until(self, reached: Any, process: subprocess.Popen[bytes]) -> None:
        """Return when `reached()`; fails when the process ends before, or in two minutes."""
        for _ in range(TRIES):
            if reached():
                return
            try:
                code = process.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"ended with {code} before what was waited for")
        raise AssertionError("waited for two minutes")

    def _known(self, client: Any) -> set[str]:
        return {worker["id"] for worker in client.scheduler_info()["workers"].values()}

    def _start(self, kind: str, *words: str, cwd: Path | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / f"{kind}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *ALONE, *words], cwd=cwd or self.folder, env=self._environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


class Tap:
    """A TCP proxy to a port of this machine that keeps every byte it carries."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard = bytearray()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with source, sink:
            try:
                while data := source.recv(1 << 16):
                    self.heard += data
                    sink.sendall(data)
            except OSError:  # either end has gone
                return
