"""`framewords serve`: Prefect's server and UI, what can be started there, and the schedule; one process to leave running.

Prefect shows and starts; it decides nothing. One run at a time works in a project because the data folder is locked, a night
is done when the ledger says so, and a run is dead when its process is: so nothing that is killed can block the next night.
"""

import ipaddress
import os
import queue
import socket
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.alive import private_folder, serve_lock
from flows.schedule import due_moment, next_night
from flows.server import LOOPBACK, PAGE_VARIABLE, PORT, answers, api_at, keep_quiet, named_server
from flows.supervise import Part, RunnerPart, ServerPart, keep_running
from tasks.errors import AlreadyRunningError, InputError
from tasks.params import NightlyParams, load_params
from tasks.storage.lock import held_lock
from tasks.storage.project import Project

if TYPE_CHECKING:  # Prefect is imported once its environment is set
    from prefect.deployments.runner import RunnerDeployment

Offer = Callable[[Project, NightlyParams], "list[RunnerDeployment]"]
TEND_SECONDS = 60.0
AUTH = "PREFECT_SERVER_API_AUTH_STRING"


def serve(project: Project, *, host: str = LOOPBACK, port: int = PORT, offer: Offer | None = None) -> int:
    """Serve a project until stopped by Ctrl-C or SIGTERM. Returns 0, also when it is served already.

    offer: what can be started, the nightly deployment first; by default what deployments.py names.
    Raises InputError when host or port cannot be used, TransientError when the server does not start or keeps ending.
    """
    params = load_params(project.params).nightly
    _check_host(host)
    seen = private_folder(project) / "ui"
    with ExitStack() as opened:
        try:
            opened.enter_context(held_lock(serve_lock(project)))
        except AlreadyRunningError:
            print(f"already running: {seen.read_text() if seen.is_file() else 'it is just starting'}")
            return 0
        seen.unlink(missing_ok=True)
        os.chdir(project.root)  # where its runs work
        try:
            _serve(project, params, host, port, offer, opened)
        except KeyboardInterrupt:
            print("stopping; a night that is not done is taken up again at the next start", flush=True)
    return 0


def _serve(project: Project, params: NightlyParams, host: str, port: int, offer: Offer | None, opened: ExitStack) -> None:
    """Start the server, the page and the runner, in this order; `opened` ends them in the other."""
    ended: queue.Queue[Part] = queue.Queue()
    _set_environment(project)
    api = named_server() or api_at(port, host)
    if answers(api):
        print(f"using the Prefect server that answers at {api}", flush=True)
    else:
        _start(ServerPart(host, _free(host, port), _server_environment(api), project.private / "server.log"), ended, opened)
    os.environ["PREFECT_API_URL"] = api
    from flows.deployments import deployments
    from flows.offering import Offering
    from flows.page import open_page

    os.environ[PAGE_VARIABLE] = page = opened.enter_context(open_page(project.data, port + 1))
    offering = Offering(project, params, offer or deployments)
    _start(RunnerPart(offering.open), ended, opened)
    ui = api.removesuffix("/api")
    (project.private / "ui").write_text(ui)
    following = due_moment(next_night(datetime.now(UTC), params), params).astimezone(ZoneInfo(params.timezone))
    print(f"runs:       {ui}\nreport:     {page}/report.html\nnext night: {following:%Y-%m-%d %H:%M %Z}", flush=True)
    keep_running(ended, offering.tend, TEND_SECONDS)


def _start(part: Part, ended: "queue.Queue[Part]", opened: ExitStack) -> None:
    opened.callback(part.stop)
    part.start(ended)


def _set_environment(project: Project) -> None:
    """What Prefect is told in this process and in those of its runs; where the environment says otherwise, it stands."""
    keep_quiet()
    os.environ.setdefault("PREFECT_HOME", str(project.private / "prefect"))
    os.environ.setdefault("PREFECT_RESULTS_DEFAULT_SERIALIZER", "json")  # what is read again must not run code
    os.environ.setdefault("PREFECT_RUNNER_POLL_FREQUENCY", "5")  # seconds until a run that is asked for in the UI starts
    if os.environ.get(AUTH):
        os.environ.setdefault("PREFECT_API_AUTH_STRING", os.environ[AUTH])


def _server_environment(api: str) -> dict[str, str]:
    """Only for the server: the page that it gives out may ask it, and no page of another site."""
    ui = api.removesuffix("/api")
    origins = f"{ui},{ui.replace(LOOPBACK, 'localhost')}"
    defaults = {
        "PREFECT_SERVER_UI_API_URL": api, "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": origins,
        # The newer UI tells a company's analytics of every visit, whatever DO_NOT_TRACK says; the older one asks nobody.
        "PREFECT_SERVER_UI_V2_ENABLED": "false"}
    return {name: os.environ.get(name, value) for name, value in defaults.items()}


def _check_host(host: str) -> None:
    """Whoever reaches Prefect's API can start programs here: beyond this machine it wants a password."""
    try:
        here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise InputError(f"--host {host}: not an address", f"leave it out, or write {LOOPBACK}") from error
    if not here and not os.environ.get(AUTH):
        raise InputError(
            f"--host {host}: whoever reaches it could start programs here",
            f"leave it out, or set {AUTH} to user:password and put TLS in front")


def _free(host: str, port: int) -> int:
    """The same port. Raises InputError when something else listens there."""
    if not 0 < port < 65_535:  # the page takes the one above
        raise InputError(f"--port {port}: not a port", "write one from 1024 to 65534")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise InputError(f"--port {port}: {error.strerror or error}", "choose another with --port") from error
    return port
