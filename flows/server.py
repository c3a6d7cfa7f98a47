"""Which Prefect server a command talks to: a running one when there is one, else one of its own for as long as it runs."""

import atexit
import ctypes
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tasks.errors import TransientError

LOCAL_API = "http://127.0.0.1:4200/api"
HEALTH_TIMEOUT_SECONDS = 2.0
START_SECONDS = 120
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1
UNWATCHED_VARIABLE = "FRAMEWORDS_UNWATCHED"  # set when the server ends with the run, so that nobody will look at its UI


def choose_server() -> str:
    """Set Prefect's environment, before it is imported; returns the address of a running server, or "" for one of our own.

    Our own has a session of its own, so that Ctrl-C in a terminal reaches us alone, and it ends when we do, however we end.
    Raises TransientError when PREFECT_API_URL names a server that does not answer, or our own does not start.
    """
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    named = os.environ.get("PREFECT_API_URL", "")
    if named and not _answers(named):
        raise TransientError(f"{named}: the Prefect server does not answer", "start it, or unset PREFECT_API_URL")
    running = named or (LOCAL_API if _answers(LOCAL_API) else "")
    if not running:
        os.environ[UNWATCHED_VARIABLE] = "1"
    os.environ["PREFECT_API_URL"] = running or _start_server()
    return running


def _start_server() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        preexec_fn=_die_with_parent)
    # Not earlier: Prefect sends its last news to the server when the interpreter's threads end, just before this.
    atexit.register(_stop, server)
    api = f"http://127.0.0.1:{port}/api"
    _wait_for(api, server)
    return api


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _die_with_parent() -> None:
    """Linux ends the server when this process dies, also by kill -9; elsewhere only an orderly end does."""
    if Path("/proc/self").exists():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _wait_for(api: str, server: "subprocess.Popen[bytes]") -> None:
    """The server tells nobody when it is ready, so its health address is asked until it answers."""
    for _ in range(START_SECONDS * 10):
        if _answers(api):
            return
        try:
            code = server.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        raise TransientError(f"the Prefect server ended at once (exit code {code})", "see `prefect server start`")
    raise TransientError(f"the Prefect server did not start in {START_SECONDS} s", "run again when the machine is less busy")


def _answers(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=HEALTH_TIMEOUT_SECONDS) as reply:  # noqa: S310 - http(s) by setting
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
