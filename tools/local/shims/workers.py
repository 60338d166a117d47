"""ministack unpacks a function's code for every process of its own, and ends a process whose function raises.

The Lambda service does neither: code lies ready when a process starts, and one that has raised takes the next call.
With six megabytes of code, and an authorizer that refuses by raising, this is most of the time that a deployed shop
takes here. It also waits a while for lines of log that may still come, and starts as many processes as there are calls
at once; here a process says where its lines end, and calls wait for one of a few, for one machine has few processors.
"""

import hashlib
import queue
import shutil
import threading
import zipfile
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime as runtime
from ministack.core import persistence
from ministack.services import lambda_svc

MAX_PROCESSES = 4  # of one function's version
MAX_LOG_SECONDS = 0.25  # that a process which has ended badly is waited for
LOG_ENDS = "\x00log-ends"
RAISED = '"status": "error", "error": str(e), "trace"'
SURVIVED = '"status": "ok", "raised": str(e), "trace"'
ANSWERED = "        _real_stdout.flush()\n\nrun()"
SAID = f"        _real_stdout.flush()\n        sys.stderr.write({LOG_ENDS!r} + chr(10))\n\nrun()"

_unpacking = threading.Lock()


def apply() -> None:
    """Make processes start quickly, outlive what their functions raise, and be few."""
    shutil.rmtree(folder(), ignore_errors=True)
    runtime.zipfile = _Archives
    runtime._PYTHON_WORKER_SCRIPT = changed(runtime._PYTHON_WORKER_SCRIPT)  # noqa: SLF001
    runtime.Worker._drain_stderr_bounded = _lines_of_log  # noqa: SLF001
    _outlive_what_is_raised()
    _wait_for_one_of_a_few()


def changed(script: str) -> str:
    """What a process runs, so that it goes on after what its function raises, and says where lines of log end."""
    for place in (RAISED, ANSWERED):
        if place not in script:
            message = f"ministack's process for functions is another: {place!r} is not in it."
            raise ValueError(message)
    return script.replace(RAISED, SURVIVED).replace(ANSWERED, SAID)


def folder() -> Path:
    """Where code lies unpacked, as long as the local AWS runs."""
    return Path(persistence.STATE_DIR).parent / "functions"


class _SharedArchive(zipfile.ZipFile):
    """Code that is unpacked once, wherever it is asked for."""

    def extractall(self, path: Any = None, *_: Any) -> None:
        Path(path).rmdir()
        Path(path).symlink_to(unpack(Path(str(self.filename))))


class _Archives:
    """The module zipfile, as far as it is asked for."""

    ZipFile = _SharedArchive
    BadZipFile = zipfile.BadZipFile


def unpack(file: Path) -> Path:
    """Where the content of the archive lies, unpacked when nobody has asked for the same content before."""
    place = folder() / hashlib.sha256(file.read_bytes()).hexdigest()
    with _unpacking:
        if not place.exists():
            beside = place.with_suffix(".new")
            with zipfile.ZipFile(file) as archive:
                archive.extractall(beside)
            beside.rename(place)
    return place


def _lines_of_log(worker: Any) -> str:
    """What a function has written in this call."""
    lines: list[str] = []
    with suppress(queue.Empty):
        while (line := worker._stderr_queue.get(timeout=MAX_LOG_SECONDS)) != LOG_ENDS:  # noqa: SLF001
            lines.append(line)
    return "\n".join(lines)


def _outlive_what_is_raised() -> None:
    invoke = runtime.Worker.invoke

    def invoke_surviving(self: Any, *arguments: Any, **options: Any) -> dict[str, Any]:
        answer: dict[str, Any] = invoke(self, *arguments, **options)
        raised = answer.pop("raised", None)
        return answer if raised is None else {**answer, "status": "error", "error": raised}

    runtime.Worker.invoke = invoke_surviving


def _wait_for_one_of_a_few() -> None:
    execute = lambda_svc._execute_function_warm  # noqa: SLF001
    places: dict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(MAX_PROCESSES))
    finding = threading.Lock()

    def execute_in_turn(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        config = function.get("config") or function
        with finding:
            place = places[f"{config.get('FunctionArn')}:{config.get('Version')}"]
        with place:
            done: dict[str, Any] = execute(function, event, request_id)
            return done

    lambda_svc._execute_function_warm = execute_in_turn  # noqa: SLF001
