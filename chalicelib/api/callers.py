"""Who calls without having signed in: what of a request keeps one from another."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any, Protocol

from chalicelib.core import settings
from chalicelib.core.reading import unpadded

Headers = Mapping[str, str]
_HOST_BITS = 64  # of an IPv6 address: whoever has one has a whole network of so many, to choose from at will


class Requested(Protocol):
    """A request, as far as it tells who sent it."""

    context: dict[str, Any]
    headers: Any


def source(request: Requested) -> str:
    """The address on the network that the request came from, as who stands before the API tells it, if anybody does."""
    header = settings.client_address_header()
    if header and (told := request.headers.get(header)):
        return str(told)
    return str(request.context.get("identity", {}).get("sourceIp", ""))


def correlation(headers: Headers) -> str:
    """What the caller ties several requests together by, or knows this one by; "" without either."""
    return headers.get("x-correlation-id", headers.get("x-request-id", ""))


def network(address: str) -> str:
    """Whom callers from an address are counted as: the address, of IPv6 the network that its holder has to themselves.

    What is no address counts as it is spelled.
    """
    try:
        known = ip_address(address.strip())
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return f"{IPv6Address(int(known) >> _HOST_BITS << _HOST_BITS)}/{_HOST_BITS}"


def cart_token(headers: Headers) -> str | None:
    """The cart's token without what is around it; a gateway gives the bytes of a header as Latin-1."""
    given = headers.get("x-cart-token")
    return None if given is None else unpadded(given.encode("latin-1", "ignore").decode("utf-8", "ignore"))


def guest(request: Requested) -> str:
    """What keeps the keys of callers apart who have not signed in."""
    cart = cart_token(request.headers)
    return f"guest {cart}" if cart else f"ip {source(request)}"
