"""A real Prefect server on loopback, for tests and benchmarks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.server import start_server, stop_server

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def running_server(home: Path) -> Iterator[str]:
    """Address of the API of a Prefect server that runs while the block does. home: a folder for its database and log."""
    home.mkdir(parents=True, exist_ok=True)
    environment = {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    server, api = start_server(environment=environment, log=home / "server.log")
    try:
        yield api
    finally:
        stop_server(server)
