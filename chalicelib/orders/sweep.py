"""The scheduled work on orders (E4): bounded, safe to run twice, at once or late, and stopped by no single order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

import msgspec

from chalicelib.aws import db, transport
from chalicelib.core import clock, log
from chalicelib.core.deadline import Deadline, OutOfTime
from chalicelib.core.errors import ShopError
from chalicelib.orders import completion, provider_messages, reconcile, refunds, store
from chalicelib.orders.models import Order
from chalicelib.orders.states import OrderStatus, PaymentStatus
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import ProviderEvent

T = TypeVar("T")

_SETTLE_AFTER = timedelta(minutes=1)  # longer than any request lives
_PAGE_SIZE = 100
_FAULTS = (ShopError, db.Stale, transport.RequestError, msgspec.ValidationError)


def run(*, seconds: float) -> dict[str, int]:
    """Finish refunds, settle payments in doubt, expire unpaid orders, complete delivered ones, for about those seconds.

    Refunds and kept messages have a quarter of the time each, so that payments never wait behind them; delivered orders
    have what is left. Gives how many of each were brought to an end, and how many failed and are left for the next run.
    """
    deadline = Deadline(seconds)
    done: Counter[str] = Counter({"refunded": 0, "settled": 0, "expired": 0, "heard": 0, "completed": 0, "failed": 0})
    before = clock.ago(_SETTLE_AFTER)
    refunds_due = partial(payment_store.list_pending_refunds, before=before, limit=_PAGE_SIZE)
    _process_each(refunds_due, refunds.retry, done, deadline.within(seconds / 4))
    _process_each(partial(store.list_parked, limit=_PAGE_SIZE), _retry_parked, done, deadline.within(seconds / 4))
    doubts = _Doubts(done)
    with suppress(OutOfTime):
        _process_each(lambda: db.every(_pending_before(before, deadline)), doubts.settle, done, deadline)
    doubts.report()
    _process_each(completion.list_next, completion.complete_if_due, done, deadline)
    return dict(done)


def _pending_before(before: str, deadline: Deadline) -> Callable[[str | None], tuple[list[Order], str | None]]:
    def read(after: str | None) -> tuple[list[Order], str | None]:
        deadline.require()
        return store.list_pending(before=before, after=after, limit=_PAGE_SIZE)

    return read


def _process_each(
    list_things: Callable[[], Iterable[T]], work: Callable[[T], str | None], done: Counter[str], deadline: Deadline
) -> None:
    """Work on each on its own: what goes wrong with one is logged and counted, and the others go on.

    A list that cannot be read ends there, and the next begins.
    """
    try:
        for thing in list_things():
            if deadline.is_over:
                return
            if ended := _ended(thing, work):
                done[ended] += 1
    except _FAULTS as error:
        log.error("SWEEP_FAILED", error=type(error).__name__, orderId="")
        done["failed"] += 1


def _ended(thing: T, work: Callable[[T], str | None]) -> str | None:
    try:
        return work(thing)
    except _FAULTS as error:
        log.error("SWEEP_FAILED", error=type(error).__name__, orderId=getattr(thing, "order_id", ""))
        return "failed"


@dataclass
class _Doubts:
    """Orders whose payment is still in doubt after this run, as far as it came: the newest are looked at first."""

    done: Counter[str]
    seconds: list[float] = field(default_factory=list)  # how long each has been

    def settle(self, order: Order) -> str | None:
        """Settle an order if it is time, and note it if that leaves its payment in doubt."""
        self.seconds.append(_age(order))  # also of one that fails
        after = reconcile.reconcile_if_due(order)
        if not after.awaits_payment or after.payment_status is PaymentStatus.REQUIRES_ACTION:
            self.seconds.pop()
        if after.status is OrderStatus.EXPIRED:
            return "expired"
        return None if after.status is OrderStatus.PENDING else "settled"

    def report(self) -> None:
        """Tell how many there are, and how long the oldest has been waiting; zeros are told too."""
        log.metric("PaymentInDoubt", len(self.seconds))
        log.metric("PaymentInDoubtAge", max(self.seconds, default=0), "Seconds")


def _age(order: Order) -> float:
    return (clock.now() - clock.parse(order.created_at)).total_seconds()


def _retry_parked(kept: tuple[ProviderEvent, str]) -> str | None:
    return "heard" if provider_messages.retry(*kept) else None
