"""What the order machine stands on: a provider with books in memory, a world that is quickly begun anew, and an
auditor who looks at every single commit.

The tables of what may follow what are written down here once more, after the rules and not after the code.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import jwt
import pytest
from botocore.exceptions import ReadTimeoutError
from ulid import ULID

from chalicelib.auth import store as session_store
from chalicelib.aws import db, keyring, keys
from chalicelib.core import clock, ids, settings
from chalicelib.payments import port, providers
from chalicelib.payments.models import AttemptState, ProviderEvent
from chalicelib.payments.simulator import ledger, webhook_messages
from chalicelib.payments.simulator.behaviour import Simulation
from chalicelib.payments.simulator.ledger import PaymentRow
from tests.support.books import Books
from tests.support.emulator import emulated, saved
from tests.support.faults import Crash, injected
from tests.support.machine.rules import Item
from tests.support.payments import SECRET, keep_secret
from tools.testing.shop import Shop, ShopAnswer

BEGIN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
COUPONS = {
    "TEN": {"percent": 10, "totalLimit": 1},
    "GIFT": {"percent": 100, "totalLimit": 2},
    "OFF20": {"kind": "fixed", "amount": 20, "currency": "USD", "totalLimit": 3, "perUserLimit": 1},
}
PRODUCTS = {
    "mug": {"price": 12.5, "stock": 6},
    "tea": {"price": 3.33, "stock": 12},
    "sample": {"price": 0, "stock": 4},
    "fan": {"price": 500, "currency": "JPY", "stock": 5},
}


class Bank(Simulation):
    """The simulator over books in memory; its webhooks are kept for the machine to deliver."""

    def read_event(self, body: bytes, headers: Mapping[str, str], now: int) -> ProviderEvent | None:
        return webhook_messages.read(body, headers, now)


@dataclass
class Trouble:
    """What goes wrong at the call of that number to the table or to the provider."""

    kind: str  # "dies before", "dies after", "never sent", "unheard"; with "provider " its calls alone count
    number: int
    struck: bool = False

    def __repr__(self) -> str:
        return f"{self.kind} {self.number}"

    def around(self, go_on: Callable[[], Any], silence: Callable[[], Exception]) -> Any:
        self.number -= 1
        if self.number != 0:
            return go_on()
        self.struck = True
        if self.kind in ("dies after", "unheard", "provider unheard"):
            go_on()
        raise Crash if self.kind.startswith("dies") else silence()


@dataclass
class Told:
    """A message that the provider has for the shop, and whether the shop has said that it got it."""

    event: ProviderEvent
    received: bool = False


@dataclass
class World:
    """The shop, its people and its provider; `now` is what the clock says."""

    shop: Shop
    people: dict[str, Shop]
    products: dict[str, str]
    user_ids: dict[str, str]
    restore: Callable[[], None]
    base_number: int
    now: datetime = BEGIN
    books: Books = field(default_factory=Books)
    told: list[Told] = field(default_factory=list)
    trouble: Trouble | None = None
    meanwhile: Callable[[str, str, Any], None] | None = None  # told when, at what, and about which attempt or refund
    at_call: int = 0  # or before the call to the table of that number
    number: int = 0

    @classmethod
    def made(cls, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> World:
        """The world before anybody has bought anything."""
        world = cls(shop, {}, {}, {}, lambda: None, 0)
        monkeypatch.setattr(ids, "new", world._new_id)
        monkeypatch.setattr(clock, "pause", lambda _: None)
        monkeypatch.setattr(providers, "current", lambda: _Line(world))
        emulated().stream_shard = None
        keep_secret({"webhookSecret": SECRET})
        with clock.fixed(BEGIN):
            world.people = {name: _for_good(shop.customer(f"{name}@example.com")) for name in ("ada", "bob")}
            admin = world.people["admin"] = _for_good(shop.admin())
            world.products = {name: admin.product(name=name, **more)["productId"] for name, more in PRODUCTS.items()}
            world.user_ids = {name: each("GET", "/auth/me").body["userId"] for name, each in world.people.items()}
            for code, terms in COUPONS.items():
                admin.coupon(code, **terms)
            monkeypatch.setattr(
                session_store, "get", functools.cache(session_store.get)
            )  # the machine is not about sessions
            monkeypatch.setattr(session_store, "is_open", lambda *_: True)
        world.restore, world.base_number = saved(), world.number
        return world

    def begin(self) -> None:
        """Back to the beginning."""
        self.restore()
        self.number, self.now = self.base_number, BEGIN
        self.books, self.told, self.trouble, self.meanwhile, self.at_call = Books(), [], None, None, 0

    @property
    def bank(self) -> Bank:
        return Bank(self.books, lambda event: self.told.append(Told(event)))

    def name(self, product_id: str) -> str:
        return next(name for name, each in self.products.items() if each == product_id)

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> ShopAnswer | None:
        """One request of somebody, None when the process died over it."""
        return self.attempt(lambda: (self.people[who] if who else self.shop)(method, path, body, **headers))

    def attempt(self, work: Callable[[], Any]) -> Any:
        """Let the shop work, at the machine's time and with its trouble; None when the process died over it."""
        with clock.fixed(self.now):
            if self.trouble is None and not self.at_call:
                return work()
            try:
                with injected(lambda _operation, _request, go_on: self._around(go_on)):
                    return work()
            except Crash:
                return None
            finally:
                self.trouble, self.at_call = None, 0

    def deliver(self, told: Told) -> ShopAnswer | None:
        """One signed webhook, sent now."""
        body = webhook_messages.write(told.event)
        headers = webhook_messages.signed_headers(body, SECRET, int(self.now.timestamp()))
        answer: ShopAnswer | None = self.attempt(
            lambda: self.shop("POST", "/payments/webhook", raw=body.decode(), **headers)
        )
        told.received = told.received or (answer is not None and answer.status < 300)
        return answer

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """What happens in between happens without trouble of its own."""
        trouble, self.trouble, self.meanwhile, self.at_call = self.trouble, None, None, 0
        try:
            yield
        finally:
            self.trouble = trouble

    def at_provider(self, operation: str, call: Callable[..., Any], *arguments: Any) -> Any:
        """One call to the provider, with what happens shortly before it and before its answer arrives."""
        self._then("before", operation, arguments[0])

        def go_on() -> Any:
            answer = call(*arguments)
            self._then("after", operation, arguments[0])
            return answer

        trouble = self.trouble
        return trouble.around(go_on, lambda: port.NoAnswer("lost")) if trouble else go_on()

    def _then(self, when: str, operation: str, about: Any) -> None:
        if self.meanwhile:
            self.meanwhile(when, operation, about)

    def _around(self, go_on: Callable[[], Any]) -> Any:
        self.at_call -= self.at_call > 0
        if self.meanwhile and self.at_call == 0:
            self.meanwhile("at", "the table", None)
        trouble = None if self.trouble and self.trouble.kind.startswith("provider") else self.trouble
        return trouble.around(go_on, _timeout) if trouble else go_on()

    def _new_id(self, prefix: str) -> str:
        self.number += 1
        milliseconds = int(clock.now().timestamp() * 1000)
        return f"{prefix}_{ULID.from_bytes(milliseconds.to_bytes(6, 'big') + self.number.to_bytes(10, 'big'))}"


class _Line:
    """The provider as the shop reaches it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, operation: str) -> Any:
        call = getattr(self._world.bank, operation)
        if operation in ("read_event", "limits"):
            return call
        return lambda *arguments: self._world.at_provider(operation, call, *arguments)


def _timeout() -> Exception:
    return ReadTimeoutError(endpoint_url="http://localhost")


def _for_good(shop: Shop) -> Shop:
    """The same caller with a session that outlives every story."""
    token = shop.headers["Authorization"].partition(" ")[2]
    claims = jwt.decode(token, options={"verify_signature": False})
    forever = claims["iat"] + 10 * 365 * 86400
    session = keys.session(claims["userId"], claims["sid"])
    db.commit(db.update(session, "SET expiresAt = :ever, endsAt = :ever", {":ever": forever}))
    key, header = keyring.get_signing_key(), jwt.get_unverified_header(token)
    named = {"kid": header["kid"], "typ": header["typ"]}
    longer = jwt.encode({**claims, "exp": forever}, key.secret, algorithm="HS256", headers=named)
    return Shop(shop.client, {"Authorization": f"Bearer {longer}"})


def use_policies(monkeypatch: pytest.MonkeyPatch, shipping: str, taxes: str) -> None:
    """What sending costs and what the state takes."""
    monkeypatch.setenv("SHIPPING_POLICY", shipping)
    monkeypatch.setenv("TAX_RATES", taxes)
    settings.current.cache_clear()


def parsed(answer: ShopAnswer) -> Any:
    """The answer with its numbers as they were written."""
    return json.loads(answer.text, parse_float=Decimal) if answer.text else None


def late_charge(world: World, order: Item) -> None:
    """The request to charge that was lost arrives after all."""
    row = PaymentRow(
        merchant_key=f"{order['orderId']}:1", order_id=order["orderId"],
        payment_id=ledger.payment_id_of(f"{order['orderId']}:1"), amount=order["total"],
        currency=order["currency"], state=AttemptState.CAPTURED,
    )  # fmt: skip
    with clock.fixed(world.now):
        asked = ledger.new_call("charge", row.merchant_key, row.amount, row.currency, effect=row.state)
        if world.books.open(row, asked):
            world.told.append(Told(ledger.payment_event(row)))


def later(world: World, **span: int) -> None:
    world.now += timedelta(**span)
