"""Addresses refused as written, and again when connecting."""

import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InputError
from tasks.network.address import PrivateAddressError, canonical_url, check_url, is_listed, open_connection, why_private

PRIVATE_FORMS = [
    "http://127.0.0.1:8000/v.mp4", "http://[::1]/v", "http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://0/",
    "http://017700000001/", "http://0x7f000001/", "http://127.0.0.1./", "http://10.0.0.1/", "http://192.168.1.1/",
    "http://172.16.0.1/", "http://100.64.0.1/", "http://[::ffff:10.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[fc00::1]/",
    "http://[64:ff9b::a00:1]/", "http://[2002:7f00:1::]/", "http://[::]/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://192.0.2.1/", "http://[2001:db8::1]/", "HTTP://127.0.0.1/"]


@pytest.mark.parametrize("url", PRIVATE_FORMS)
def test_every_spelling_of_a_private_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match=r"private address: .*allow_private_addresses"):
        check_url(url)
    check_url(url, allow_private=True)


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/", "http://[fe80::1%25eth0]/", "http://0xa9fea9fe/"])
def test_link_local_addresses_are_named_as_such(url: str) -> None:
    with pytest.raises(InputError, match="link-local address"):
        check_url(url)


@pytest.mark.parametrize(("url", "problem"), [
    ("", "empty URL"), ("  ", "empty URL"), ("not a url", "scheme refused"), ("file:///etc/passwd", "scheme refused"),
    ("ftp://h/v.mp4", "scheme refused"), ("http:///v.mp4", "not an http"), ("http://h:99999/", "not an http"),
    ("http://[::1/", "not an http"), ("https://user:pw@host/v", r"credentials in URL refused: https://\*\*\*@host/v"),
    ("http://h/" + "a" * 10_000, r"URL too long \(10009 characters\)"), ("http://h/\nv", r"control character .*\\n"),
    ("http://h/\0", r"control character .*\\x00")])
def test_what_is_no_public_address_says_why_in_one_line(url: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as caught:
        check_url(url)
    assert "\n" not in str(caught.value)
    assert "pw" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("url", ["https://example.org/v?x=1#t", "http://93.184.216.34/", "https://[2606:4700::1]:8443/a"])
def test_public_addresses_pass(url: str) -> None:
    check_url(url)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_as_private_as_the_one_inside(address: ipaddress.IPv4Address) -> None:
    assert why_private(ipaddress.IPv6Address(f"::ffff:{address}")) == why_private(address)


def test_a_name_that_leads_to_loopback_is_refused_before_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80)) for host in ("93.184.216.34", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(PrivateAddressError, match="private address: inner"):
        open_connection(
            ("inner.example", 80), 1, allowed=lambda *_: False, make_socket=lambda *_: pytest.fail("opened a socket"))


def test_a_name_is_resolved_once_and_the_connection_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 80))]])  # a second question fails
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: next(answers))
    connected = []

    class Socket:
        def __init__(self, *_: Any) -> None: ...
        def settimeout(self, seconds: float) -> None: ...
        def connect(self, target: Any) -> None:
            connected.append(target)

    open_connection(("rebind.example", 80), 1, allowed=lambda *_: False, make_socket=Socket)  # type: ignore[arg-type]
    assert connected == [("93.184.216.34", 80)]


def test_spellings_of_one_address_become_one() -> None:
    spellings = ["HTTP://Example.org:80/a%7Eb/v.mp4#t=5", "http://example.org/a~b/v.mp4", "http://example.org./%61~b/v.mp4"]
    assert {canonical_url(url) for url in spellings} == {"http://example.org/a~b/v.mp4"}
    assert canonical_url("http://h/?a=1") != canonical_url("http://h/?a=2")
    assert canonical_url("http://h") == canonical_url("http://h/")


def test_a_listed_host_covers_its_own_names_only() -> None:
    assert is_listed("media.example.org", ("Example.org",))
    assert not is_listed("badexample.org", ("example.org",))
    assert not is_listed("example.org.evil.net", ("example.org",))
