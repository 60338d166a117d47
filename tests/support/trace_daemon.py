"""X-Ray's daemon, as far as its port goes: a socket on loopback that takes documents in its format."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.core import tracing

TRACE = "1-67891233-abcdef012345678912345678"
SEGMENT = "53995c3f42cd8ad8"
SAMPLED = f"Root={TRACE};Parent={SEGMENT};Sampled=1;Lineage=a87bd80c:1"
HEADER = {"format": "json", "version": 1}
_LAST = b"the last one"
_SECONDS = 60


class Daemon:
    """Where it listens, and what came there."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.address = ":".join(map(str, listener.getsockname()))

    def documents(self) -> list[dict[str, Any]]:
        """All that came until now; datagrams on loopback keep their order, so nothing is waited for."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(_LAST, self._listener.getsockname())
        came = [*iter(lambda: self._listener.recv(65_536), _LAST)]
        lines = [datagram.split(b"\n", 1) for datagram in came]
        assert [json.loads(header) for header, _ in lines] == [HEADER] * len(lines)
        return [json.loads(document) for _, document in lines]


@contextmanager
def listening() -> Iterator[Daemon]:
    """A daemon for the length of the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(_SECONDS)
        yield Daemon(listener)


@contextmanager
def hearing(monkeypatch: pytest.MonkeyPatch, header: str = SAMPLED) -> Iterator[Daemon]:
    """A daemon that hears what this process does, in an invocation with that header."""
    with listening() as daemon, monkeypatch.context() as changed:
        changed.setenv("_X_AMZN_TRACE_ID", header)
        changed.setenv("AWS_XRAY_DAEMON_ADDRESS", daemon.address)
        try:
            yield daemon
        finally:
            tracing._sender(socket.AF_INET).close()
            tracing._sender.cache_clear()
