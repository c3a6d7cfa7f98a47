"""Which Prefect server a command talks to: a running one when there is one, else one of its own for as long as it runs."""

import os
import urllib.error
import urllib.request

from tasks.errors import TransientError

LOCAL_API = "http://127.0.0.1:4200/api"
HEALTH_TIMEOUT_SECONDS = 2.0


def choose_server() -> str:
    """Set Prefect's environment, before it is imported; returns the address, or "" for a server of this process's own.

    Raises TransientError when PREFECT_API_URL names a server that does not answer.
    """
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    named = os.environ.get("PREFECT_API_URL", "")
    if named:
        if not _answers(named):
            raise TransientError(f"{named}: the Prefect server does not answer", "start it, or unset PREFECT_API_URL")
        return named
    if _answers(LOCAL_API):
        os.environ["PREFECT_API_URL"] = LOCAL_API
        return LOCAL_API
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    # A server of our own stops with us; what it says about being stopped is no news to anyone.
    os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
    return ""


def _answers(api: str) -> bool:
    try:
        with urllib.request.urlopen(f"{api}/health", timeout=HEALTH_TIMEOUT_SECONDS) as reply:  # noqa: S310 - http(s) by setting
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
