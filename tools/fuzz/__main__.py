"""`make fuzz-http`: 20,000 strange requests to the shop that `make run` has open; COUNT, SEED, PORT say otherwise."""

from __future__ import annotations

import argparse
import ipaddress
import socket
import sys
from urllib.parse import urlsplit

from tools.fuzz import run
from tools.fuzz.run import BadAnswer, RunFigures
from tools.refusal import Refusal, complain

MAX_SHOWN_BYTES = 2000


def main() -> int:
    """Run it, and give the exit code: 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="make fuzz-http")
    parser.add_argument("--shop", default="http://127.0.0.1:8000", help="the shop on this machine")
    parser.add_argument("--count", type=int, default=20_000, help="how many requests")
    parser.add_argument("--seed", type=int, default=1, help="the same requests for the same seed")
    parser.add_argument("--only", type=int, default=None, help="the number of the one request to send again")
    said = parser.parse_args()
    try:
        port = local_port(said.shop)
        numbers = range(said.count) if said.only is None else range(said.only, said.only + 1)
        sys.stdout.write(f"Strange HTTP for {said.shop}: {len(numbers)} requests, SEED={said.seed}.\n")
        figures = run.run(port, said.seed, numbers, ProgressLine(said.seed, len(numbers)))
    except Refusal as refusal:
        return complain(str(refusal))
    sys.stdout.write(f"\n{figures.told()}\n")
    if figures.findings:
        return complain(f"{len(figures.findings)} requests were answered as none may be; see above.", code=1)
    return 0


def local_port(shop: str) -> int:
    """The port of a shop on this machine. Raises `Refusal` for any other: this is no way to treat somebody else's."""
    parts = urlsplit(shop)
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(parts.hostname, parts.port or 80)}
    except (OSError, ValueError) as error:
        raise Refusal(f"{shop} is no address of a shop ({error}).") from error
    if (
        parts.scheme != "http"
        or parts.hostname is None
        or not all(ipaddress.ip_address(each).is_loopback for each in found)
    ):
        raise Refusal(f"{shop} is not on this machine; strange requests go to a local shop and to no other.")
    return parts.port or 80


class ProgressLine:
    """Tells of a run while it goes on: how far it is, and each finding once."""

    def __init__(self, seed: int, count: int) -> None:
        """`seed` and `count` are those of the run."""
        self._seed, self._count, self._told = seed, count, 0

    def __call__(self, figures: RunFigures) -> None:
        """Write the line anew, and what was found since the last time."""
        speed = figures.requests / max(figures.seconds, 0.001)
        sys.stdout.write(f"\r{figures.requests} of {self._count}, {speed:.0f} a second")
        for finding in figures.findings[self._told :]:
            self._tell(finding)
        self._told = len(figures.findings)
        sys.stdout.flush()

    def _tell(self, finding: BadAnswer) -> None:
        case, sent = finding.case, finding.case.sent
        more = f" and {len(sent) - MAX_SHOWN_BYTES} bytes more" if len(sent) > MAX_SHOWN_BYTES else ""
        sys.stdout.write(
            f"\nRequest {case.number} ({', '.join(case.ways)}): {finding.wrong}.\n"
            f"  again: make fuzz-http SEED={self._seed} ONLY={case.number}\n  {sent[:MAX_SHOWN_BYTES]!r}{more}\n"
        )


if __name__ == "__main__":
    sys.exit(main())
