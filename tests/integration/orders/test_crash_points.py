"""A process that dies at any call to the outside, before or after its effect, leaves nothing half done (C3 to C8, I6).

Every call to DynamoDB and to the payment provider is a point to die at. After each death the caller asks again, the
schedule runs for as long as something is in doubt, and the books of shop and provider must agree.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest import mock

import msgspec
import pytest
from _pytest.outcomes import Failed

from chalicelib.core import clock
from chalicelib.orders import sweep
from chalicelib.payments import port, providers
from chalicelib.payments.models import AttemptState, ProviderEvent
from chalicelib.payments.returns import DisputeStatus
from chalicelib.payments.simulator import ledger, webhook_messages
from tests.support import books, times
from tests.support.emulator import emulated, saved
from tests.support.faults import Crash, Fault, crash, injected
from tests.support.payments import SECRET, keep_secret
from tests.support.table import everything
from tools.testing.shop import Shop, ShopAnswer

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

BEGIN = times.STANDARD


class CrashWorld:
    """A shop with a full cart and a coupon, whose whole state can be brought back."""

    def __init__(self, shop: Shop) -> None:
        self.admin, self.ada = shop.admin(), shop.customer()
        self.mug, self.tea = (
            str(self.admin.product(name=n, price=p)["productId"]) for n, p in (("Mug", 12.5), ("Tea", 5))
        )
        self.admin.coupon("TEN", perUserLimit=1)
        for product, quantity in ((self.mug, 2), (self.tea, 1)):
            assert self.ada("POST", "/cart/items", {"productId": product, "quantity": quantity}).status == 201
        self.books = books.Undisputed()
        self.order_id = ""
        self.events: list[ProviderEvent] = []
        emulated().stream_shard = None  # nobody listens

    def checkout(self, token: str = "tok_success", *items: tuple[str, int]) -> ShopAnswer:
        """Order the cart, or some of what is in it, with the coupon."""
        answer = self.ada.order(*items, token=token, couponCode="TEN", Idempotency_Key="k")
        self.order_id = answer.body.get("orderId", self.order_id)
        return answer

    @property
    def path(self) -> str:
        """Where the order is."""
        return f"/orders/{self.order_id}"

    @property
    def payment(self) -> ledger.PaymentRow:
        """The order's row in the provider's books."""
        return self.books.payments[f"{self.order_id}:1"]

    def tell(self, event: ProviderEvent) -> None:
        """Have the provider send that message, from now on the same one."""
        self.events = [event]

    def hear(self) -> ShopAnswer:
        """The provider's message, signed afresh."""
        body = webhook_messages.write(self.events[0])
        return self.ada(
            "POST",
            "/payments/webhook",
            raw=body.decode(),
            **webhook_messages.signed_headers(body, SECRET, clock.epoch()),
        )

    def save(self) -> Callable[[], None]:
        """What brings back the present state."""
        restore_table, kept = saved(), copy.deepcopy(vars(self.books))

        def restore() -> None:
            restore_table()
            vars(self.books).update(copy.deepcopy(kept))

        return restore

    @contextmanager
    def failing(self, fault: Fault) -> Iterator[None]:
        """All calls to the outside go through the fault."""
        faulty = books.Outside(books.Paid(self.books), fault)
        with injected(fault), mock.patch.object(providers, "current", return_value=faulty):
            yield

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """The provider does what it is asked, and nobody hears of it."""
        with mock.patch.object(providers, "current", return_value=books.Mute(books.Paid(self.books))):
            yield


@dataclass(frozen=True)
class Scenario:
    """What somebody does, what went before, and where the order may end; `minutes` is when it is done.

    `left` is how much stays in the cart when the order took its part.
    """

    act: Callable[[CrashWorld], Any]
    ends: set[tuple[str, str]]
    before: Callable[[CrashWorld], Any] = lambda _: None
    minutes: int = 0
    was_declined: bool = False
    left: int = 0


def checkout(token: str) -> Callable[[CrashWorld], ShopAnswer]:
    return lambda world: world.checkout(token)


def some(token: str) -> Callable[[CrashWorld], ShopAnswer]:
    """Order one of the two mugs that are in the cart, and one more tea than is in it."""
    return lambda world: world.checkout(token, (world.mug, 1), (world.tea, 2))


def cancel(world: CrashWorld) -> ShopAnswer:
    return world.ada("PUT", f"{world.path}/cancel")


def refund(**body: Any) -> Callable[[CrashWorld], ShopAnswer]:
    return lambda world: world.admin("POST", f"{world.path}/refunds", body, Idempotency_Key="r")


def refund_line(world: CrashWorld) -> ShopAnswer:
    return refund(items=[{"productId": world.mug, "quantity": 1}])(world)


def schedule(_: CrashWorld) -> None:
    sweep.run(seconds=60)


def read(world: CrashWorld) -> ShopAnswer:
    return world.ada("GET", world.path)


def authorized(world: CrashWorld) -> None:
    """The payment is authorised, and taking it had no answer."""
    with mock.patch.object(books.Paid, "capture", side_effect=port.NoAnswer):
        assert world.checkout("tok_authorized").body["paymentStatus"] == "authorized"


def told(
    token: str, order: Callable[[str], Callable[[CrashWorld], ShopAnswer]] = checkout
) -> Callable[[CrashWorld], None]:
    """The order is in doubt, and the provider has a message about it."""

    def before(world: CrashWorld) -> None:
        assert order(token)(world).status == 202
        row = world.books.payments.get(f"{world.order_id}:1")
        if row is None:
            row = msgspec.structs.replace(
                PAID_LATE, merchant_key=f"{world.order_id}:1", order_id=world.order_id,
                state=AttemptState.FAILED, reason="card_declined",
            )  # fmt: skip
        world.tell(ledger.payment_event(row))

    return before


def told_authorized(world: CrashWorld) -> None:
    """The payment is authorised, and the shop's process died before it heard so."""
    authorized(world)
    world.tell(ledger.payment_event(world.payment))


def completed(world: CrashWorld) -> None:
    """The buyer has done what the payment needed, and nobody has told."""
    world.checkout("tok_requires_action")
    books.Paid(world.books).complete(f"{world.order_id}:1")


def refund_unheard(world: CrashWorld) -> None:
    """The provider has given back, the answer was lost, and now it sends a message."""
    world.checkout()
    with world.unheard():
        assert refund(amount=7)(world).status == 202
    (row,) = world.books.refunds.values()
    world.tell(ledger.refund_event(row))


def refunded_there(world: CrashWorld) -> None:
    """Somebody has refunded at the provider, which sends a message of it."""
    world.checkout()
    books.Paid(world.books).refund_there(f"{world.order_id}:1", 700)
    world.tell(ledger.return_event(world.payment, 700))


def dispute_lost(world: CrashWorld) -> None:
    """A dispute was lost before anybody heard of it, and some was refunded as well."""
    refunded_there(world)
    books.Paid(world.books).dispute(f"{world.order_id}:1", 500)
    books.Paid(world.books).close_dispute(f"{world.order_id}:1", DisputeStatus.LOST)


def paid_late(world: CrashWorld) -> None:
    """The order was given up, and the charge came after all."""
    told("tok_timeout_before")(world)
    for minutes in (3, 7):
        with clock.fixed(BEGIN + timedelta(minutes=minutes)):
            sweep.run(seconds=60)
    row = msgspec.structs.replace(PAID_LATE, merchant_key=f"{world.order_id}:1", order_id=world.order_id)
    row = msgspec.structs.replace(row, payment_id=ledger.payment_id_of(row.merchant_key))
    world.books.open(row, ledger.new_call("charge", row.merchant_key, row.amount, row.currency, effect=row.state))
    world.tell(ledger.payment_event(row))


def free(world: CrashWorld) -> None:
    """What the buyer wants costs nothing."""
    sample = world.admin.product(name="Sample", price=0)["productId"]
    world.ada("DELETE", "/cart")
    world.ada("POST", "/cart/items", {"productId": sample, "quantity": 1})
    world.mug = sample


NEVER_CALLED = ("cancelled", "failed")  # it died before the provider heard of the charge
PAID, DECLINED, VOIDED, BACK = (
    ("processing", "paid"),
    ("cancelled", "failed"),
    ("cancelled", "voided"),
    ("cancelled", "refunded"),
)
PARTLY = ("processing", "partially_refunded")
PAID_LATE = ledger.PaymentRow(
    merchant_key="", order_id="", payment_id="", amount=2700, currency="USD", state=AttemptState.CAPTURED
)

SCENARIOS = {
    "checkout tok_success": Scenario(checkout("tok_success"), {PAID, NEVER_CALLED}),
    "checkout tok_declined": Scenario(checkout("tok_declined"), {DECLINED}),
    "checkout tok_timeout": Scenario(checkout("tok_timeout"), {PAID, NEVER_CALLED}),
    "checkout tok_timeout_before": Scenario(checkout("tok_timeout_before"), {NEVER_CALLED}),
    "checkout tok_authorized": Scenario(checkout("tok_authorized"), {PAID, NEVER_CALLED}),
    "checkout tok_requires_action": Scenario(checkout("tok_requires_action"), {("expired", "voided"), NEVER_CALLED}),
    "checkout free": Scenario(checkout("tok_success"), {("processing", "none")}, before=free),
    "checkout some": Scenario(some("tok_success"), {PAID, NEVER_CALLED}, left=1),
    "checkout some declined": Scenario(some("tok_declined"), {DECLINED}, left=1),
    "checkout some waiting": Scenario(some("tok_requires_action"), {("expired", "voided"), NEVER_CALLED}, left=1),
    "cancel paid": Scenario(cancel, {BACK}, before=checkout("tok_success")),
    "cancel after a refund": Scenario(cancel, {BACK}, before=lambda w: (w.checkout(), refund_line(w))),
    "cancel authorised": Scenario(cancel, {VOIDED}, before=authorized),
    "cancel waiting": Scenario(cancel, {VOIDED}, before=checkout("tok_requires_action")),
    "cancel completed": Scenario(cancel, {BACK}, before=completed),
    "cancel free": Scenario(cancel, {("cancelled", "none")}, before=lambda w: (free(w), w.checkout())),
    "cancel refused": Scenario(cancel, {("cancelled", "paid")}, before=checkout("tok_refund_fails")),
    "refund amount": Scenario(refund(amount=7), {PARTLY}, before=checkout("tok_success")),
    "refund line": Scenario(refund_line, {PARTLY}, before=checkout("tok_success")),
    "refund all": Scenario(refund(), {("processing", "refunded")}, before=checkout("tok_success")),
    "refund refused": Scenario(refund(amount=7), {PAID}, before=checkout("tok_refund_fails")),
    "webhook authorised": Scenario(CrashWorld.hear, {PAID}, before=told_authorized),
    "webhook captured": Scenario(CrashWorld.hear, {PAID}, before=told("tok_timeout")),
    "webhook failed": Scenario(CrashWorld.hear, {DECLINED}, before=told("tok_timeout_before")),
    "webhook some failed": Scenario(CrashWorld.hear, {DECLINED}, before=told("tok_timeout_before", some), left=1),
    "webhook refund": Scenario(CrashWorld.hear, {PARTLY}, before=refund_unheard),
    "webhook of a refund there": Scenario(CrashWorld.hear, {PARTLY}, before=refunded_there),
    "webhook of a lost dispute": Scenario(CrashWorld.hear, {PARTLY}, before=dispute_lost),
    "webhook too late": Scenario(CrashWorld.hear, {BACK}, before=paid_late, minutes=10, was_declined=True),
    "sweep captured": Scenario(schedule, {PAID}, before=told("tok_timeout"), minutes=3),
    "sweep never received": Scenario(schedule, {NEVER_CALLED}, before=told("tok_timeout_before"), minutes=7),
    "sweep authorised": Scenario(schedule, {PAID}, before=authorized, minutes=3),
    "sweep completed": Scenario(schedule, {PAID}, before=completed, minutes=3),
    "sweep refund": Scenario(schedule, {PARTLY}, before=refund_unheard, minutes=3),
    "sweep expiry": Scenario(schedule, {("expired", "voided")}, before=checkout("tok_requires_action"), minutes=16),
    "read expiry": Scenario(read, {("expired", "voided")}, before=checkout("tok_requires_action"), minutes=16),
    "read completed too late": Scenario(read, {PAID}, before=completed, minutes=16),
}


@pytest.fixture
def world(shop: Shop) -> Iterator[CrashWorld]:
    keep_secret({"webhookSecret": SECRET})
    with clock.fixed(BEGIN):
        made = CrashWorld(shop)
        with mock.patch.object(providers, "current", return_value=books.Paid(made.books)):
            yield made


@pytest.mark.parametrize("name", SCENARIOS)
def test_death_at_any_call_leaves_nothing_half_done(
    world: CrashWorld, name: str, record_property: Callable[[str, object], None]
) -> None:
    scenario = SCENARIOS[name]
    scenario.before(world)
    restore, calls = world.save(), count(world, scenario)

    for number in range(1, calls + 1):
        for after in (False, True):
            restore()
            try:
                with at(scenario.minutes), world.failing(crash(number, after=after)), pytest.raises(Crash):
                    scenario.act(world)
                recover(world, scenario)
            except (AssertionError, Failed) as error:
                error.add_note(f"died {'after' if after else 'before'} call {number} of {calls}")
                raise

    record_property("crash points", 2 * calls)
    POINTS[name] = 2 * calls


TWICE = (
    "checkout tok_success",
    "checkout some declined",
    "cancel paid",
    "refund line",
    "webhook too late",
    "sweep expiry",
)


@pytest.mark.parametrize("name", TWICE)
def test_a_second_death_when_it_is_taken_up_again_leaves_nothing_half_done(world: CrashWorld, name: str) -> None:
    scenario, dice = SCENARIOS[name], random.Random(name)
    scenario.before(world)
    restore, calls = world.save(), count(world, scenario)

    for _ in range(6):
        first, second, by_schedule = dice.randint(1, calls), dice.randint(1, calls), dice.random() < 0.5
        restore()
        try:
            with at(scenario.minutes), world.failing(crash(first, after=dice.random() < 0.5)), suppress(Crash):
                scenario.act(world)
            again = schedule if by_schedule else scenario.act
            with at(scenario.minutes + 1.1), world.failing(crash(second, after=dice.random() < 0.5)), suppress(Crash):
                again(world)
            recover(world, replace(scenario, minutes=scenario.minutes + 2))
        except (AssertionError, Failed) as error:
            error.add_note(f"died at {first}, and then at {second} of {'the schedule' if by_schedule else 'the same'}")
            raise


POINTS: dict[str, int] = {}


def test_there_were_hundreds_of_points_to_die_at(capsys: pytest.CaptureFixture[str]) -> None:
    total = sum(POINTS.values())
    with capsys.disabled():
        print(f"\n{total} crash points in {len(POINTS)} of {len(SCENARIOS)} scenarios")  # noqa: T201

    assert len(POINTS) < len(SCENARIOS) or total >= 400


def count(world: CrashWorld, scenario: Scenario) -> int:
    """How many calls to the outside there are when nothing dies."""
    calls = 0

    def fault(_operation: str, _request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        nonlocal calls
        calls += 1
        return go_on()

    with at(scenario.minutes), world.failing(fault):
        scenario.act(world)
    return calls


@contextmanager
def at(minutes: float) -> Iterator[None]:
    with clock.fixed(BEGIN + timedelta(minutes=minutes)):
        yield


def recover(world: CrashWorld, scenario: Scenario) -> None:
    """Ask again at once and when the first request counts as dead, let the schedule work, ask again, and audit."""
    answers = []
    for seconds in (0, 61):
        with at(scenario.minutes + seconds / 60):
            answers.append(scenario.act(world))
    for minutes in (2, 4, 8, 16, 32, 64, 130):
        if minutes == 4 or books.in_doubt(everything()):
            with at(scenario.minutes + minutes):
                assert sweep.run(seconds=60)["failed"] == 0
    with at(scenario.minutes + 2):
        answers.append(scenario.act(world))
        if answers[-1] and "Idempotent-Replayed" not in answers[-1].headers:
            answers.append(scenario.act(world))
    agree([answer for answer in answers if answer])
    books.audit(world.books, {world.mug: 10, world.tea: 10})
    compare_end(world, scenario)


def agree(answers: list[ShopAnswer]) -> None:
    """What the caller heard fits together: no failure, one order, and the same bytes once it was over."""
    heard = [answer for answer in answers if not (answer.status == 409 and "request_in_progress" in answer.text)]
    assert all(answer.status < 500 for answer in answers), answers
    assert len({(answer.status, answer.text) for answer in heard[-2:]}) <= 1, heard[-2:]
    assert len({answer.body["orderId"] for answer in heard if answer.text}) <= 1, heard
    recorded = [answer for answer in heard if "Idempotent-Replayed" in answer.headers]
    assert len({(answer.status, answer.text) for answer in recorded}) <= 1, recorded


def compare_end(world: CrashWorld, scenario: Scenario) -> None:
    """There is one order, and it and the cart are where they may be."""
    (order,) = world.ada("GET", "/orders").body["orders"]
    end = (order["status"], order["paymentStatus"])
    assert end in scenario.ends
    in_cart = sum(item["quantity"] for item in world.ada("GET", "/cart").body["items"])
    assert in_cart == (3 if end == DECLINED or scenario.was_declined else scenario.left)
