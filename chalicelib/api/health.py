"""Is the shop able to serve? Asked by load balancers and by people at night."""

from __future__ import annotations

from chalicelib.api.answers import FunctionView, HealthView, TableView
from chalicelib.aws import db, keys, transport
from chalicelib.core import clock, ids, settings
from chalicelib.core.cached import Cached
from chalicelib.core.errors import Misconfigured, ShopError, Unavailable

_PROBE_SECONDS = 5.0
_READY = "ready"

_instance = ids.secret()[:12]


class Unhealthy(Unavailable):
    """The table does not take and give back what is written to it, or every order would fail."""

    code = "unhealthy"


def report(function_name: str, version: str, *, checkout: str) -> HealthView:
    """What works, or `Unhealthy`. The table is probed at most once in five seconds an instance.

    `checkout` is `ready`, or why no order can be placed. The sentence is for the log: the answer is for anybody.
    """
    try:
        table = _table.get()
    except (ShopError, transport.RequestError, Misconfigured) as error:
        raise Unhealthy("The shop is unhealthy: its table does not answer.", facts={"checkout": checkout}) from error
    if checkout != _READY:
        raise Unhealthy("The shop is unhealthy: no order can be placed.", facts={"checkout": checkout})
    return HealthView(
        status="healthy",
        checkout=checkout,
        timestamp=clock.timestamp(),
        region=settings.region(),
        function=FunctionView(name=function_name, version=version),
        table=table,
    )


def forget() -> None:
    """Drop what the last probe found, so that the next report probes again."""
    _table.forget()


def _probe() -> TableView:
    """Write, read and delete an item of this instance's own."""
    key, written = keys.health_probe(_instance), clock.timestamp()
    db.commit(db.put(key, {"writtenAt": written, "expiresAt": clock.epoch() + 60}))
    item = db.get(key, consistent=True)
    db.commit(db.delete(key))
    if item is None or item["writtenAt"] != written:
        raise Unavailable("The table lost the probe.")
    described = db.describe()
    return TableView(name=settings.current().table_name, status=described["status"], item_count=described["itemCount"])


_table = Cached(_probe, seconds=_PROBE_SECONDS)
