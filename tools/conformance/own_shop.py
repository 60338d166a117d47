"""A shop that is opened for a run and gone after it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from chalicelib.core.deadline import Deadline
from tools.local import settings as local
from tools.refusal import Refusal

START_SECONDS = 180.0
STOP_SECONDS = 120.0
LOOK_SECONDS = 0.1
MAX_TRIES = 3
_PORTS = ("PORT", "CLOUD_PORT", "PAYMENT_PORT")
_LAUNCHER = ("-m", "tools.conformance.launch")
_TAKEN = re.compile(r"Port \d+ is in use|Address already in use")
_OPEN = re.compile(r"^Ctrl-C stops it", re.MULTILINE)


class PortTaken(Refusal):
    """Somebody else listens on a port that was free when it was chosen."""


@contextmanager
def running() -> Iterator[str]:
    """Where it answers. Raises `Refusal` if it does not open."""
    with ExitStack() as opened:
        yield _open(opened)


def _open(stack: ExitStack) -> str:
    """Where a shop answers that is gone when the stack is left; on other ports where somebody was faster."""
    for _ in range(MAX_TRIES - 1):
        with suppress(PortTaken):
            return stack.enter_context(_on_free_ports())
    return stack.enter_context(_on_free_ports())


@contextmanager
def _on_free_ports() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="conformance-") as state:
        ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        log = Path(state) / "launcher.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, *_LAUNCHER],
                cwd=local.PROJECT,
                env={**os.environ, **ports, "STATE_DIR": str(Path(state) / "state"), "STAGE": local.STAGE},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_open(process, log)
            yield f"http://{local.HOST}:{ports['PORT']}"
        finally:
            _close(process)


def _free_ports(count: int) -> list[str]:
    """Ports that nobody listens on, of loopback."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind((local.HOST, 0))
    ports = [str(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait_until_open(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = Deadline(START_SECONDS)
    while not _OPEN.search(log.read_text(encoding="utf-8")):
        if process.poll() is not None or deadline.is_over:
            said = log.read_text(encoding="utf-8").strip()
            last, kind = said.rpartition("\n")[2], PortTaken if _TAKEN.search(said) else Refusal
            raise kind(f"The shop of this run did not open: {last or 'it said nothing'}")
        time.sleep(LOOK_SECONDS)


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
