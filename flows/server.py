"""Prefect's server: a running one where there is one, else one of our own for as long as we run."""

import atexit
import ctypes
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tasks.errors import TransientError

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - listening there is refused without a password, see serve.py
PORT = 4200  # Prefect's own default
HEALTH_TIMEOUT_SECONDS = 2.0
START_SECONDS = 120
STOP_SECONDS = 10
PR_SET_PDEATHSIG = 1
UNWATCHED_VARIABLE = "FRAMEWORDS_UNWATCHED"  # set when the server ends with the run, so that nobody will look at its UI
PAGE_VARIABLE = "FRAMEWORDS_PAGE"  # where a browser finds the report and the sheets; set by `framewords serve`
Server = subprocess.Popen[bytes]


def choose_server() -> str:
    """Set Prefect's environment, before it is imported; returns the address of a running server, or "" for one of our own.

    Our own has a session of its own, so that Ctrl-C in a terminal reaches us alone, and it ends when we do, however we end.
    Raises TransientError when PREFECT_API_URL names a server that does not answer, or our own does not start.
    """
    keep_quiet()
    named = named_server()
    running = named or (api_at(PORT) if answers(api_at(PORT)) else "")
    if not running:
        os.environ[UNWATCHED_VARIABLE] = "1"
        server, os.environ["PREFECT_API_URL"] = start_server()
        # Not earlier: Prefect sends its last news to the server when the interpreter's threads end, just before this.
        atexit.register(stop_server, server)
    else:
        os.environ["PREFECT_API_URL"] = running
    return running


def keep_quiet() -> None:
    """No news of what we do to anybody, unless the environment says otherwise."""
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def named_server() -> str:
    """The server that PREFECT_API_URL names, or "". Raises TransientError when it does not answer."""
    named = os.environ.get("PREFECT_API_URL", "")
    if named and not answers(named):
        raise TransientError(f"{named}: the Prefect server does not answer", "start it, or unset PREFECT_API_URL")
    return named


def api_at(port: int, host: str = LOOPBACK) -> str:
    """Where the API of a server that listens on `host` is asked from this machine."""
    near = LOOPBACK if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    return f"http://{near}:{port}/api"


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def start_server(
    port: int = 0, *, host: str = LOOPBACK, environment: Mapping[str, str] | None = None, log: Path | None = None,
) -> tuple[Server, str]:
    """Start a server on a port (0: a free one) and wait until it answers. Returns its process and the address of its API.

    It is ended when the calling thread ends, however that ends. environment: on top of ours, which it gets without the keys
    of the store. log: where its output goes.
    Raises TransientError when it ends at once or takes more than START_SECONDS.
    """
    port = port or free_port()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (log or Path(os.devnull)).open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", host, "--port", str(port)],
            env={**ours, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_die_with_parent)
    try:
        _wait_for(api_at(port, host), server)
    except BaseException:
        stop_server(server)
        raise
    return server, api_at(port, host)


def stop_server(server: Server) -> None:
    server.terminate()
    try:
        server.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def answers(api: str) -> bool:
    """True when a Prefect server answers at the address of its API."""
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=HEALTH_TIMEOUT_SECONDS) as reply:  # noqa: S310 - http(s) by setting
            return bool(reply.status == 200 and reply.read(8) == b"true")
    except (urllib.error.URLError, OSError, ValueError):
        return False


def _die_with_parent() -> None:
    """Linux ends the server when this process dies, also by kill -9; elsewhere only an orderly end does."""
    if Path("/proc/self").exists():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _wait_for(api: str, server: Server) -> None:
    """The server tells nobody when it is ready, so its health address is asked until it answers."""
    for _ in range(START_SECONDS * 10):
        if answers(api):
            return
        try:
            code = server.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
        raise TransientError(f"the Prefect server ended at once (exit code {code})", "see `prefect server start`")
    raise TransientError(f"the Prefect server did not start in {START_SECONDS} s", "run again when the machine is less busy")
