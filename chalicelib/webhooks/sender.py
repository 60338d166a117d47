"""Sends one request to a stranger's server: to an address that was checked, once, and for ten seconds at most.

The host is resolved here and every address of it judged; the connection then goes to those very addresses, while TLS
and the Host header keep the name. So a name that is resolved differently a moment later leads nowhere else. Redirects
are answers like any other. Of the answer only the head is read, of that 64 KB, and only the status is told.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline, OutOfTime
from chalicelib.webhooks import guard
from chalicelib.webhooks.guard import Destination, UrlRefused
from chalicelib.webhooks.models import DeliveryAttempt

SECONDS = 10.0
_CONNECT_SECONDS = 5.0
_MAX_BYTES = 65_536  # bytes of an answer
_MAX_ADDRESSES = 4  # tried of one host
_MIN_SECONDS = 0.001
# What stood in the way; the first kind that an error is of counts.
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "unresolved"),
    (UnicodeError, "unresolved"),  # a name that IDNA cannot spell
    (TimeoutError, "timeout"),
    (ssl.SSLError, "tls"),
    (OSError, "connection"),
    (http.client.HTTPException, "not_http"),
)

Resolve = Callable[[str, int], list[str]]


def send(
    url: str, body: bytes, headers: dict[str, str], *, near: bool, resolve: Resolve | None = None
) -> DeliveryAttempt:
    """Post the body and tell what came of it; no answer, or none that is HTTP, is an attempt with an error."""
    at, begun, deadline = clock.timestamp(), clock.monotonic(), Deadline(SECONDS)
    status, error = _try_post(url, body, headers, near=near, resolve=resolve or resolve_host, deadline=deadline)
    milliseconds = round((clock.monotonic() - begun) * 1000)
    return DeliveryAttempt(at=at, status=status, milliseconds=milliseconds, error=error)


def resolve_host(host: str, port: int) -> list[str]:
    """The IP addresses that a name stands for at present, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def post(destination: Destination, addresses: list[str], body: bytes, headers: dict[str, str], *, deadline: Deadline,
         tls: ssl.SSLContext | None) -> int:  # fmt: skip
    """The status that the server behind one of these addresses answers with."""
    connection = _Connection(destination, addresses, deadline=deadline, tls=tls)
    try:
        own = {"Content-Type": "application/json", "User-Agent": "ecommerce-webhooks/1", "Connection": "close"}
        connection.request("POST", destination.target, body, {**own, **headers})
        with connection.getresponse() as answer:
            return answer.status
    finally:
        connection.close()


def _try_post(url: str, body: bytes, headers: dict[str, str], *, near: bool, resolve: Resolve,
             deadline: Deadline) -> tuple[int | None, str | None]:  # fmt: skip
    """The status, or the code of what stood in the way."""
    try:
        destination = guard.parse_url(url, near=near)
        addresses = _require_public_addresses(destination, resolve)
        return post(
            destination, addresses, body, headers, deadline=deadline, tls=None if destination.is_near else _tls()
        ), None
    except UrlRefused as refused:
        return None, refused.code
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        return None, next(code for kind, code in _CODES if isinstance(error, kind))


def _require_public_addresses(destination: Destination, resolve: Resolve) -> list[str]:
    """The addresses of the host, or `UrlRefused` if a single one of them is not public."""
    addresses = resolve(destination.host, destination.port)
    if not addresses or not all(destination.admits(address) for address in addresses):
        raise UrlRefused("not_public", "The host does not lead to a public address.")
    return addresses[:_MAX_ADDRESSES]


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """What certificates are checked by; reading all the authorities takes a while, so once."""
    return ssl.create_default_context()


class _Connection(http.client.HTTPConnection):
    """A connection to given addresses in the name of a host, all of which ends in time."""

    def __init__(
        self, destination: Destination, addresses: list[str], *, deadline: Deadline, tls: ssl.SSLContext | None
    ) -> None:
        self.default_port = 80 if tls is None else 443
        super().__init__(destination.host, destination.port)
        self._addresses, self._deadline, self._tls = addresses, deadline, tls

    def connect(self) -> None:
        """Connect to the first address that lets us."""
        opened = self._opened()
        try:
            opened.settimeout(_left(self._deadline))
            self.sock = opened if self._tls is None else self._tls.wrap_socket(opened, server_hostname=self.host)
            self.sock.settimeout(_left(self._deadline))
        except OSError:
            opened.close()
            raise

    def getresponse(self) -> http.client.HTTPResponse:
        """The answer's head, in time and of limited size."""
        deadline = self._deadline

        def limited(sock: socket.socket, *arguments: Any, **named: Any) -> http.client.HTTPResponse:
            response = http.client.HTTPResponse(sock, *arguments, **named)
            response.fp = io.BufferedReader(_Limited(sock, response.fp, deadline))
            return response

        self.response_class = limited  # type: ignore[assignment]
        return super().getresponse()

    def _opened(self) -> socket.socket:
        failure: OSError = ConnectionError("no address")
        patience = self._deadline.within(_CONNECT_SECONDS)
        for address in self._addresses:
            try:
                return socket.create_connection((address, self.port), timeout=_left(patience))
            except OSError as error:
                failure = error
        raise failure


class _Limited(io.RawIOBase):
    """The bytes of an answer, as long as there is time and not more than so many."""

    def __init__(self, sock: socket.socket, source: io.BufferedIOBase, deadline: Deadline) -> None:
        self._sock, self._source, self._deadline, self._room = sock, source, deadline, _MAX_BYTES

    def readable(self) -> bool:
        """Yes: reading is all that this is for."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what has come; at the limit the answer seems to end."""
        self._sock.settimeout(_left(self._deadline))
        came = self._source.read1(min(len(buffer), self._room))
        buffer[: len(came)] = came
        self._room -= len(came)
        return len(came)

    def close(self) -> None:
        """Close what is read from as well."""
        self._source.close()
        super().close()


def _left(deadline: Deadline) -> float:
    """The seconds until then. Raises `OutOfTime` when there are none that a socket could wait."""
    left = deadline.left
    if left < _MIN_SECONDS:
        raise OutOfTime
    return left
