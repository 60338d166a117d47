"""What only people can put right: kept with its order, listed, counted, and told to them by the stream."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from chalicelib.aws import db
from chalicelib.core import log
from chalicelib.orders import store
from chalicelib.orders.incident_kinds import IncidentKind


def report(order_id: str, kind: IncidentKind, subject: str = "", /, **facts: Any) -> None:
    """Report something about an order; of one kind and subject it is told once, however often it is found."""
    with suppress(db.Stale):
        db.commit(store.report(order_id, kind, subject, **facts))
        announce(order_id, kind, subject, **facts)


def announce(order_id: str, kind: IncidentKind, subject: str = "", /, **facts: Any) -> None:
    """Log and count an incident whose record is written elsewhere."""
    log.error("INCIDENT", orderId=order_id, name=kind.named(subject), **facts)
    log.metric("Incident", Name=kind.partition("-")[0])
