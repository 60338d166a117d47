"""Where webhooks may go: public addresses only, so that nobody can make the shop knock at doors inside the network.

An address is judged twice: as written when it is registered, and as resolved each time before anything is sent.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?")
_VISIBLE = re.compile(r"[!-~]{1,2000}")
_INWARD = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
_TLS_PORT = 443
_FIRST_FREE_PORT = 1024

# What Python's own list takes for global, depending on its version, and no receiver has.
_NOT_FOR_US = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # protocol assignments, with Teredo and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which wraps any IPv4 address
        "3fff::/20",  # documentation
    )
)
_UNICAST = ipaddress.ip_network("2000::/3")  # all that IPv6 gives out to the world: no mapped, NAT64 or local address


class Refused(Exception):
    """The shop sends nothing there; the reason is a code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Place:
    """A URL in its parts; `is_near` says that it is http to this very machine, for trying things out."""

    host: str
    port: int
    target: str
    is_near: bool

    def admits(self, address: str) -> bool:
        """May the shop connect to this address, one of those of the host?"""
        return is_loopback(address) if self.is_near else is_public(address)


def place(url: str, *, near: bool) -> Place:
    """The place that a URL names, or `Refused`.

    https to a public host, at port 443 or one from 1024 on, where no service of an operating system listens. Where
    `near` is true, which only the local stage says, also http to this machine.
    """
    if not _VISIBLE.fullmatch(url) or "\\" in url:
        raise Refused("invalid_value", "Must be a URL of visible ASCII characters; other hosts in Punycode.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Refused("invalid_value", "Must be a URL such as https://example.com/webhooks.") from None
    if "@" in parts.netloc or "#" in url:
        raise Refused("invalid_value", "Must be a URL without user, password and fragment.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if near and parts.scheme == "http" and (host == "localhost" or is_loopback(host)):
        return Place(host, port or 80, target, is_near=True)
    if parts.scheme != "https":
        raise Refused("invalid_value", "Must begin with https://.")
    _require_public(host)
    if port is not None and port != _TLS_PORT and port < _FIRST_FREE_PORT:
        raise Refused("invalid_value", "The port must be 443, or 1024 or more.")
    return Place(host, port or _TLS_PORT, target, is_near=False)


def is_public(address: str) -> bool:
    """Is this IP address one of the internet's, rather than of some network inside?"""
    ip = _parsed(address)
    if ip is None or ip.is_multicast or ip.is_reserved or not ip.is_global:
        return False
    if any(ip in network for network in _NOT_FOR_US if network.version == ip.version):
        return False
    return ip.version == 4 or ip in _UNICAST  # noqa: PLR2004 - a version of the protocol


def is_loopback(address: str) -> bool:
    """Is this an IP address of this very machine?"""
    ip = _parsed(address)
    return ip is not None and ip.is_loopback


def _require_public(host: str) -> None:
    """Refuse a host that is no name, or an address inside; `0x7f.1` and `2130706433` are not names either."""
    if _parsed(host) is not None:
        if not is_public(host):
            raise Refused("not_public", "This address is not a public one.")
    elif not _NAME.fullmatch(host):
        raise Refused("invalid_value", "Must name a host such as example.com.")
    elif host.endswith(_INWARD):
        raise Refused("not_public", "This host is not a public one.")


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address in its usual notation; None for anything else, and for one that names an interface."""
    try:
        return None if "%" in address else ipaddress.ip_address(address)
    except ValueError:
        return None
