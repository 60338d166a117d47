"""Processes of the launcher's beside it: found, started, waited for, and never outliving whoever started them."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.core.deadline import Deadline
from tools.local import settings as local
from tools.refusal import Refusal

START_SECONDS = 60
STOP_SECONDS = 90


@dataclass(frozen=True)
class Service:
    """What such a process is called, where it says whose state it holds, and how it is started.

    It listens on loopback, and ends when its standard input does.
    """

    name: str
    port: int
    port_variable: str
    identity: str
    state: Path
    log: Path
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{local.HOST}:{self.port}"

    def owner(self) -> str | None:
        """The state directory of the one on this port; "" for a stranger, None for nobody."""
        try:
            with urllib.request.urlopen(self.url + self.identity, timeout=5) as answer:  # noqa: S310 - always http
                return str(json.load(answer)["state"])
        except urllib.error.HTTPError:
            return ""
        except urllib.error.URLError as error:
            return None if isinstance(error.reason, ConnectionRefusedError) else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def is_there(self) -> bool:
        """Does it run already, for this very state? Refuses a stranger on its port."""
        found = self.owner()
        if found is not None and found != str(self.state):
            raise Refusal(
                f"Port {self.port} is in use by something other than this shop's {self.name}; "
                f"stop it, or choose another port with {self.port_variable}."
            )
        return found is not None


@dataclass(frozen=True)
class Running:
    """A service that answers, and the process to stop in the end when it is ours."""

    service: Service
    process: "subprocess.Popen[bytes] | None"

    def alive(self) -> bool:
        """Whether it is still there."""
        return self.process.poll() is None if self.process else self.service.owner() is not None

    def stop(self) -> None:
        """Let it save its state and go, and say so when it could not."""
        if self.process is None:
            return
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.returncode:
            sys.stderr.write(f"The {self.service.name} did not end well; see {self.service.log}.\n")


@contextmanager
def running(service: Service) -> Iterator[Running]:
    """The service: the one that runs already, or a new one until the end of the block."""
    found = Running(service, None if service.is_there() else _spawn(service))
    try:
        _wait_until_ready(found)
        yield found
    finally:
        found.stop()


def _spawn(service: Service) -> "subprocess.Popen[bytes]":
    """Start it in a session of its own, so that a Ctrl-C reaches the launcher only."""
    service.state.mkdir(parents=True, exist_ok=True)
    with service.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and modules
            [sys.executable, "-m", *service.command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=local.PROJECT,
            env={**os.environ, **service.environment},
            start_new_session=True,
        )


def _wait_until_ready(found: Running) -> None:
    service, deadline = found.service, Deadline(START_SECONDS)
    while not deadline.is_over:
        if service.owner() == str(service.state):
            return
        if not found.alive():
            raise Refusal(f"The {service.name} could not start: {_last_words(service.log)}")
        time.sleep(0.1)
    raise Refusal(f"The {service.name} did not answer within {START_SECONDS} seconds; see {service.log}.")


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), f"see {log}")
