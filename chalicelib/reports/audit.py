"""The store audit (S5): what must add up, recomputed from the records that nothing else is computed from.

For every product: what came in by movements, less what is in live orders, is what is in stock. For every order: what
it says was paid and refunded is what the payment provider's books say. And for every message of the provider that
money moved: its order is known.

Sales go on meanwhile. So a product counts only if its stock did not change while the orders were read, and a drift
only if a second look finds the same one: an index may be a moment behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import timedelta

from chalicelib.aws import db
from chalicelib.core import clock, log
from chalicelib.core.deadline import Deadline, OutOfTime
from chalicelib.orders import store as order_store
from chalicelib.orders.models import Order
from chalicelib.orders.states import OrderStatus
from chalicelib.payments import service as payments
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import AttemptState, ProviderEventKind, RefundState
from chalicelib.products import store as product_store
from chalicelib.products.models import Product
from chalicelib.reports import store
from chalicelib.reports.models import Drift, DriftKind, Report

_PAGE_SIZE = 100
_LOOK_BACK = timedelta(days=35)
_GONE = (OrderStatus.CANCELLED, OrderStatus.EXPIRED)
_MAY_LAG = timedelta(minutes=10)  # an order's index, and the schedule that hears its message again
_TAKEN = (AttemptState.CAPTURED, AttemptState.PARTIALLY_REFUNDED, AttemptState.REFUNDED)
_MOVED = (*_TAKEN, AttemptState.AUTHORIZED, RefundState.SUCCEEDED)


def run(*, seconds: float) -> Report:
    """Audit the whole store, for at most about that long, and keep the report; an unfinished one says so.

    Money has half of the time at most, and begins where the last audit had to stop, so that every order has its turn.
    """
    deadline, last = Deadline(seconds), store.get_latest()
    money_deadline = deadline.within(seconds / 2)
    found: list[Drift] = []
    counted: Counter[str] = Counter()
    stopped_at, had_time = last.stopped_at if last else None, False
    with suppress(OutOfTime):
        orders = list(_orders(deadline))
        counted["orders"] = len(orders)
        stopped_at = _audit_money(orders, found, counted, money_deadline, after=stopped_at)
        found += _of_unknown_orders()
        found += _confirmed_stock_drifts(orders, counted, deadline)
        had_time = stopped_at is None
    report = Report(
        at=clock.timestamp(), complete=had_time and not counted["unanswered"], products=counted["products"],
        orders=counted["orders"], undecided=counted["undecided"], unanswered=counted["unanswered"],
        stopped_at=stopped_at, drifts=found,
    )  # fmt: skip
    store.create(report)
    _announce(report)
    return report


def _announce(report: Report) -> None:
    """Log and count what people have to look at."""
    log.info("STORE_AUDITED", complete=report.complete, products=report.products, orders=report.orders)
    for drift in report.drifts:
        log.error("STORE_DRIFT", kind=drift.kind, subject=drift.subject, expected=drift.expected, found=drift.found)
    if report.unanswered:
        log.error("STORE_AUDIT_UNANSWERED", unanswered=report.unanswered)
    log.metric("StoreDrift", len(report.drifts))
    log.metric("StoreAuditUnanswered", report.unanswered)


def get_latest() -> Report | None:
    """The report of the last audit."""
    return store.get_latest()


def _orders(deadline: Deadline) -> Iterator[Order]:
    """Every order once, however it moved between the lists while they were read."""
    seen: dict[str, Order] = {}

    def read(after: str | None) -> tuple[list[Order], str | None]:
        deadline.require()
        return order_store.list_by_status(None, limit=_PAGE_SIZE, after=after)

    for order in db.every(read):
        if order.version >= seen.get(order.order_id, order).version:
            seen[order.order_id] = order
    yield from seen.values()


def _confirmed_stock_drifts(orders: list[Order], counted: Counter[str], deadline: Deadline) -> list[Drift]:
    """The products whose stock is twice not what their records say."""
    wanted = set(_products(deadline)) | {line.product_id for order in orders for line in order.lines}
    counted["products"] = len(wanted)
    first, undecided = _stock_drifts(wanted, deadline)
    counted["undecided"] = len(undecided)
    if not first:
        return []
    second, _ = _stock_drifts({drift.subject for drift in first}, deadline)
    return [drift for drift in first if drift in second]


def _stock_drifts(product_ids: Iterable[str], deadline: Deadline) -> tuple[list[Drift], set[str]]:
    """The products whose stock is not what their records say, and those that were sold while we looked."""
    accounts = {}
    for product_id in product_ids:
        deadline.require()
        if account := product_store.get_account(product_id):
            accounts[product_id] = account
    sold = _live_units(_orders(deadline))
    versions = product_store.get_stock_versions(accounts)
    steady = {each for each, account in accounts.items() if versions.get(each) == account.stock_version}
    drifts = [
        Drift(kind=DriftKind.STOCK, subject=each, expected=account.moved - sold[each], found=account.stock)
        for each, account in accounts.items()
        if each in steady and account.moved - sold[each] != account.stock
    ]
    return drifts, accounts.keys() - steady


def _live_units(orders: Iterable[Order]) -> Counter[str]:
    units: Counter[str] = Counter()
    for order in orders:
        if order.status not in _GONE:
            units.update({line.product_id: line.quantity for line in order.lines})
    return units


def _in_turn(orders: list[Order], after: str | None) -> list[Order]:
    """The orders from the oldest on, beginning behind the one of that id."""
    return sorted(orders, key=lambda order: (order.order_id <= (after or ""), order.order_id))


def _audit_money(
    orders: list[Order], found: list[Drift], counted: Counter[str], deadline: Deadline, *, after: str | None
) -> str | None:
    """Find the drifts of money of each order; gives the last one that there was time for, None when that was all."""
    judged = after or ""
    try:
        for order in _in_turn(orders, after):
            found += _confirmed_money_drifts(order, counted, deadline)
            judged = order.order_id
    except OutOfTime:
        return judged
    return None


def _confirmed_money_drifts(order: Order, counted: Counter[str], deadline: Deadline) -> Iterator[Drift]:
    """What an order of late says of its money, against the provider's books; its silence is counted, and no drift.

    The order was read a while ago: a drift is only what a look at it as it is now finds as well.
    """
    if not order.total or order.awaits_payment or order.updated_at < clock.ago(_LOOK_BACK):
        return
    deadline.require()
    first = list(_money_drifts(order, counted))
    second = (
        list(_money_drifts(order_store.get_owned(order.user_id, order.order_id) or order, counted)) if first else []
    )
    yield from (drift for drift in first if drift in second)


def _money_drifts(order: Order, counted: Counter[str]) -> Iterator[Drift]:
    outcome = payments.look_up(order.first_attempt())
    has_returns = bool(order.refunded or order.reserved or order.disputes or (outcome and outcome.has_returns))
    if outcome and outcome.state is AttemptState.UNKNOWN:
        counted["unanswered"] += 1
    else:
        paid, taken = order.taken if order.is_paid else 0, 0
        if outcome and outcome.state in _TAKEN:
            taken = order.taken if outcome.amount is None else outcome.amount
        if paid != taken:
            yield Drift(kind=DriftKind.PAYMENT, subject=order.order_id, expected=paid, found=taken)
    if has_returns and order.payment_id:
        yield from _refund_drifts(order, order.payment_id, counted)


def _refund_drifts(order: Order, payment_id: str, counted: Counter[str]) -> Iterator[Drift]:
    """What is gone by refunds and lost disputes, whoever asked for them, unless a refund is under way."""
    try:
        said = payments.look_up_returns(payment_id)
    except payments.ProviderSilent:
        counted["unanswered"] += 1
        return
    if order.refunded != said.total and said.is_settled and not _has_pending(order):
        yield Drift(kind=DriftKind.REFUND, subject=order.order_id, expected=order.refunded, found=said.total)


def _of_unknown_orders() -> Iterator[Drift]:
    """Money that moved at the provider's word for orders that nobody knows, once each; of very many messages some."""
    told: dict[str, Drift] = {}
    messages = [*order_store.list_parked(limit=_PAGE_SIZE), *order_store.list_parked(limit=_PAGE_SIZE, given_up=True)]
    for event, parked_at in messages:
        is_payment = event.kind is ProviderEventKind.PAYMENT
        outcome = event.outcome if is_payment else event.refund
        if outcome and outcome.state in _MOVED and parked_at < clock.ago(_MAY_LAG):
            name = event.merchant_key or event.refund_id or event.event_id
            kind = DriftKind.UNKNOWN_PAYMENT if is_payment else DriftKind.UNKNOWN_REFUND
            told[name] = Drift(kind=kind, subject=name, expected=0, found=event.amount)
    yield from told.values()


def _has_pending(order: Order) -> bool:
    """Is the end of one of the shop's own refunds not known yet?"""
    rows = db.every(lambda after: payment_store.list_refunds(order.order_id, limit=_PAGE_SIZE, after=after))
    return any(row.state is RefundState.PENDING for row in rows)


def _products(deadline: Deadline) -> Iterator[str]:
    def read(after: str | None) -> tuple[list[Product], str | None]:
        deadline.require()
        return product_store.list_page(product_store.all_products(active=None), limit=_PAGE_SIZE, after=after)

    yield from (product.product_id for product in db.every(read))
