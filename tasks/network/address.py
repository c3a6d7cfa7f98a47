"""Which addresses may be asked: public http(s) ones, checked as they are written and again when connecting."""

import ipaddress
import socket
import urllib.parse
from collections.abc import Callable
from functools import partial
from typing import Any

from tasks.errors import InputError
from tasks.network.text import shown

MAX_URL_CHARACTERS = 2_000
NAT64 = ipaddress.ip_network("64:ff9b::/96")
DEFAULT_PORTS = {"http": 80, "https": 443}
HOW_TO_ALLOW = "set discovery.allow_private_addresses: true if you mean your own network"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class PrivateAddressError(OSError):
    """A connection was about to be made to an address that is not public."""


def check_url(url: str, *, allow_private: bool = False) -> None:
    """Refuse what cannot be a public http(s) address, without asking the network.

    Raises InputError naming the reason; credentials are never repeated in it.
    """
    value = shown(url)
    if not url.strip():
        raise InputError("empty URL", "give a file, a folder, a list or an http(s) URL")
    if len(url) > MAX_URL_CHARACTERS:
        raise InputError(f"URL too long ({len(url)} characters): {value}", f"keep it under {MAX_URL_CHARACTERS}")
    if any(ord(character) < 32 or ord(character) == 127 for character in url):
        raise InputError(f"control character in URL: {value}", "remove it")
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"not an http(s) URL: {value} ({error})", "correct it") from error
    if parts.scheme not in DEFAULT_PORTS:
        raise InputError(f"scheme refused: {value}", "only http and https are fetched")
    if not host:
        raise InputError(f"not an http(s) URL: {value} has no host", "correct it")
    if "@" in parts.netloc:
        raise InputError(f"credentials in URL refused: {value}", "remove them; use download.cookies_file for a log-in")
    literal = _literal(host)
    if literal is not None and not allow_private:
        reason = why_private(literal)
        if reason:
            raise InputError(f"{reason}: {value}", HOW_TO_ALLOW)


def why_private(address: Address) -> str:
    """`private address` or `link-local address`, or nothing when anybody on the internet can reach it."""
    address = _embedded(address)
    if address.is_link_local:
        return "link-local address"
    return "" if address.is_global and not address.is_multicast else "private address"


def open_connection(
    address: tuple[str, int], timeout: Any, source_address: tuple[str, int] | None = None, *,
    allowed: Callable[[str, int], bool], make_socket: Callable[..., socket.socket] = socket.socket,
) -> socket.socket:
    """A TCP connection to exactly one of the addresses that were checked.

    The name is resolved once and the connection goes to that answer, so a name that changes its mind (DNS rebinding)
    gains nothing.
    allowed: whether this host and port may be private, such as the user's own proxy.
    Raises PrivateAddressError when the name leads to an address that is not public; OSError as sockets do.
    """
    host, port = address
    answers = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    if not allowed(host, port):
        for answer in answers:
            reason = why_private(ipaddress.ip_address(str(answer[4][0]).partition("%")[0]))
            if reason:
                raise PrivateAddressError(f"{reason}: {shown(host)}")
    failure: OSError = OSError(f"{shown(host)} has no address")
    for family, kind, protocol, _, target in answers:
        connection = make_socket(family, kind, protocol)
        try:
            if isinstance(timeout, int | float):
                connection.settimeout(timeout)
            if source_address:
                connection.bind(source_address)
            connection.connect(target)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure


def canonical_url(url: str) -> str:
    """One spelling for addresses that mean the same: host in lower case, no default port, fragment or needless escapes."""
    parts = urllib.parse.urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != DEFAULT_PORTS.get(parts.scheme):
        netloc = f"{netloc}:{port}"
    quote = partial(urllib.parse.quote, safe="/:@!$&'()*+,;=-._~")
    path = quote(urllib.parse.unquote_to_bytes(parts.path)) or "/"
    return urllib.parse.urlunsplit((parts.scheme, netloc, path, parts.query, ""))


def host_of(url: str) -> str:
    """The host of an address, in lower case."""
    return (urllib.parse.urlsplit(url).hostname or "").rstrip(".")


def is_listed(host: str, hosts: tuple[str, ...]) -> bool:
    """True when the host, or a domain it belongs to, is in the list."""
    return any(host == entry.lower() or host.endswith(f".{entry.lower()}") for entry in hosts)


def _literal(host: str) -> Address | None:
    """The address a host spells out, also in the old decimal, octal, hexadecimal and short forms; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, UnicodeEncodeError):
        return None


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to (mapped, 6to4, NAT64), else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address
