"""A network of two machines on loopback: 127.0.0.1 counts as public, everything else as what it is."""

import ipaddress
from collections.abc import Iterator

import pytest

from tasks.network import address
from tasks.network.session import NetworkSettings
from tests.servers import WebServer

PUBLIC, PRIVATE = "127.0.0.1", "127.0.0.2"


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A server that our rules take for a public one."""
    really = address.why_private
    monkeypatch.setattr(
        address, "why_private", lambda found: "" if found == ipaddress.ip_address(PUBLIC) else really(found))
    with WebServer(host=PUBLIC) as web:
        yield web


@pytest.fixture
def private() -> Iterator[WebServer]:
    """A server nobody may reach."""
    with WebServer(host=PRIVATE) as web:
        yield web


@pytest.fixture
def settings() -> NetworkSettings:
    return NetworkSettings(
        allow_private_addresses=False, allowed_hosts=(PUBLIC, "127.0.0.3", "rebind.example", "localhost"),
        timeout_seconds=5, backoff_seconds=0)
