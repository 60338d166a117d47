"""`python -m tools.payments.simulator`: the payment simulator as a service on loopback, until Ctrl-C.

Its books are in `<state>/payments.sqlite3`. WEBHOOK_SECRET in the environment signs the messages to --webhook-url;
WEBHOOK_URL and STATE_DIR there are its defaults.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chalicelib.payments.simulator.behaviour import Simulation
from tools.payments.calls import Calls
from tools.payments.faults import Faults
from tools.payments.ledger import FileLedger
from tools.payments.server import SimulatorServer
from tools.payments.webhooks import Webhooks

PORT = 8765
BOOKS = "payments.sqlite3"


def main(arguments: list[str]) -> int:
    """Serve until a signal; the exit code."""
    given = _parser().parse_args(arguments)
    secret = os.environ.get("WEBHOOK_SECRET", "")
    if given.webhook_url and not secret:
        sys.stderr.write("Webhooks need WEBHOOK_SECRET in the environment to be signed with.\n")
        return 2
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    if given.until_eof:
        threading.Thread(target=_wait_for_eof, args=(ended,), daemon=True).start()
    with running(given.state, port=given.port, webhook_url=given.webhook_url, secret=secret) as url:
        print(f"The payment simulator answers at {url}; its books are {given.state / BOOKS}.", flush=True)
        ended.wait()
    return 0


@contextmanager
def running(state: Path, *, port: int = 0, webhook_url: str = "", secret: str = "") -> Iterator[str]:
    """The service with its books in `state`, for the length of the block; where it answers.

    Raises `OSError` when the port is taken.
    """
    state.mkdir(parents=True, exist_ok=True)
    ledger, faults = FileLedger(state / BOOKS), Faults()
    webhooks = Webhooks(ledger, webhook_url, secret)
    server = SimulatorServer(port, Calls(ledger, Simulation(ledger, webhooks.tell), faults, webhooks), faults)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="payments", daemon=True)
    webhooks.start()
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        server.server_close()
        webhooks.stop()
        ledger.close()


def _wait_for_eof(ended: threading.Event) -> None:
    """End with whoever holds the other end of the standard input, however that one ended."""
    sys.stdin.buffer.read()
    ended.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.payments.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}")
    state, webhook_url = os.environ.get("STATE_DIR") or ".local", os.environ.get("WEBHOOK_URL", "")
    parser.add_argument("--state", type=Path, default=Path(state), help="directory of the books, default .local")
    parser.add_argument("--webhook-url", default=webhook_url, help="the shop's POST /payments/webhook")
    parser.add_argument("--until-eof", action="store_true", help="end when the standard input does")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
