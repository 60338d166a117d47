"""`python -m bench.tracing_overhead`: what a subsegment costs in an invocation that is not sampled, and in one that is.

In turns, with `GET /hello` as the measure: the least that the app does for a request. The documents of the sampled ones
go to a socket of this process that nobody reads, as they would go to the daemon's port.
"""

from __future__ import annotations

import os
import socket
import statistics
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

from chalice.test import Client

import app
from bench.route_costs import ENVIRONMENT
from chalicelib.core import tracing
from tools.local.settings import PROJECT

ROUNDS, BLOCKS_EACH, REQUESTS_EACH = 50, 1_000, 10
_HEADER = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled={}"


def main() -> None:
    """Print microseconds of a block of each kind, and of a request."""
    os.environ.update(ENVIRONMENT)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon, Path(os.devnull).open("w") as nowhere:
        daemon.bind(("127.0.0.1", 0))
        os.environ["AWS_XRAY_DAEMON_ADDRESS"] = ":".join(map(str, daemon.getsockname()))
        with redirect_stdout(nowhere), Client(app.app, stage_name="costs", project_dir=str(PROJECT)) as client:
            turns = [_turn(client) for _ in range(ROUNDS)]
    names = ("no Lambda", "not sampled", "sampled", "GET /hello")
    for name, taken in zip(names, zip(*turns, strict=True), strict=True):
        print(f"{name:12} {statistics.median(taken):>8.2f} microseconds")  # noqa: T201
    print(f"ratio        {statistics.median(turn[1] / turn[3] for turn in turns):>8.5f} of a request, not sampled")  # noqa: T201


def _turn(client: Client) -> tuple[float, ...]:
    def request() -> None:
        client.http.get("/hello")

    blocks = []
    for header in ("", _HEADER.format(0), _HEADER.format(1)):
        os.environ["_X_AMZN_TRACE_ID"] = header
        blocks.append(_microseconds(_block, BLOCKS_EACH))
    os.environ["_X_AMZN_TRACE_ID"] = ""
    return (*blocks, _microseconds(request, REQUESTS_EACH))


def _block() -> None:
    with tracing.Subsegment("order.settle", orderId="ord_1", userId="usr_1"):
        pass


def _microseconds(call: Callable[[], None], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - started) / times * 1e6


if __name__ == "__main__":
    main()
