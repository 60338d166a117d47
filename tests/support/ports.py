"""Ports that nobody else takes meanwhile."""

from __future__ import annotations

import itertools
import os
import socket

# Below what systems hand out by themselves; each process that tests begins at a place of its own.
_FIRST, _COUNT = 20_000, 12_000
_steps = itertools.count(os.getpid() * 97)


def free_port() -> int:
    """A port of this machine that is free, and was not given before."""
    for step in itertools.islice(_steps, _COUNT):
        port = _FIRST + step % _COUNT
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    message = "No port is free."
    raise AssertionError(message)
