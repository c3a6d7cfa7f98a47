"""C code that can crash or hang runs in a child process with limits: one bad video costs one row, never the run.

The child gets its work as Python values and answers in JSON only, so that a decoder taken over by a hostile file cannot
hand us a pickle. Children are forked from a small server process that has the heavy modules loaded: about 20 ms each.
"""

import importlib
import json
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from ctypes.util import find_library
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from tasks.errors import (
    InputError,
    IntegrityError,
    ParamsError,
    StoppedError,
    TransientError,
    UnavailableVideoError,
    UnusableVideoError,
    WorkflowError,
)

Progress = Callable[[float], None]
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_PRELOAD", "PYTHONPATH", "VIRTUAL_ENV")
log = logging.getLogger(__name__)
MAX_ANSWER_BYTES = 16_000_000
# No video does this: a person, the system when memory is short, or the end of the fork server, which is told as 255.
FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, 255)
ERRORS: dict[str, type[WorkflowError]] = {
    kind.__name__: kind
    for kind in (InputError, IntegrityError, ParamsError, TransientError, UnavailableVideoError, UnusableVideoError)}


_live: set[BaseProcess] = set()
_stopping = threading.Event()


def stop_children() -> None:
    """End every child that is still at work, and let none be started until the next `preload`."""
    _stopping.set()
    for child in list(_live):
        child.kill()


def preload(modules: list[str]) -> None:
    """Name the modules that the fork server loads once. Call before the first child is started.

    Where jemalloc is installed the children use it: recognition, which allocates millions of small pieces, then costs a
    third less CPU. It has to be in the environment while the server starts, and only then.
    """
    _stopping.clear()
    multiprocessing.get_context("forkserver").set_forkserver_preload(modules)
    library = find_library("jemalloc") if sys.platform == "linux" and "LD_PRELOAD" not in os.environ else None
    if library:
        os.environ["LD_PRELOAD"] = library
        try:
            forkserver.ensure_running()
        finally:
            del os.environ["LD_PRELOAD"]


def run_in_child(
    function: Callable[..., dict[str, Any]], *arguments: Any, timeout_seconds: float, memory_megabytes: int,
    progress: Progress | None = None, what: str = "decoding",
) -> dict[str, Any]:
    """Call `function(*arguments, progress=...)` in a child process and return what it returned.

    function: a module-level function taking a `progress` callback and returning a small dict of JSON values; files it
    makes go to paths named in its arguments.
    The answer gains `cpu_seconds` (user + system) and `peak_megabytes` of the child.
    Raises the WorkflowError the function raised, StoppedError when the run is being stopped, or UnusableVideoError when
    the child crashed (`crashed`), ran out of memory (`out_of_memory`) or of time (`timeout`).
    """
    if _stopping.is_set():
        raise _stopped(what)
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(
        target=_serve, args=(theirs, function.__module__, function.__qualname__, arguments, memory_megabytes), daemon=True)
    child.start()
    _live.add(child)
    theirs.close()
    deadline = time.monotonic() + timeout_seconds
    try:
        while True:
            if not ours.poll(max(0.0, deadline - time.monotonic())):
                raise UnusableVideoError(
                    f"{what}: not done after {timeout_seconds:g} s", "raise the timeout or drop the video", "timeout")
            try:
                message = json.loads(ours.recv_bytes(MAX_ANSWER_BYTES))
            except EOFError:
                child.join()
                if _stopping.is_set():
                    raise _stopped(what) from None
                raise _crash(what, child.exitcode) from None
            if "progress" in message:
                if progress is not None:
                    progress(float(message["progress"]))
            elif "error" in message:
                raise _rebuild(message["error"])
            elif "fault" in message:
                log.error("%s: %s", what, message["traceback"])
                raise UnusableVideoError(f"{what}: {message['fault']}", "report this as a fault of framewords", "fault")
            else:
                return dict(message["result"])
    finally:
        if child.is_alive():
            child.join(timeout=0.5)
        if child.is_alive():
            child.kill()
        child.join()
        _live.discard(child)
        ours.close()


def _serve(connection: Connection, module: str, name: str, arguments: tuple[Any, ...], memory_megabytes: int) -> None:
    """The child's side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when we stop
    for key in list(os.environ):
        if key not in KEPT_ENVIRONMENT:
            del os.environ[key]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory_megabytes << 20, memory_megabytes << 20))
    os.nice(5)  # the flow process answers first

    def send(message: dict[str, Any]) -> None:
        connection.send_bytes(json.dumps(message).encode())

    try:
        function = getattr(importlib.import_module(module), name)
        result = function(*arguments, progress=lambda seconds: send({"progress": seconds}))
        usage = resource.getrusage(resource.RUSAGE_SELF)
        result["cpu_seconds"] = round(usage.ru_utime + usage.ru_stime, 3)
        result["peak_megabytes"] = round(_peak_kilobytes() / 1024, 1)
        send({"result": result})
    except WorkflowError as error:
        send({"error": [type(error).__name__, *error.args]})
    except MemoryError:
        send({"error": ["UnusableVideoError", f"{name}: needs more than {memory_megabytes} MB",
                        "raise ingest.decode_memory_megabytes or drop the video", "out_of_memory"]})
    except Exception as error:  # noqa: BLE001 - the top of a process: our own fault, told to the parent with its traceback
        send({"fault": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()})
    finally:
        connection.close()


def _peak_kilobytes() -> int:
    """VmHWM: what this process alone has touched (ru_maxrss would count the fork server's image too)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _rebuild(parts: list[str]) -> WorkflowError:
    kind = ERRORS.get(parts[0], UnusableVideoError)
    return kind(*parts[1:])


def _stopped(what: str) -> StoppedError:
    return StoppedError(f"{what}: the run was stopped", "run the same command again")


def _crash(what: str, exit_code: int | None) -> UnusableVideoError | TransientError:
    """What the end of a child that gave no answer means."""
    cause = f"exit code {exit_code}"
    if exit_code is not None and exit_code < 0:
        cause = signal.Signals(-exit_code).name
    if exit_code in FROM_OUTSIDE:
        return TransientError(
            f"{what}: the child process was ended from outside ({cause})", "see that memory suffices, then run again")
    return UnusableVideoError(f"{what}: the child process died ({cause})", "drop the video or re-encode it", "crashed")
