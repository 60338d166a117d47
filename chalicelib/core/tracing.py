"""What the shop itself adds to a trace of X-Ray: subsegments of the one that Lambda makes for each invocation.

A document in the daemon's format goes to its port, by UDP and without an answer. An invocation that is not sampled, or
no Lambda, sends nothing. Nothing here blocks or raises, and annotations are ids and constants, never personal.
"""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, NamedTuple, Self

import msgspec

from chalicelib.core import clock, settings
from chalicelib.core.errors import ShopError, Unavailable

_HEADER = b'{"format": "json", "version": 1}\n'
_DEFAULT_DAEMON = "127.0.0.1:2000"


class _Parent(NamedTuple):
    """The segment of this invocation, which subsegments belong to."""

    trace_id: str
    segment_id: str


class _Daemon(NamedTuple):
    """Where the daemon listens."""

    family: socket.AddressFamily
    address: Any


class Subsegment:
    """A block that becomes a subsegment when the invocation is sampled: `with Subsegment("order.settle", orderId=…):`.

    What passes through it goes on unchanged, and is marked: as an error when it is the caller's to mend, else as a
    fault, in both cases by its kind alone. A `remote` one is a call of somebody outside of AWS, named for them.
    """

    __slots__ = ("_annotations", "_is_remote", "_name", "_parent", "_started")

    def __init__(self, name: str, *, is_remote: bool = False, **annotations: str) -> None:
        self._name = name
        self._is_remote = is_remote
        self._annotations = annotations
        self._parent: _Parent | None = None

    def annotate(self, **annotations: str) -> None:
        """Add what only became known within the block, such as an order's id."""
        self._annotations.update(annotations)

    def __enter__(self) -> Self:
        self._parent = _parent_in(settings.trace_header())
        if self._parent:
            self._started = clock.now().timestamp()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._parent:
            _send(self._document(self._parent, error))

    def _document(self, parent: _Parent, error: BaseException | None) -> dict[str, Any]:
        return {
            "trace_id": parent.trace_id,
            "parent_id": parent.segment_id,
            "id": _new_id(),
            "type": "subsegment",
            "name": self._name,
            "start_time": self._started,
            "end_time": max(self._started, clock.now().timestamp()),  # should the clock be set back meanwhile
            "annotations": self._annotations,
            **({"namespace": "remote"} if self._is_remote else {}),
            **_mark(error, is_remote=self._is_remote),
        }


def _parent_in(header: str) -> _Parent | None:
    """The segment that a header such as `Root=1-…;Parent=…;Sampled=1` names; None when it is not sampled."""
    if "Sampled=1" not in header:
        return None
    said = dict(part.strip().partition("=")[::2] for part in header.split(";"))
    root, parent = said.get("Root"), said.get("Parent")
    return _Parent(root, parent) if root and parent and said.get("Sampled") == "1" else None


def _mark(error: BaseException | None, *, is_remote: bool) -> dict[str, Any]:
    if error is None:
        return {}
    is_callers = isinstance(error, ShopError) and not isinstance(error, Unavailable)
    exception = {"id": _new_id(), "type": type(error).__name__, "remote": is_remote}
    return {"error" if is_callers else "fault": True, "cause": {"exceptions": [exception]}}


def _send(document: dict[str, Any]) -> None:
    """Hand a document to the daemon, and let go of it when nobody is there."""
    with suppress(OSError, ValueError):
        daemon = _daemon_at(settings.trace_daemon() or _DEFAULT_DAEMON)
        _sender(daemon.family).sendto(_HEADER + msgspec.json.encode(document), daemon.address)


@lru_cache(maxsize=1)
def _daemon_at(spelled: str) -> _Daemon:
    """The daemon at `host:port` or `tcp:host:port udp:host:port`, whose host is a number: a name would be asked for."""
    by_protocol = dict(part.partition(":")[::2] for part in spelled.split()) if " " in spelled else {}
    host, _, port = by_protocol.get("udp", spelled).rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    family, *_, address = found[0]
    return _Daemon(family, address)


@cache
def _sender(family: socket.AddressFamily) -> socket.socket:
    """The one socket of this process, which does not wait."""
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.settimeout(0)
    return sender


def _new_id() -> str:
    return secrets.token_hex(8)
