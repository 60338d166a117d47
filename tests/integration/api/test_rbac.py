"""Every route against every kind of caller, each cell declared; a route without a declaration fails here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

import app
from chalicelib.api import permissions
from chalicelib.core import clock, ids
from tests.support import emulator, leaks, times
from tests.support.payments import SECRET, keep_secret
from tools.testing.shop import ADDRESS, PASSWORD, Shop

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

# The columns: nobody, the customer it is about, another customer, a disabled user, an ended session, an admin.
PERSONAS = ("anonymous", "customer", "other", "disabled", "revoked", "admin")
Row = tuple[int, int, int, int, int, int]

PUBLIC: Row = (200, 200, 200, 200, 200, 200)
USER: Row = (401, 200, 200, 401, 401, 200)
ADMIN: Row = (401, 403, 403, 401, 401, 200)
EXPECTED: dict[tuple[str, str], Row] = {
    ("GET", "/"): PUBLIC,
    ("GET", "/problems"): PUBLIC,
    ("GET", "/problems/{code}"): PUBLIC,
    ("GET", "/hello"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/asyncapi.json"): PUBLIC,
    ("GET", "/health"): PUBLIC,
    ("GET", "/docs"): PUBLIC,
    ("POST", "/auth/register"): (409,) * 6,
    ("POST", "/auth/login"): PUBLIC,
    ("POST", "/auth/refresh"): (401,) * 6,
    ("POST", "/auth/password/forgot"): (202,) * 6,
    ("POST", "/auth/password/reset"): (400,) * 6,
    ("POST", "/auth/verify"): (400,) * 6,
    ("POST", "/auth/logout"): (401, 204, 204, 401, 401, 204),
    ("GET", "/auth/me"): USER,
    ("POST", "/sessions"): (201,) * 6,
    ("GET", "/sessions"): USER,
    ("GET", "/sessions/{session_id}"): (401, 200, 404, 401, 401, 404),
    ("DELETE", "/sessions/{session_id}"): (401, 204, 404, 401, 401, 404),
    ("GET", "/users/profile"): USER,
    ("PUT", "/users/profile"): USER,
    ("DELETE", "/users/profile"): (401, 202, 204, 401, 401, 409),  # an order is open, an admin stays
    ("DELETE", "/users/profile/erasure"): (401, 204, 204, 401, 401, 204),
    ("GET", "/users/profile/export"): USER,
    ("PUT", "/users/password"): (401, 204, 204, 401, 401, 204),
    ("POST", "/users"): (401, 403, 403, 401, 401, 201),
    ("GET", "/users"): ADMIN,
    ("GET", "/users/{user_id}"): (401, 200, 403, 401, 401, 200),
    ("PUT", "/users/{user_id}"): (401, 200, 403, 401, 401, 200),
    ("PATCH", "/users/{user_id}"): (401, 200, 403, 401, 401, 200),
    ("DELETE", "/users/{user_id}"): (401, 403, 403, 401, 401, 204),
    ("POST", "/users/{user_id}/erasure"): (401, 403, 403, 401, 401, 202),  # an order is open
    ("PUT", "/users/{user_id}/status"): ADMIN,
    ("POST", "/users/{user_id}/roles"): ADMIN,
    ("DELETE", "/users/{user_id}/roles/{role}"): ADMIN,
    ("GET", "/users/{user_id}/audit"): ADMIN,
    ("GET", "/products"): PUBLIC,
    ("POST", "/products"): (401, 403, 403, 401, 401, 201),
    ("GET", "/products/{product_id}"): PUBLIC,
    ("POST", "/products/{product_id}/images"): (401, 403, 403, 401, 401, 201),
    ("PUT", "/products/{product_id}/images/{image_id}"): (401, 403, 403, 401, 401, 409),  # nothing is uploaded
    ("PUT", "/products/{product_id}"): ADMIN,
    ("PATCH", "/products/{product_id}"): ADMIN,
    ("DELETE", "/products/{product_id}"): (401, 403, 403, 401, 401, 204),
    ("GET", "/products/{product_id}/stock"): ADMIN,
    ("POST", "/products/{product_id}/stock"): (401, 403, 403, 401, 401, 201),
    ("GET", "/products/category/{category}"): PUBLIC,
    ("GET", "/categories"): PUBLIC,
    ("GET", "/admin/products"): ADMIN,
    ("GET", "/admin/products/{product_id}"): ADMIN,
    ("GET", "/cart"): (200, 200, 200, 401, 401, 200),
    ("DELETE", "/cart"): (204, 204, 204, 401, 401, 204),
    ("POST", "/cart/items"): (201, 201, 201, 401, 401, 201),
    ("PUT", "/cart/items/{item_id}"): (404, 200, 404, 401, 401, 404),
    ("DELETE", "/cart/items/{item_id}"): (404, 204, 404, 401, 401, 404),
    ("POST", "/cart/coupon"): (200, 200, 200, 401, 401, 200),
    ("POST", "/coupons"): (401, 403, 403, 401, 401, 201),
    ("GET", "/coupons"): ADMIN,
    ("GET", "/coupons/{code}"): ADMIN,
    ("PATCH", "/coupons/{code}"): ADMIN,
    ("DELETE", "/coupons/{code}"): (401, 403, 403, 401, 401, 204),
    ("GET", "/orders"): USER,
    ("POST", "/orders"): (401, 201, 201, 401, 401, 201),
    ("GET", "/orders/{order_id}"): (401, 200, 404, 401, 401, 200),
    ("GET", "/orders/{order_id}/status"): (401, 200, 404, 401, 401, 200),
    ("GET", "/admin/audit"): ADMIN,
    ("GET", "/admin/incidents"): ADMIN,
    ("PUT", "/orders/{order_id}/cancel"): (401, 200, 404, 401, 401, 200),
    ("PUT", "/orders/{order_id}/status"): ADMIN,
    ("POST", "/orders/{order_id}/refunds"): (401, 403, 403, 401, 401, 201),
    ("GET", "/orders/{order_id}/refunds"): (401, 200, 404, 401, 401, 200),
    ("POST", "/webhooks"): (401, 403, 403, 401, 401, 201),
    ("GET", "/webhooks"): ADMIN,
    ("GET", "/webhooks/{webhook_id}"): ADMIN,
    ("PATCH", "/webhooks/{webhook_id}"): ADMIN,
    ("DELETE", "/webhooks/{webhook_id}"): (401, 403, 403, 401, 401, 204),
    ("POST", "/webhooks/{webhook_id}/secret"): (401, 403, 403, 401, 401, 201),
    ("POST", "/webhooks/{webhook_id}/test"): (401, 403, 403, 401, 401, 202),
    ("GET", "/webhooks/{webhook_id}/deliveries"): ADMIN,
    ("POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/retry"): (401, 403, 403, 401, 401, 202),
    ("POST", "/payments/webhook"): (400,) * 6,  # nobody's token stands in for the provider's signature
}

BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/auth/register"): {"email": "ada@example.com", "password": PASSWORD, "firstName": "A", "lastName": "L"},
    ("POST", "/auth/login"): {"email": "ada@example.com", "password": PASSWORD},
    ("POST", "/auth/refresh"): {"refreshToken": "made up"},
    ("POST", "/auth/password/forgot"): {"email": "ada@example.com"},
    ("POST", "/auth/password/reset"): {"token": "made up", "password": PASSWORD},
    ("POST", "/auth/verify"): {"token": "made up"},
    ("POST", "/sessions"): {"email": "ada@example.com", "password": PASSWORD},
    ("PUT", "/users/profile"): {"firstName": "Augusta"},
    ("PUT", "/users/password"): {"oldPassword": PASSWORD, "newPassword": "another passphrase"},
    ("POST", "/users"): {"email": "new@example.com", "firstName": "N", "lastName": "N"},
    ("PUT", "/users/{user_id}"): {"firstName": "Augusta", "lastName": "King"},
    ("PATCH", "/users/{user_id}"): {"firstName": "Augusta"},
    ("PUT", "/users/{user_id}/status"): {"status": "disabled"},
    ("POST", "/users/{user_id}/roles"): {"role": "admin"},
    ("POST", "/products"): {"name": "Mug", "price": 1, "category": "kitchen"},
    ("PUT", "/products/{product_id}"): {"name": "Cup", "price": 1, "category": "kitchen"},
    ("PATCH", "/products/{product_id}"): {"name": "Cup"},
    ("POST", "/products/{product_id}/stock"): {"delta": 1, "reason": "found"},
    ("POST", "/products/{product_id}/images"): {"contentType": "image/png"},
    ("POST", "/cart/items"): {"productId": "{item_id}", "quantity": 1},
    ("PUT", "/cart/items/{item_id}"): {"quantity": 2},
    ("POST", "/cart/coupon"): {"code": "{code}"},
    ("POST", "/coupons"): {"code": "AUTUMN", "kind": "percentage", "percent": 10},
    ("PATCH", "/coupons/{code}"): {"percent": 20},
    ("POST", "/orders"): {
        "items": [{"productId": "{item_id}", "quantity": 1}],
        "shippingAddress": ADDRESS,
        "paymentMethod": {"type": "card", "token": "tok_success"},
    },
    ("PUT", "/orders/{order_id}/status"): {"status": "shipped"},
    ("POST", "/orders/{order_id}/refunds"): {"amount": 1},
    ("POST", "/webhooks"): {"url": "https://hooks.example.com/", "events": ["order.*"]},
    ("PATCH", "/webhooks/{webhook_id}"): {"description": "Warehouse"},
    ("POST", "/payments/webhook"): {"eventId": "evt_1"},
}


@dataclass
class RbacWorld:
    """One of each kind of caller, and the things of the customer that paths can name."""

    callers: dict[str, Shop]
    names: dict[str, str]

    @classmethod
    def of(cls, shop: Shop) -> RbacWorld:
        admin, ada = shop.admin(), shop.customer()
        mug = admin.product(stock=1000)["productId"]
        admin.coupon("SPRING")
        order = ada.order((mug, 1)).body["orderId"]
        ada("POST", "/cart/items", {"productId": mug, "quantity": 1})
        disabled, revoked = shop.customer("disabled@example.com"), shop.customer("revoked@example.com")
        other = shop.customer("other@example.com")
        disabled_id = disabled("GET", "/auth/me").body["userId"]
        admin("PUT", f"/users/{disabled_id}/status", {"status": "disabled"})
        revoked("POST", "/auth/logout")
        session = ada("GET", "/sessions").body["sessions"][0]["sessionId"]
        user = ada("GET", "/auth/me").body["userId"]
        names = {"order_id": order, "session_id": session, "user_id": user, "product_id": mug, "item_id": mug}
        hook = admin("POST", "/webhooks", {"url": "https://hooks.example.com/", "events": ["*"]}).body["webhookId"]
        delivery = admin("POST", f"/webhooks/{hook}/test").body["deliveryId"]
        callers = dict(zip(PERSONAS, (shop, ada, other, disabled, revoked, admin), strict=True))
        more = {"category": "kitchen", "role": "admin", "image_id": ids.new("img"), "code": "SPRING"}
        more |= {"webhook_id": hook, "delivery_id": delivery}
        return cls(callers, {**names, **more})

    def call(self, persona: str, method: str, path: str) -> int:
        body = BODIES.get((method, path))
        return self.callers[persona](method, self._fill(path), self._filled(body)).status

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        return self._fill(value) if isinstance(value, str) else value

    def _fill(self, text: str) -> str:
        text = text.replace("/problems/{code}", "/problems/not_found")  # the other codes are of coupons
        for name, value in self.names.items():
            text = text.replace(f"{{{name}}}", value)
        return text


MADE = pytest.StashKey[tuple[RbacWorld, Callable[[], None], leaks.Watch]]()


def test_every_route_is_declared_and_there_are_as_many_cells_as_that_makes() -> None:
    declared = {permissions.route(method, path) for path, methods in app.app.routes.items() for method in methods}

    assert declared == set(EXPECTED)
    assert sum(len(row) for row in EXPECTED.values()) == len(declared) * len(PERSONAS)


@pytest.fixture
def world(request: pytest.FixtureRequest, aws: leaks.Watch, shop: Shop) -> Iterator[RbacWorld]:
    """The same callers and things for each route, made once, as they were before anybody called."""
    module = request.node.getparent(pytest.Module)
    if MADE not in module.stash:
        made = RbacWorld.of(shop)
        module.stash[MADE] = made, emulator.saved(), aws
    made, restore, heard = module.stash[MADE]
    restore()
    aws.know(heard)
    keep_secret({"webhookSecret": SECRET})
    with clock.read_from(times.ticking(times.STANDARD + timedelta(minutes=1))):
        yield replace(made, callers={who: replace(each, client=shop.client) for who, each in made.callers.items()})


@pytest.mark.parametrize("route", list(EXPECTED), ids=" ".join)
def test_a_route_lets_in_whom_it_should(world: RbacWorld, route: tuple[str, str]) -> None:
    # Whom it should not let in first, so that what a permitted call changes cannot hide a mistake.
    order = sorted(PERSONAS, key=lambda persona: EXPECTED[route][PERSONAS.index(persona)], reverse=True)

    answers = {persona: world.call(persona, *route) for persona in order}

    assert tuple(answers[persona] for persona in PERSONAS) == EXPECTED[route]
