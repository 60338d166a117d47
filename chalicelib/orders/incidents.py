"""What only people can put right: kept with its order, counted, and told to them by the stream."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from chalicelib.aws import db
from chalicelib.core import log
from chalicelib.orders import store


def report(order_id: str, name: str, **facts: Any) -> None:
    """Report something about an order; under one name it is told once, however often it is found."""
    with suppress(db.Stale):
        db.commit(store.report(order_id, name, **facts))
        announce(order_id, name, **facts)


def announce(order_id: str, name: str, **facts: Any) -> None:
    """Log and count an incident whose record is written elsewhere."""
    log.error("INCIDENT", orderId=order_id, name=name, **facts)
    log.metric("Incident", Name=name.partition("-")[0])
