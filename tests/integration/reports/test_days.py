"""Whatever happens when, in whatever zone: each sale and each refund is in the report of one day (F7)."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from heapq import heappop, heappush
from typing import Any

import msgspec
import pytest

from chalicelib.api.idempotency import NO_CLAIM
from chalicelib.aws import db, keys
from chalicelib.core import clock, days, settings
from chalicelib.core.deadline import Deadline
from chalicelib.core.errors import ShopError
from chalicelib.core.principal import Principal, Role
from chalicelib.orders import provider_returns, reconcile, settlement
from chalicelib.orders import service as orders
from chalicelib.orders import store as order_store
from chalicelib.orders.models import Order
from chalicelib.orders.schemas import OrderedItem, OrderRequest, RefundRequest
from chalicelib.payments import providers
from chalicelib.payments.models import AttemptState, Outcome
from chalicelib.payments.returns import DisputeStatus
from chalicelib.payments.schemas import PaymentMethod
from chalicelib.payments.simulator.behaviour import NotPossible
from chalicelib.reports import sales
from chalicelib.users.schemas import Address
from tests.support.books import Books, Paid
from tests.support.emulator import emulated
from tests.support.table import everything
from tools.recompute import refunds as recomputed
from tools.recompute.run import Run
from tools.testing.shop import Shop

pytestmark = pytest.mark.fault("F7")
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOME = Address(street="1 Main Street", city="Springfield", postal_code="12345", country="US")


@pytest.fixture(autouse=True)
def _settings(aws: None) -> Iterator[None]:
    emulated().stream_shard = None  # nobody listens
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


@pytest.fixture
def books(monkeypatch: pytest.MonkeyPatch) -> Books:
    """The shop is paid by a provider whose books are in memory."""
    kept = Books()
    monkeypatch.setattr(providers, "current", lambda: Paid(kept))
    return kept


def live_in(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TIME_ZONE", zone)
    settings.current.cache_clear()


def figures(day: str) -> tuple[int, int, int, int]:
    """What was placed and paid on a day, the total of that, and what went back on it, in the one currency there is."""
    found = sales.summarise(date.fromisoformat(day), deadline=Deadline(60)).currencies
    return (found[0].placed, found[0].paid, found[0].total, found[0].refunded) if found else (0, 0, 0, 0)


@dataclass
class Town:
    """People who buy and an admin, whose sessions last."""

    ada: Principal
    root: Principal
    products: dict[str, str]

    @classmethod
    def of(cls, shop: Shop) -> Town:
        root, ada = shop.admin(), shop.customer()
        products = {
            currency: root.product(name=currency, price=price, currency=currency, stock=100_000)["productId"]
            for currency, price in (("USD", 12.35), ("JPY", 1000), ("KWD", 3.335))
        }
        return cls(_lasting(ada, Role.CUSTOMER), _lasting(root, Role.ADMIN), products)

    def order(self, currency: str = "USD", units: int = 1, token: str = "tok_success") -> str:
        """The id of an order that was placed now, whatever came of it."""
        request = OrderRequest(
            items=[OrderedItem(product_id=self.products[currency], quantity=units)],
            shipping_address=HOME,
            payment_method=PaymentMethod(type="card", token=token),
        )
        return orders.place(request, buyer=self.ada, claim=NO_CLAIM).order_id

    def refund(self, order_id: str, amount: Decimal) -> None:
        orders.refund(order_id, RefundRequest(amount=amount), actor=self.root, claim=NO_CLAIM)

    def found(self, order_id: str) -> Order:
        order = order_store.get_owned(self.ada.user_id, order_id)
        assert order
        return order


def _lasting(who: Shop, role: Role) -> Principal:
    me = who("GET", "/auth/me").body
    (session,) = who("GET", "/sessions").body["sessions"]
    key = keys.session(me["userId"], session["sessionId"])
    db.commit(db.update(key, "SET expiresAt = :never", {":never": 2**40}))
    return Principal(user_id=me["userId"], email=me["email"], roles=(role,), session_id=session["sessionId"])


@pytest.fixture
def town(shop: Shop, books: Books) -> Iterator[Town]:
    with clock.fixed(NOON):
        yield Town.of(shop)


def test_a_refund_counts_on_the_day_on_which_it_was_made(town: Town) -> None:
    sold = town.order(units=2)
    before = figures("2026-11-20")

    with clock.fixed(NOON + timedelta(days=3)):
        town.refund(sold, Decimal("4.35"))
        orders.cancel(sold, town.root)

    assert before == figures("2026-11-20") == (1, 1, 2470, 0)
    assert figures("2026-11-23") == (0, 0, 0, 2470)


def test_refunds_from_before_there_were_days_of_them_get_theirs_by_a_recomputation(town: Town) -> None:
    sold = town.order()
    town.refund(sold, Decimal("4.35"))
    before = everything()
    for key, item in before.items():
        if key.sk.startswith(keys.refund("", "").sk):
            db.commit(db.put(key, {name: value for name, value in item.items() if not name.startswith("GSI2")}))
    assert figures("2026-11-20") == (1, 1, 1235, 0)

    runs = [Run(repairs=repairs, workers=1) for repairs in (False, True, True)]
    for run in runs:
        recomputed.recompute(run)

    assert [run.differing[recomputed.KIND] for run in runs] == [1, 1, 0]
    assert (figures("2026-11-20"), everything()) == ((1, 1, 1235, 435), before)


def test_a_sale_counts_on_the_day_on_which_its_money_came(town: Town) -> None:
    sold = town.order(token="tok_timeout")
    with clock.fixed(NOON + timedelta(days=2)):
        reconcile.reconcile(town.found(sold))

    assert figures("2026-11-20") == (1, 0, 0, 0)
    assert figures("2026-11-22") == (0, 1, 1235, 0)


def test_money_that_came_a_moment_after_midnight_counts_on_that_day_alone(town: Town) -> None:
    with clock.fixed(datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)):
        sold = town.order(token="tok_timeout")
    with clock.fixed(datetime(2026, 11, 21, 0, 4, tzinfo=UTC)):
        reconcile.reconcile(town.found(sold))

    assert [figures(f"2026-11-{day}") for day in (20, 21)] == [(1, 0, 0, 0), (0, 1, 1235, 0)]


def test_money_that_came_after_an_orders_end_counts_when_it_came_and_when_it_went_back(town: Town) -> None:
    with suppress(ShopError):
        town.order(token="tok_declined")
    (failed,), _ = order_store.list_of_user(town.ada.user_id, limit=10, after=None)
    taken = Outcome(state=AttemptState.CAPTURED, payment_id="pay_late", amount=1235, currency="USD")
    with clock.fixed(NOON + timedelta(days=1)):
        settlement.settle(failed, taken)

    assert figures("2026-11-20") == (1, 0, 0, 0)
    assert figures("2026-11-21") == (0, 1, 1235, 0)


def test_another_amount_counts_as_what_it_was(town: Town, books: Books) -> None:
    sold = town.order(token="tok_timeout")
    books.payments[f"{sold}:1"] = msgspec.structs.replace(books.payments[f"{sold}:1"], amount=1300)
    with clock.fixed(NOON + timedelta(days=1)):
        orders.cancel(sold, town.root)
        (of_all,) = sales.summarise(date(2026, 11, 21), deadline=Deadline(60)).currencies

    assert (of_all.placed, of_all.paid, of_all.gross, of_all.difference, of_all.total) == (0, 1, 1235, 65, 1300)
    assert (of_all.refunds, of_all.refunded, of_all.net) == (1, 1300, 0)


@pytest.mark.parametrize(
    ("zone", "first", "day"),
    [
        ("UTC", "2026-11-21T00:30:00Z", "2026-11-20"),
        ("America/New_York", "2026-11-21T05:30:00Z", "2026-11-20"),
        ("Asia/Kolkata", "2026-11-20T19:30:00Z", "2026-11-20"),
        ("Asia/Kathmandu", "2026-11-20T18:30:00Z", "2026-11-20"),
    ],
)
def test_a_day_is_told_at_the_first_look_when_it_has_been_over_for_a_quarter_of_an_hour(
    zone: str, first: str, day: str, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_in(zone, monkeypatch)
    at = datetime.fromisoformat(first)

    def told(hours: int) -> bool:
        moment = at + timedelta(hours=hours)
        with clock.fixed(moment):
            sales.run(at=clock.timestamp(moment), seconds=60)
        return db.get(keys.sales_report(day), consistent=True) is not None

    town.order()
    assert [told(-1), told(0)] == [False, True]
    assert (db.get(keys.sales_report(day), consistent=True) or {})["timeZone"] == zone


def test_a_shop_of_no_known_zone_says_so_and_writes_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    live_in("Mars/Olympus", monkeypatch)
    capsys.readouterr()

    assert sales.run(at="2026-11-21T00:30:00Z", seconds=60) == {"written": 0, "failed": 1}
    assert "SHOP_TIME_ZONE is 'Mars/Olympus', which names no time zone" in capsys.readouterr().out


ORDERS = 60
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")
CHANGES = ((2026, 3, 8), (2026, 3, 29), (2026, 10, 25), (2026, 11, 1), (2026, 12, 31))
TOKENS = ("tok_success",) * 6 + ("tok_authorized", "tok_declined", "tok_timeout", "tok_timeout", "tok_refund_fails")


@dataclass
class Year:
    """A year of buyers and admins who do anything at any time, mostly around the midnights of three zones."""

    town: Town
    books: Books
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    ahead: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def plan(self, at: datetime, action: Callable[[], None]) -> None:
        heappush(self.ahead, (at, next(self.numbers), action))

    def live(self) -> None:
        """Do all that was planned in its order, and what follows from it."""
        while self.ahead:
            at, _, action = heappop(self.ahead)
            self.moments.append(at)
            with clock.fixed(at), suppress(ShopError):
                action()

    def some_time(self) -> datetime:
        """Within an hour and a half of a midnight of the year."""
        month_day = self.chance.choice(CHANGES) if self.chance.random() < 0.3 else (2026, *self._some_day())
        midnight = datetime(*month_day, tzinfo=UTC) - timedelta(hours=self.chance.choice((2, 1, -4, -5, 5.5, 0)))
        return midnight + timedelta(seconds=self.chance.randrange(-5400, 5400))

    def buy(self) -> None:
        token, currency = self.chance.choice(TOKENS), self.chance.choice(("USD", "JPY", "KWD"))
        order_id = self.town.order(currency, self.chance.randrange(1, 5), token)
        if token == "tok_timeout" and self.chance.random() < 0.4:
            held = self.books.payments[f"{order_id}:1"]
            other = held.amount + self.chance.randrange(1, 500)
            self.books.payments[held.merchant_key] = msgspec.structs.replace(held, amount=other)
        if token == "tok_timeout":
            self.plan(self._later(4), lambda: self._settle(order_id))
        if self.chance.random() < 0.3:
            self.plan(self._later(60), lambda: self._at_the_provider(order_id))
        for _ in range(self.chance.randrange(3)):
            self.plan(self._later(90), lambda: self._give_back(order_id))

    def _be_told(self, order_id: str) -> None:
        provider_returns.take_over(self.town.found(order_id))

    def _at_the_provider(self, order_id: str) -> None:
        """Somebody refunds there, or the buyer disputes and the bank decides later; the shop hears of each."""
        provider, key = Paid(self.books), f"{order_id}:1"
        with suppress(NotPossible):
            if self.chance.random() < 0.5:
                provider.refund_there(key, self.chance.randrange(1, 900))
            else:
                provider.dispute(key, self.chance.randrange(1, 900))
                self.plan(self._later(60), lambda: self._decide(order_id))
            self._be_told(order_id)

    def _decide(self, order_id: str) -> None:
        Paid(self.books).close_dispute(f"{order_id}:1", self.chance.choice((DisputeStatus.LOST, DisputeStatus.WON)))
        self._be_told(order_id)

    def _some_day(self) -> tuple[int, int]:
        return self.chance.randrange(1, 13), self.chance.choice((1, 5, 9, 17, 25))

    def _later(self, most: int) -> datetime:
        """Some days later at most, and often a moment after midnight."""
        return clock.now() + timedelta(days=self.chance.randrange(most), seconds=self.chance.randrange(1, 7200))

    def _settle(self, order_id: str) -> None:
        order = reconcile.reconcile(self.town.found(order_id))
        if order.awaits_payment:
            orders.cancel(order_id, self.town.root)

    def _give_back(self, order_id: str) -> None:
        if self.chance.random() < 0.3:
            orders.cancel(order_id, self.town.root)
            return
        order = self.town.found(order_id)
        self.town.refund(order_id, order.decimal(self.chance.randint(1, max(order.refundable, 1))))


def ledger(books: Books) -> dict[str, tuple[int, int]]:
    """What the provider has taken and given back, by currency."""
    taken: Counter[str] = Counter()
    back: Counter[str] = Counter()
    for payment in books.payments.values():
        if payment.state in ("captured", "partially_refunded", "refunded"):
            taken[payment.currency] += payment.amount
        back[payment.currency] += sum(each.amount for each in payment.disputes if each.status == "lost")
    for refund in books.refunds.values():
        if refund.state == "succeeded":
            back[refund.currency] += refund.amount
    return {currency: (taken[currency], back[currency]) for currency in taken}


def reported(first: date, last: date) -> tuple[dict[str, tuple[int, int]], int]:
    """What all reports say was taken and given back, by currency, and how many orders were placed."""
    taken: Counter[str] = Counter()
    back: Counter[str] = Counter()
    placed, day = 0, first
    while day <= last:
        for each in sales.summarise(day, deadline=Deadline(600)).currencies:
            taken[each.currency] += each.total
            back[each.currency] += each.refunded
            placed += each.placed
        day = days.after(day)
    return {currency: (taken[currency], back[currency]) for currency in taken}, placed


@contextmanager
def read_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is written any more: read each partition of the index once, and answer every query of it from that.

    The emulator looks through its whole table for each of the thirteen thousand.
    """
    real, known = db.query, {}

    def query(index: db.Index, pk: str, *, limit: int, after: str | None = None, since: str = "", **_: Any) -> db.Page:
        if (index, pk) not in known:
            known[index, pk] = list(
                db.every(lambda behind: tuple(real(index, pk, limit=1000, after=behind, newest_first=True)))
            )
        fitting = [item for item in known[index, pk] if since <= item[index.sk] < (after or "~")]
        return db.Page(fitting[:limit], fitting[limit - 1][index.sk] if len(fitting) > limit else None)

    with monkeypatch.context() as changed:
        changed.setattr(db, "query", query)
        yield


def test_the_sum_over_the_days_of_a_year_is_what_the_providers_ledger_says_in_three_zones(
    town: Town, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = Year(town, books)
    for _ in range(ORDERS):
        year.plan(year.some_time(), year.buy)
    year.live()

    with read_once(monkeypatch):
        for zone in ZONES:
            live_in(zone, monkeypatch)
            told, placed = reported(
                days.of(clock.timestamp(min(year.moments))), days.of(clock.timestamp(max(year.moments)))
            )
            assert (told, placed) == (ledger(books), ORDERS), zone

    assert min(amount for each in ledger(books).values() for amount in each) > 0
    assert len(books.refunds) > 20
    assert sum(len(payment.disputes) for payment in books.payments.values()) > 2
