"""Where webhooks may go: public addresses only, so that nobody can make the shop knock at doors inside the network.

An address is judged twice: as written when it is registered, and as resolved each time before anything is sent.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_TOP = r"(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9](?:[A-Za-z0-9-]{0,57}[A-Za-z0-9])?)"
_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+{_TOP}")
_HOST_AND_PORT = re.compile(r"(?:[^][:]+|\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\])(?::[0-9]*)?")  # brackets for IPv6 alone
_VISIBLE = re.compile(r"[!-~]{1,2000}")
# Names of networks inside, and those that no server of the internet ever has.
_INWARD = (
    ".localhost", ".local", ".internal", ".lan", ".arpa", ".test", ".example", ".invalid", ".onion", ".alt",
)  # fmt: skip
_LOCAL_ADDRESS = "127.0.0.1"
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


class UrlRefused(Exception):
    """The shop sends nothing there; the reason is a code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL in its parts; `is_near` says that it is http to this very machine, for trying things out."""

    host: str
    port: int
    target: str
    is_near: bool

    def admits(self, address: str) -> bool:
        """May the shop connect to this address, one of those of the host?"""
        return address == _LOCAL_ADDRESS if self.is_near else is_public(address)


def parse_url(url: str, *, near: bool) -> Destination:
    """The destination that a URL names, or `UrlRefused`.

    https to a public host, at port 443 or one from 1024 on, where no service of an operating system listens. Where
    `near` is true, which is said only where a shop is tried out, also http to 127.0.0.1 at a port from 1024 on.
    """
    if not _VISIBLE.fullmatch(url) or "\\" in url:
        raise UrlRefused("invalid_value", "Must be a URL of visible ASCII characters; other hosts in Punycode.")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise UrlRefused("invalid_value", "Must be a URL such as https://example.com/webhooks.") from None
    if "@" in parts.netloc or "#" in url:
        raise UrlRefused("invalid_value", "Must be a URL without user, password and fragment.")
    if not _HOST_AND_PORT.fullmatch(parts.netloc):
        raise UrlRefused("invalid_value", "Must name a host such as example.com.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if near and parts.scheme == "http":
        return _local_destination(host, port, target)
    if parts.scheme != "https":
        raise UrlRefused("invalid_value", "Must begin with https://.")
    _require_public(host)
    if port is not None and port != _TLS_PORT and port < _FIRST_FREE_PORT:
        raise UrlRefused("invalid_value", "The port must be 443, or 1024 or more.")
    return Destination(host, port or _TLS_PORT, target, is_near=False)


def is_public(address: str) -> bool:
    """Is this IP address one of the internet's, rather than of some network inside?"""
    ip = _parsed(address)
    if ip is None or ip.is_multicast or ip.is_reserved or not ip.is_global:
        return False
    if any(ip in network for network in _NOT_FOR_US if network.version == ip.version):
        return False
    return ip.version == 4 or ip in _UNICAST  # noqa: PLR2004 - a version of the protocol


def _local_destination(host: str, port: int | None, target: str) -> Destination:
    if host != _LOCAL_ADDRESS or port is None or port < _FIRST_FREE_PORT:
        detail = f"Must begin with https://, or here with http://{_LOCAL_ADDRESS}:<port>, the port 1024 or more."
        raise UrlRefused("invalid_value", detail)
    return Destination(host, port, target, is_near=True)


def _require_public(host: str) -> None:
    """Refuse a host that is no name, or an address inside; `0x7f.1` and `2130706433` are not names either."""
    if _parsed(host) is not None:
        if not is_public(host):
            raise UrlRefused("not_public", "This address is not a public one.")
    elif not _NAME.fullmatch(host):
        raise UrlRefused("invalid_value", "Must name a host such as example.com.")
    elif host.endswith(_INWARD):
        raise UrlRefused("not_public", "This host is not a public one.")


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address in its usual notation; None for anything else, and for one that names an interface."""
    try:
        return None if "%" in address else ipaddress.ip_address(address)
    except ValueError:
        return None
