"""An Idempotency-Key stands for one request: a caller, a route, what the path names, and a body (I2, I3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.api import idempotency, permissions
from chalicelib.aws import db, keyring, keys
from chalicelib.core import clock, ids, schema
from tests.support.faults import Crash, crash, injected
from tools.testing.shop import Shop, ShopAnswer

HOOK = {"url": "https://hooks.example.com/", "events": ["*"]}
# Giving a role that is there, or asking for an erasure again, changes nothing, so a key has nothing to protect.
WITHOUT_KEY = {"/users/{user_id}/roles", "/users/{user_id}/erasure"}


@dataclass
class IdempotencyWorld:
    """Two of each thing that a path can name."""

    admin: Shop
    mugs: list[str] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    deliveries: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, shop: Shop) -> IdempotencyWorld:
        world, ada = cls(shop.admin()), shop.customer()
        for name in ("Mug", "Cup"):
            world.mugs.append(world.admin.product(name=name)["productId"])
            world.orders.append(ada.order((world.mugs[-1], 1)).body["orderId"])
            world.hooks.append(world.admin("POST", "/webhooks", HOOK).body["webhookId"])
        world.deliveries = [world.admin("POST", f"/webhooks/{world.hooks[0]}/test").body["deliveryId"] for _ in "ab"]
        for delivery in world.deliveries:
            world.end(delivery)
        return world

    def end(self, delivery: str) -> None:
        """Have a delivery be over, so that it can be sent again."""
        key = keys.webhook_delivery(self.hooks[0], delivery)
        db.commit(db.update(key, "SET #status = :failed", {":failed": "failed"}, names={"#status": "status"}))

    def paths(self, route: str) -> list[str]:
        """The route with the names of either thing."""
        names = {"product_id": self.mugs, "order_id": self.orders, "webhook_id": self.hooks}
        if "{delivery_id}" in route:
            names |= {"webhook_id": self.hooks[:1] * 2, "delivery_id": self.deliveries}
        return [route.format(**{name: values[which] for name, values in names.items()}) for which in (0, 1)]

    def refund(self, which: int, amount: int = 1, **headers: str) -> ShopAnswer:
        return self.admin("POST", f"/orders/{self.orders[which]}/refunds", {"amount": amount}, **headers)

    def refunded(self, which: int) -> float:
        """What has gone back of an order."""
        rows = self.admin("GET", f"/orders/{self.orders[which]}/refunds").body["refunds"]
        return sum(row["amount"] for row in rows)


BODIES: dict[str, Any] = {
    "/products/{product_id}/stock": {"delta": 3, "reason": "delivery"},
    "/products/{product_id}/images": {"contentType": "image/png"},
    "/orders/{order_id}/refunds": {"amount": 1},
    "/webhooks/{webhook_id}/secret": None,
    "/webhooks/{webhook_id}/test": None,
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/retry": None,
}


def test_every_post_route_whose_path_names_something_is_tried_here() -> None:
    named = {path for method, path in permissions.ROUTES if method == "POST" and "{" in path}

    assert named == set(BODIES) | WITHOUT_KEY


@pytest.mark.fault("F17")
@pytest.mark.parametrize("route", BODIES)
def test_a_key_that_was_used_for_one_thing_is_refused_for_another(shop: Shop, route: str) -> None:
    world = IdempotencyWorld.of(shop)
    one, other = world.paths(route)

    first, second, again, another = (
        world.admin("POST", path, BODIES[route], Idempotency_Key=key)
        for path, key in ((one, "k"), (other, "k"), (one, "k"), (other, "k2"))
    )

    assert first.status < 300, first
    assert (second.status, second.body["code"]) == (422, "idempotency_key_reused")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (first.status, "true")
    assert again.body.items() <= first.body.items()  # a new secret is told once
    assert another.status < 300, another


@pytest.mark.fault("F17")
def test_no_money_goes_back_and_no_stock_moves_for_another_use_of_a_key(shop: Shop) -> None:
    world = IdempotencyWorld.of(shop)
    moved = {"delta": 3, "reason": "delivery"}

    for which in (0, 1):
        world.refund(which, Idempotency_Key="k")
        world.admin("POST", f"/products/{world.mugs[which]}/stock", moved, Idempotency_Key="k")

    assert [world.refunded(which) for which in (0, 1)] == [1, 0]
    assert [shop.stock(mug) for mug in world.mugs] == [12, 9]


@pytest.mark.fault("F17")
def test_a_key_is_the_callers_and_the_routes_own(shop: Shop) -> None:
    world = IdempotencyWorld.of(shop)
    other = shop.admin("second@example.com")
    path = f"/orders/{world.orders[0]}/refunds"

    answers = [each("POST", path, {"amount": 1}, Idempotency_Key="k") for each in (world.admin, other)]
    tested = world.admin("POST", f"/webhooks/{world.hooks[0]}/test", Idempotency_Key="k")

    assert [answer.status for answer in (*answers, tested)] == [201, 201, 202]
    assert world.refunded(0) == 2


def keep_former_record(world: IdempotencyWorld, **outcome: Any) -> None:
    """What version 0.1 kept of a refund: the path was part of the scope, and not of the fingerprint."""
    admin = world.admin("GET", "/auth/me").body["userId"]
    scope = f"{admin}\nPOST /orders/{{order_id}}/refunds [('order_id', '{world.orders[0]}')]\nk"
    fingerprint = keyring.seal(schema.canonical(b'{"amount": 1}'), purpose="idempotency")
    record = {"fingerprint": fingerprint, "createdAt": clock.epoch(), "expiresAt": clock.epoch() + 86400, **outcome}
    db.commit(db.put(keys.idempotency(ids.digest(scope)), record))


@pytest.mark.fault("F17")
def test_a_request_from_before_the_deployment_is_replayed_after_it(shop: Shop) -> None:
    world = IdempotencyWorld.of(shop)
    keep_former_record(world, status=201, body='{"refundId":"r"}')

    again, otherwise = world.refund(0, Idempotency_Key="k"), world.refund(0, amount=2, Idempotency_Key="k")

    assert (again.status, again.text, again.headers["Idempotent-Replayed"]) == (201, '{"refundId":"r"}', "true")
    assert (otherwise.status, otherwise.body["code"]) == (422, "idempotency_key_reused")
    assert world.refunded(0) == 0


@pytest.mark.fault("F17")
def test_a_request_that_died_before_the_deployment_is_finished_after_it(shop: Shop) -> None:
    world = IdempotencyWorld.of(shop)
    with injected(crash(7, after=False)), pytest.raises(Crash):
        world.refund(0)
    (begun,) = world.admin("GET", f"/orders/{world.orders[0]}/refunds").body["refunds"]
    keep_former_record(world, status=1, subject=f"{world.orders[0]}/{begun['refundId']}")

    finished, again = (world.refund(0, Idempotency_Key="k") for _ in "ab")

    assert begun["status"] == "pending"
    assert (finished.status, finished.body["refundId"]) == (201, begun["refundId"])
    assert (again.text, again.headers["Idempotent-Replayed"]) == (finished.text, "true")
    assert world.refunded(0) == 1


@pytest.mark.fault("F6")
def test_an_answer_that_comes_after_it_was_forgotten_is_not_kept(shop: Shop) -> None:
    made = idempotency.claim("k", scope="ada", named={}, request=lambda: "a", render=lambda told: (201, str(told)))
    db.commit(*made.start("ref_1"))
    idempotency.forget(str(made.scope))

    made.finish_now("the buyer's own words")

    kept = made.find()
    assert kept
    assert (kept.body, kept.is_abandoned) == (None, True)
