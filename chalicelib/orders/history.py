"""An order's steps as lines of its buyer's history, read off its timeline, so that they can be told again."""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.orders.models import Order
from chalicelib.users.models import AuditEntry


class HistoryLine(NamedTuple):
    """One line, and the name of the step that no other line has."""

    entry: AuditEntry
    step: str


def lines(order: Order) -> list[HistoryLine]:
    """Every change of status so far, oldest first; what else the timeline tells keeps its number."""
    found, before = [], None
    for number, step in enumerate(order.timeline):
        if step.event:
            continue
        action = f"order.{step.status}" if before else "order.created"
        facts = {"orderId": order.order_id, "status": {"from": before, "to": step.status}}
        entry = AuditEntry(
            user_id=order.user_id, at=step.at, actor=step.actor, action=action, changes=facts, reason=step.reason
        )
        found.append(HistoryLine(entry, f"{order.order_id}.{number}"))
        before = step.status
    return found
