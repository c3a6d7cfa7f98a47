"""Parts that run until they are stopped, and are started again when they end by themselves."""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flows.server import Server, start_server, stop_server
from tasks.errors import TransientError

if TYPE_CHECKING:  # Prefect is imported once its environment is set
    from prefect.runner import Runner

MAX_RESTARTS, RESTART_WINDOW_SECONDS = 5, 900.0


class Part(Protocol):
    """name: for people. problem: why it ended."""

    name: str

    @property
    def problem(self) -> str: ...

    def start(self, ended: "queue.Queue[Part]") -> None:
        """Start it, and have it put itself into `ended` when it ends."""

    def stop(self) -> None: ...


class ServerPart:
    """A Prefect server of our own; `environment` on top of ours."""

    name = "the Prefect server"

    def __init__(self, host: str, port: int, environment: dict[str, str], log: Path) -> None:
        self._arguments = (host, port, environment, log)
        self._process: Server | None = None

    @property
    def problem(self) -> str:
        return f"exit code {self._process.returncode if self._process else '?'}, see {self._arguments[-1]}"

    def start(self, ended: "queue.Queue[Part]") -> None:
        host, port, environment, log = self._arguments
        process, _ = start_server(port, host=host, environment=environment, log=log)
        self._process = process

        def watch() -> None:
            process.wait()
            ended.put(self)

        threading.Thread(target=watch, name="server", daemon=True).start()

    def stop(self) -> None:
        if self._process:
            stop_server(self._process)


class RunnerPart:
    """Prefect's runner in a thread of ours; each flow run is a process. make: gives a runner that knows its deployments."""

    name = "the runner"

    def __init__(self, make: "Callable[[], Runner]") -> None:
        self._make = make
        self._thread = ThreadPoolExecutor(1, "runner")
        self._stop = threading.Event()
        self._running: Future[None] | None = None

    @property
    def problem(self) -> str:
        return str(self._running.exception() if self._running else "")

    def start(self, ended: "queue.Queue[Part]") -> None:
        runner = self._make()
        self._stop = threading.Event()
        self._running = self._thread.submit(asyncio.run, _run(runner, self._stop))
        self._running.add_done_callback(lambda done: ended.put(self))

    def stop(self) -> None:
        self._stop.set()
        self._thread.shutdown()


async def _run(runner: "Runner", stop: threading.Event) -> None:
    """Let a runner work until `stop` is set; the runs it has started are then ended."""
    working = asyncio.create_task(runner.start())
    stopping = asyncio.create_task(asyncio.to_thread(stop.wait))
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            if runner.started:
                await runner.astop()
            else:
                working.cancel()
        await working
    finally:
        stop.set()  # ends the waiting thread


def keep_running(ended: "queue.Queue[Part]", idle: Callable[[], None], idle_seconds: float) -> None:
    """Start again what ends, for ever. idle: called when nothing happened for so long.

    Raises TransientError when things end again and again.
    """
    restarts: deque[float] = deque(maxlen=MAX_RESTARTS)
    while True:
        try:
            part = ended.get(timeout=idle_seconds)
        except queue.Empty:
            idle()
            continue
        now = time.monotonic()
        if len(restarts) == MAX_RESTARTS and now - restarts[0] < RESTART_WINDOW_SECONDS:
            raise TransientError(f"{part.name} keeps ending ({part.problem})", "correct what it says, then serve again")
        restarts.append(now)
        print(f"{part.name} ended ({part.problem}); starting it again", flush=True)
        part.start(ended)
        print(f"{part.name} is back", flush=True)
