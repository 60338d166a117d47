"""The local AWS: ministack in a process of its own, whose state outlives even a kill.

ministack by itself saves only when it stops in good order, and forgets the records of a table's
stream. Here the state is also saved about a second after a change, by a forked copy of the
process (so that a snapshot is consistent and nobody waits for it), and the snapshot carries the
stream records that are not delivered yet. Both write the same files, so never at the same time.
What else it does otherwise than AWS is mended by `tools.local.shims`. The drawback: these,
`keep_streams` and `save` touch names that ministack does not promise to keep, so its version is
pinned and tests look after it.

The process stops on SIGTERM, on SIGINT, and when its standard input closes: it never outlives
the launcher that holds the other end.
"""

import asyncio
import fcntl
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from tools.local import shims
from tools.local.checkpoint import Checkpoint
from tools.local.settings import HOST, IDENTITY, LocalSettings
from tools.refusal import Refusal

SNAPSHOT_SECONDS = 60.0
READS = ("Get", "BatchGet", "TransactGet", "Query", "Scan", "Describe", "List")

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass
class Cloud:
    """Serves ministack, says whose it is, and notes that something may have changed."""

    inner: Callable[[Any, Any, Any], Awaitable[None]]
    state: str
    changed: bool = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] == IDENTITY:
            await self._identify(send)
            return
        await self.inner(scope, receive, send)
        self.changed = self.changed or may_change(scope)

    async def _identify(self, send: Send) -> None:
        body = json.dumps({"state": self.state}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def may_change(scope: Scope) -> bool:
    """Whether a request may have changed something: anything that is not known to read."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
        return False
    target = dict(scope["headers"]).get(b"x-amz-target", b"").decode("latin-1")
    return not target.rpartition(".")[2].startswith(READS)


def keep_streams(checkpoint: Checkpoint) -> None:
    """Make ministack's snapshot of the tables carry the stream records still to be delivered."""
    tables = dynamodb.get_state
    saved = persistence.load_state("dynamodb") or {}
    dynamodb._stream_records.update(saved.get("stream_records", {}))  # noqa: SLF001

    def get_state() -> dict[str, Any]:
        delivered = checkpoint.read()
        waiting = AccountRegionScopedDict()
        for (account, region, table), records in dynamodb._stream_records.all_items():  # noqa: SLF001
            fresh = [record for record in records if int(record["dynamodb"]["SequenceNumber"]) > delivered]
            waiting.set_scoped(account, region, table, fresh)
        return {**tables(), "stream_records": waiting}

    dynamodb.get_state = get_state


async def keep_saving(cloud: Cloud, lock: int) -> None:
    """Save soon after each change, but spend at most a tenth of the time on it."""
    pause = 1.0
    while True:
        await asyncio.sleep(pause)
        if cloud.changed:
            cloud.changed = False
            started = time.monotonic()
            cloud.changed = not await snapshot(lock) or cloud.changed
            pause = max(1.0, 10 * (time.monotonic() - started))


async def snapshot(lock: int) -> bool:
    """Write the state as it is now from a forked copy; whether that went well. Cancelled, it leaves no copy behind."""
    copy = os.fork()
    if copy == 0:
        _save_and_exit(lock)
    waiting = asyncio.create_task(asyncio.to_thread(os.waitpid, copy, 0))
    try:
        await asyncio.wait([waiting], timeout=SNAPSHOT_SECONDS)
    finally:
        if not waiting.done():
            with suppress(ProcessLookupError):
                os.kill(copy, signal.SIGKILL)
        _, status = await waiting
    return os.waitstatus_to_exitcode(status) == 0


def _save_and_exit(lock: int) -> None:
    """In the copy: let go of the sockets but not of the lock, save, and leave the original's things alone."""
    code = 1
    try:
        os.closerange(lock + 1, os.sysconf("SC_OPEN_MAX"))
        code = 1 if save() else 0
    finally:
        os._exit(code)


class _Complaints(logging.Handler):
    """Hears what ministack's persistence tells nobody but its log: that something could not be saved."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


def save() -> list[str]:
    """Save as ministack does at its end; what could not be saved."""
    complaints = _Complaints()
    persistence.logger.addHandler(complaints)
    try:
        persistence.save_all(ministack._build_persistence_save_dict())  # noqa: SLF001
    finally:
        persistence.logger.removeHandler(complaints)
    return complaints.heard


def claim(state: Path) -> int:
    """Refuse to share a state directory with another local AWS; the lock, the first file opened here."""
    lock = os.open(state / "aws.lock", os.O_CREAT | os.O_RDWR, 0o600)
    for _ in range(50):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.1)
        else:
            return lock
    raise Refusal(f"Another local AWS uses {state}; stop it, or choose another STATE_DIR.")


async def serve(settings: LocalSettings, lock: int) -> None:
    """Serve until told to stop; ministack saves once more at the end. Refuses to pretend that it could."""
    keep_streams(Checkpoint(settings.checkpoint))
    shims.apply()
    cloud = Cloud(ministack.app, str(settings.state))
    config = Config()
    config.bind = [f"{HOST}:{settings.cloud_port}"]
    config.keep_alive_timeout = 75
    complaints = _Complaints()
    persistence.logger.addHandler(complaints)
    saving = asyncio.create_task(keep_saving(cloud, lock))
    await hypercorn_serve(cloud, config, shutdown_trigger=_stop_after(saving))
    if complaints.heard and (left := save()):
        raise Refusal(f"The state could not be saved: {'; '.join(left)}")


def _stop_after(saving: "asyncio.Task[None]") -> Callable[[], Awaitable[Any]]:
    """Ends once it was told to stop and no snapshot is being written any more."""
    told_to_stop = _wait_for_stop()

    async def stop() -> None:
        await told_to_stop()
        saving.cancel()
        await asyncio.wait([saving])

    return stop


def _wait_for_stop() -> Callable[[], Awaitable[Any]]:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def watch_launcher() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # unbuffered: Python aborts at its end over a buffer that is in use
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch_launcher, daemon=True).start()
    return stop.wait


def main() -> None:
    """Run the local AWS on the port and with the state directory that the arguments name."""
    settings = LocalSettings(port=0, cloud_port=int(sys.argv[1]), state=Path(sys.argv[2]))
    try:
        asyncio.run(serve(settings, claim(settings.state)))
    except Refusal as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
