"""Is the shop able to serve? Asked by load balancers and by people at night."""

from __future__ import annotations

import threading
from typing import Any

from chalicelib.aws import db, keys, transport
from chalicelib.core import clock, ids, settings
from chalicelib.core.errors import ShopError, Unavailable

_PROBE_SECONDS = 5.0

_instance = ids.secret()[:12]
_lock = threading.Lock()
_last: tuple[float, dict[str, Any]] | None = None


class Unhealthy(Unavailable):
    """The table does not take and give back what is written to it."""

    code = "unhealthy"


def report(function_name: str, version: str) -> dict[str, Any]:
    """What works, or `Unhealthy`. The table is probed at most once in five seconds an instance."""
    try:
        table = _probed()
    except (ShopError, transport.RequestError) as error:
        raise Unhealthy("The shop is unhealthy: its table does not answer.") from error
    return {
        "status": "healthy",
        "timestamp": clock.timestamp(),
        "region": settings.region(),
        "function": {"name": function_name, "version": version},
        "table": table,
    }


def _probed() -> dict[str, Any]:
    global _last  # noqa: PLW0603 - one probe an instance, guarded by the lock
    with _lock:
        if _last is None or clock.monotonic() - _last[0] > _PROBE_SECONDS:
            _last = (clock.monotonic(), _probe())
        return _last[1]


def _probe() -> dict[str, Any]:
    """Write, read and delete an item of this instance's own."""
    key, written = keys.health_probe(_instance), clock.timestamp()
    db.commit(db.put(key, {"writtenAt": written, "expiresAt": clock.epoch() + 60}))
    item = db.get(key, consistent=True)
    db.commit(db.delete(key))
    if item is None or item["writtenAt"] != written:
        raise Unavailable("The table lost the probe.")
    return {"name": settings.current().table_name, **db.describe()}
