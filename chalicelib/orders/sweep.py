"""The scheduled work on orders (E4): bounded, safe to run twice, at once or late, and stopped by no single order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import TypeVar

import msgspec

from chalicelib.aws import db, transport
from chalicelib.core import clock, log
from chalicelib.core.errors import ShopError
from chalicelib.orders import provider_messages, reconcile, refunds, store
from chalicelib.orders.models import Order
from chalicelib.orders.states import OrderStatus
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import ProviderEvent

T = TypeVar("T")

_SETTLE_AFTER = timedelta(minutes=1)  # longer than any request lives
_PAGE_SIZE = 100


def run(*, seconds: float) -> dict[str, int]:
    """Finish refunds, settle payments in doubt, expire unpaid orders, for at most about that many seconds.

    Refunds and kept messages have a quarter of the time each, so that orders never wait behind them. Gives how many
    of each were brought to an end, and how many failed and are left for the next run.
    """
    begun = clock.monotonic()
    until = begun + seconds
    done: Counter[str] = Counter({"refunded": 0, "settled": 0, "expired": 0, "heard": 0, "failed": 0})
    begun_before = clock.ago(_SETTLE_AFTER)
    _process_each(
        payment_store.list_pending_refunds(before=begun_before, limit=_PAGE_SIZE),
        refunds.retry,
        done,
        begun + seconds / 4,
    )
    _process_each(store.list_parked(limit=_PAGE_SIZE), _retry_parked, done, clock.monotonic() + seconds / 4)
    for page in _pages(begun_before, until):
        _process_each(page, _settle_order, done, until)
    log.info("SWEPT", **{name: str(count) for name, count in done.items()})
    return dict(done)


def _pages(before: str, until: float) -> Iterator[list[Order]]:
    after: str | None = None
    while clock.monotonic() < until:
        orders, after = store.list_pending(before=before, after=after, limit=_PAGE_SIZE)
        yield orders
        if after is None:
            return


def _process_each(things: Iterable[T], work: Callable[[T], str | None], done: Counter[str], until: float) -> None:
    """Work on each on its own: what goes wrong with one is logged and counted, and the others go on."""
    for thing in things:
        if clock.monotonic() > until:
            return
        try:
            ended = work(thing)
        except (ShopError, db.Stale, transport.RequestError, msgspec.ValidationError) as error:
            log.error("SWEEP_FAILED", error=type(error).__name__, orderId=getattr(thing, "order_id", ""))
            ended = "failed"
        if ended:
            done[ended] += 1


def _settle_order(order: Order) -> str | None:
    status = reconcile.reconcile_if_due(order).status
    if status is OrderStatus.EXPIRED:
        return "expired"
    return None if status is OrderStatus.PENDING else "settled"


def _retry_parked(kept: tuple[ProviderEvent, str]) -> str | None:
    return "heard" if provider_messages.retry(*kept) else None
