"""What tests of webhooks begin with: endpoints, events, runs of the schedule, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from chalicelib.aws import db
from chalicelib.core import clock, ids
from chalicelib.core.events import Event
from chalicelib.webhooks import service as webhooks
from chalicelib.webhooks import store as webhook_store
from chalicelib.webhooks.models import Webhook
from tests.support import table
from tests.support.faults import Fault
from tests.support.payments import Mailbox
from tools.testing.shop import Shop

URL = "https://hooks.example.com/shop"


NOBODY = "whk_01M7Z9PK2E7AVM5AT09PVE9DP8"


def hook(root: Shop, url: str = URL, *events: str, **more: Any) -> dict[str, Any]:
    """A new endpoint with its secret."""
    answer = root("POST", "/webhooks", {"url": url, "events": list(events) or ["*"], **more})
    assert answer.status == 201, answer
    return dict(answer.body)


def happen(event_type: str = "order.created.v1", **data: Any) -> Event:
    """Something happens and is queued, as the stream's handler does."""
    event = Event(id=ids.new("evt"), type=event_type, timestamp=clock.timestamp(), data=data or {"orderId": "ord_1"})
    queue(event)
    return event


def queue(event: Event) -> None:
    writes = webhooks.queue(event)
    if writes:
        db.commit(*writes)


def run(*, seconds: float = 600, **more: int) -> dict[str, int]:
    """One run of the schedule, long enough on a busy machine; only what is not zero."""
    return {name: count for name, count in webhooks.deliver(seconds=seconds, **more).items() if count}


@contextmanager
def later(**span: float) -> Iterator[None]:
    with clock.fixed(clock.now() + timedelta(**span)):
        yield


def log_of(root: Shop, webhook_id: str) -> list[dict[str, Any]]:
    return list(root("GET", f"/webhooks/{webhook_id}/deliveries?limit=100").body["deliveries"])


def stored(webhook_id: str) -> Webhook:
    found = webhook_store.get(webhook_id)
    assert found
    return found


def ids_in(box: Mailbox) -> list[str]:
    return [{name.lower(): value for name, value in headers.items()}["webhook-id"] for _, headers in box.came]


def just_before(act: Callable[[], Any], *, which: str = "transact_write_items") -> Fault:
    """Somebody acts just before the first write of the block."""
    pending = [act]

    def fault(operation: str, _: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        if operation == which and pending:
            pending.pop()()
        return go_on()

    return fault


def due_items() -> list[Any]:
    return [key for key, item in table.everything().items() if str(item.get("GSI2PK")).startswith("DUE#")]
