"""Run a command as if it were another day: `python -m tools.dated 2028-02-29 python -m pytest`.

libfaketime stands between the command's processes and the C library, and adds to the time as many seconds as lie
between now and then; so all of them agree, whenever they start. How long things take stays real, else waits would
never end. Drawbacks: there is a library for Linux with glibc on x64 only, and a program that does not ask the C
library, such as Dynoxide, hears the real time.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

DATE = "SHOP_TEST_DATE"  # where tests, whose own time is not the machine's, read the date
VARIABLES = (DATE, "LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC", "NO_FAKE_STAT")

_LIBRARY = "vendor/libfaketime/src/libfaketime.so.1"
_SAY = "import time; print(time.time())"
_FAR = 60  # seconds between what is heard and what should be


def main(date: str = "", *command: str) -> None:
    """Become the command. Ends with a sentence where that cannot be."""
    if not command:
        sys.exit("Which date, and which command? python -m tools.dated 2028-02-29 python -m pytest")
    try:
        then = datetime.fromisoformat(date).replace(tzinfo=UTC)
    except ValueError:
        sys.exit(f"Which date is {date}? It should look like 2028-02-29 or 2026-12-31T23:56:00, in UTC.")
    environment = {**os.environ, **shifted(then)}
    if not _is_heard(then, environment):
        sys.exit("Another date needs libfaketime from requirements-dev.txt, and Linux with glibc on x64 to run it.")
    os.execvpe(command[0], command, environment)  # noqa: S606 - what the caller asked for


def shifted(then: datetime) -> dict[str, str]:
    """The variables with which a process that starts now, and each that it starts, lives from `then` on."""
    seconds = math.ceil((then - datetime.now(UTC)).total_seconds())  # never a moment before
    real = dict.fromkeys(("FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"), "1")
    return {DATE: then.isoformat(), "LD_PRELOAD": _library(), "FAKETIME": f"{seconds:+d}", **real}


def real(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which a process lives today: one that asks the internet, whose certificates are today's."""
    return {name: value for name, value in environ.items() if name not in VARIABLES}


def _library() -> str:
    found = find_spec("libfaketime")
    return str(Path(found.origin).parent / _LIBRARY) if found and found.origin else ""


def _is_heard(then: datetime, environment: Mapping[str, str]) -> bool:
    """Does a process hear that time? Where the library cannot be loaded, the loader warns and goes on without."""
    command = [sys.executable, "-c", _SAY]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return abs(float(said) - then.timestamp()) < _FAR


if __name__ == "__main__":
    main(*sys.argv[1:])
