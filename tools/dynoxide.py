"""Dynoxide, the second DynamoDB engine: it reports capacity as DynamoDB does, and keeps large tables in a file.

It comes from npm as one binary, is kept under `.local`, and runs for the length of a `with` block. Drawbacks: there is
a binary for Linux on x64 only, and on a table with a stream each write costs more the more records the stream holds,
so a large table is filled by `fill`, whose items the stream does not mention.
"""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any

import msgspec

from chalicelib.core.deadline import Deadline
from tools import npm
from tools.local.settings import HOST, PROJECT
from tools.refusal import Refusal

VERSION = "1.2.1"
_PACKAGE = f"@dynoxide/linux-x64@{VERSION}"
_SHA256 = "80e1ed33e33ec33c7bdcb1779ea09678e5c6f87c5c225f44c2037d2b2ea71164"  # of the package as npm packs it
_MEMBER = "dynoxide"
_KEPT = PROJECT / ".local" / "dynoxide" / VERSION / "dynoxide"
_START_SECONDS = 20
_STOP_SECONDS = 10
_MAX_SAID = 10_000

# The engine ends when its standard input does: also when whoever started it is killed and cannot say so.
_LEASH = 'exec 3<&0; "$@" </dev/null & engine=$!; { read -r _ <&3; kill "$engine" 2>/dev/null; } & wait "$engine"'


def binary() -> Path:
    """The engine itself, fetched once. Raises `Refusal` where it cannot be had."""
    if not _KEPT.exists():
        _fetch()
    return _KEPT


@contextmanager
def running(database: Path | None = None) -> Iterator[str]:
    """The address of an engine that works on this file, or in memory."""
    port = _free_port()
    arguments = [str(binary()), "--port", str(port), *(["--db-path", str(database)] if database else [])]
    with TemporaryFile() as words:
        engine = _start(arguments, words)
        try:
            _wait_until_ready(engine, port, words)
            yield f"http://{HOST}:{port}"
        finally:
            _stop(engine)


def fill(database: Path, table: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> None:
    """Make the file anew: one table with these items, spelled as in requests. No two items may have one key.

    The engine's bulk import takes 40,000 items a second, its API a tenth of that.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=database.parent) as folder:
        schema, data = Path(folder) / "schema.json", Path(folder) / "export" / table["TableName"] / "data"
        data.mkdir(parents=True)
        schema.write_bytes(msgspec.json.encode({"Table": table}))
        with (data / "items.json").open("wb") as file:
            file.writelines(msgspec.json.encode({"Item": item}) + b"\n" for item in items)
        source = ["--source", str(data.parents[1]), "--schema", str(schema)]
        command = [str(binary()), "import", *source, "--output", str(database), "--force"]
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:  # noqa: S603 - our own binary
            raise Refusal(f"Dynoxide could not fill {database}; what it says about that stands above.")


def _fetch() -> None:
    machine = f"{sys.platform} on {platform.machine()}"
    if machine != "linux on x86_64":
        raise Refusal(f"Dynoxide is fetched for Linux on x64 only, and this is {machine}.")
    _KEPT.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=_KEPT.parent) as folder:
        package = npm.pack(_PACKAGE, Path(folder))
        fetched = Path(folder) / _KEPT.name
        fetched.write_bytes(npm.unpacked(package, _PACKAGE, _SHA256, [_MEMBER])[_MEMBER])
        fetched.chmod(0o755)
        fetched.replace(_KEPT)


def _start(arguments: list[str], words: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, so that a Ctrl-C reaches only whoever uses it."""
    return subprocess.Popen(  # noqa: S603 - our own binary
        ["/bin/sh", "-c", _LEASH, "sh", *arguments],
        stdin=subprocess.PIPE,
        stdout=words,
        stderr=words,
        start_new_session=True,
    )


def _wait_until_ready(engine: subprocess.Popen[bytes], port: int, words: IO[bytes]) -> None:
    deadline = Deadline(_START_SECONDS)
    while engine.poll() is None and not deadline.is_over:
        if "listening" in _said(words) and _answers(port):
            return
        time.sleep(0.02)
    raise Refusal(f"Dynoxide did not start: {_said(words).strip() or 'it says nothing'}")


def _said(words: IO[bytes]) -> str:
    """What it wrote; read without moving the place where it writes on."""
    return os.pread(words.fileno(), _MAX_SAID, 0).decode(errors="replace")


def _answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex((HOST, port)) == 0


def _stop(engine: subprocess.Popen[bytes]) -> None:
    if engine.stdin:
        engine.stdin.close()
    try:
        engine.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(engine.pid, signal.SIGKILL)
        engine.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
