"""Every problem code is provoked, and its document leads to the page that explains it; a code without a story fails."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from unittest import mock

import boto3
import pytest
from chalice.config import Config

import app
from chalicelib.api import health, problem_codes
from chalicelib.aws import db, keys
from chalicelib.core import clock, settings
from chalicelib.orders import checkout, provider_returns
from chalicelib.orders import store as orders
from chalicelib.payments import credentials
from chalicelib.payments.limits import Limits
from chalicelib.payments.port import NoAnswer
from chalicelib.payments.simulator import in_table, webhook_messages
from chalicelib.products import service as products
from tests.support import emulator, leaks, times
from tests.support.faults import Crash, crash, injected, refuse
from tests.support.payments import SECRET, keep_secret
from tools.local import gateway as local
from tools.local import heads
from tools.local.problems import Problem
from tools.package import gateway
from tools.package.edge import plans
from tools.testing.shop import PASSWORD, Shop, ShopAnswer

pytestmark = pytest.mark.no_cover  # others run these lines

OTHER = "another passphrase"


@dataclass
class World:
    """A shop with an admin, a customer who has paid an order, a product and a webhook."""

    shop: Shop
    admin: Shop
    ada: Shop
    mug: str
    order: str
    hook: str
    changes: pytest.MonkeyPatch

    @classmethod
    def of(cls, shop: Shop, changes: pytest.MonkeyPatch) -> World:
        admin, ada = shop.admin(), shop.customer()
        mug = admin.product(sku="MUG")["productId"]
        admin.product(sku="CUP")
        admin.coupon("SPRING", totalLimit=1)
        order = f"/orders/{ada.order((mug, 2)).body['orderId']}"
        hook = admin("POST", "/webhooks", {"url": "https://hooks.example.com/", "events": ["*"]}).body["webhookId"]
        return cls(shop, admin, ada, mug, order, f"/webhooks/{hook}", changes)

    def open_with(self, client: Any, changes: pytest.MonkeyPatch) -> World:
        shops = {name: replace(getattr(self, name), client=client) for name in ("shop", "admin", "ada")}
        return replace(self, **shops, changes=changes)

    def user(self, who: Shop) -> str:
        return f"/users/{who('GET', '/auth/me').body['userId']}"

    def say(self, name: str, value: str) -> None:
        """Give the stage another setting."""
        self.changes.setenv(name, value)
        settings.current.cache_clear()
        settings.current()  # before the test's client puts the project's own variables in their place


Story = Callable[[World], ShopAnswer]
STORIES: dict[str, Story] = {}
MADE = pytest.StashKey[tuple[World, Callable[[], None], leaks.Watch]]()


def provokes(code: str) -> Callable[[Story], Story]:
    def tell(story: Story) -> Story:
        STORIES[code] = story
        return story

    return tell


def asking(who: str, method: str, path: str, body: Any = None, **more: str) -> Story:
    """One request by one of the world's callers; in the path, `{mug}` and the like are what the world has."""
    return lambda world: getattr(world, who)(method, path.format(**world.__dict__), body, **more)


def packaged(refusal: gateway.GatewayAnswer) -> Story:
    """What API Gateway is told to answer by itself, as it would say it in the stage `prod`."""
    template = gateway.response(refusal, "*")["ResponseTemplates"]["application/json"]
    return lambda _: ShopAnswer(refusal.status, template.replace("$context.stage", "prod"), {})


def refused(problem: Problem) -> ShopAnswer:
    return ShopAnswer(problem.CODE, problem.body.decode(), dict(problem.headers))


def unreadable(line: bytes, more: bytes = b"Host: shop\r\n\r\n") -> Story:
    """A request that the local gateway does not read."""

    def story(_: World) -> ShopAnswer:
        with pytest.raises(heads.Refused) as failed:
            heads.body_length(heads.read(line, io.BytesIO(more)).headers, most=local.MAX_BODY_BYTES)
        it = failed.value
        return refused(local.Gateway(app.app, Config()).problem(it.status, it.code, it.detail, "/"))

    return story


STORIES |= {
    "admin_role_held": asking("admin", "DELETE", "/users/profile"),
    "api_key_required": packaged(plans.MISSING),
    "bad_credentials": asking("shop", "POST", "/auth/login", {"email": "ada@example.com", "password": OTHER}),
    "bad_request": unreadable(b"nonsense\r\n"),
    "cart_changed": lambda world: world.ada.order((world.mug, 1), expectedTotal=1),
    "cart_item_not_found": asking("ada", "PUT", "/cart/items/{mug}", {"quantity": 2}),
    "cart_not_found": asking("shop", "GET", "/cart", X_Cart_Token="nobodys"),
    "coupon_changed": asking("admin", "PATCH", "/coupons/SPRING", {"percent": 5}, If_Match='"7"'),
    "coupon_exists": asking("admin", "POST", "/coupons", {"code": "SPRING", "kind": "percentage", "percent": 5}),
    "coupon_invalid": asking("ada", "POST", "/cart/coupon", {"code": "AUTUMN"}),
    "coupon_not_found": asking("admin", "GET", "/coupons/AUTUMN"),
    "delivery_not_found": asking("admin", "POST", "{hook}/deliveries/dlv_1/retry"),
    "email_taken": lambda world: world.shop.register(),
    "empty_cart": lambda world: world.ada.order(),
    "forbidden": asking("ada", "PUT", "/users/usr_somebody", {"firstName": "Eve", "lastName": "E"}),
    "gateway_timeout": packaged(gateway.REFUSALS["INTEGRATION_TIMEOUT"]),
    "http_version_not_supported": unreadable(b"GET /hello HTTP/2.0\r\n"),
    "image_not_uploaded": asking("admin", "PUT", "/products/{mug}/images/img_1"),
    "insufficient_stock": lambda world: world.ada.order((world.mug, 99)),
    "invalid_cursor": asking("shop", "GET", "/products?cursor=made-up"),
    "invalid_idempotency_key": asking("shop", "POST", "/cart/items", {"productId": "x", "quantity": 1},
                                      Idempotency_Key="k\u00e4se"),
    "invalid_one_time_token": asking("shop", "POST", "/auth/verify", {"token": "made up"}),
    "invalid_token": asking("shop", "POST", "/auth/refresh", {"refreshToken": "made up"}),
    "invalid_transition": asking("admin", "PUT", "{order}/status", {"status": "completed"}),
    "length_required": unreadable(b"POST /hello HTTP/1.1\r\n", b"Host: shop\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "method_not_allowed": asking("shop", "DELETE", "/hello"),
    "not_acceptable": asking("shop", "GET", "/cart", Accept="image/png"),
    "not_found": asking("admin", "DELETE", "/users/usr_1/roles/queen"),
    "order_not_found": asking("ada", "GET", "/orders/ord_1"),
    "payload_too_large": unreadable(b"POST /hello HTTP/1.1\r\n", b"Host: shop\r\nContent-Length: 99999999\r\n\r\n"),
    "payment_declined": lambda world: world.ada.order((world.mug, 1), token="tok_declined"),
    "precondition_required": asking("admin", "PATCH", "/products/{mug}", {"stock": 3}),
    "product_changed": asking("admin", "PATCH", "/products/{mug}", {"name": "Cup"}, If_Match='"7-7"'),
    "product_not_found": asking("shop", "GET", "/products/prd_1"),
    "quota_exceeded": packaged(gateway.REFUSALS["QUOTA_EXCEEDED"]),
    "refund_exceeds_payment": asking("admin", "POST", "{order}/refunds", {"amount": 25.01}),
    "request_header_fields_too_large": unreadable(b"GET /hello HTTP/1.1\r\n", b"X-Note: 1\r\n" * 101 + b"\r\n"),
    "session_not_found": asking("ada", "GET", "/sessions/ses_1"),
    "sku_is_final": asking("admin", "PATCH", "/products/{mug}", {"sku": "CUP"}),
    "sku_taken": asking("admin", "POST", "/products", {"name": "Cup", "price": 1, "category": "cups", "sku": "CUP"}),
    "too_many_items": lambda world: world.ada.order(*((f"prd_{number}", 1) for number in range(31))),
    "unsupported_media_type": asking("shop", "POST", "/auth/login", {}, Content_Type="text/plain"),
    "uri_too_long": unreadable(b"GET /" + b"a" * heads.MAX_HEAD_BYTES + b" HTTP/1.1\r\n"),
    "user_changed": asking("ada", "PUT", "/users/profile", {"firstName": "Augusta"}, If_Match='"7"'),
    "user_not_found": asking("admin", "GET", "/users/usr_1"),
    "validation_failed": asking("shop", "POST", "/auth/register", {}),
    "webhook_changed": asking("admin", "PATCH", "{hook}", {"description": "Warehouse"}, If_Match='"7"'),
    "webhook_not_found": asking("admin", "GET", "/webhooks/whk_1"),
    "wrong_password": asking("ada", "PUT", "/users/password", {"oldPassword": OTHER, "newPassword": PASSWORD}),
}  # fmt: skip


@provokes("amount_not_payable")
def _(world: World) -> ShopAnswer:
    world.changes.setattr(in_table.Simulator, "limits", lambda _, currency: Limits(currency=currency, least=5000))
    return world.ada.order((world.mug, 1))


@provokes("cart_currency_mismatch")
def _(world: World) -> ShopAnswer:
    euro = world.admin.product(currency="EUR")["productId"]
    return world.ada.order((world.mug, 1), (euro, 1))


@provokes("coupon_exhausted")
def _(world: World) -> ShopAnswer:
    world.ada.order((world.mug, 1), couponCode="SPRING").expect(201)
    return world.ada.order((world.mug, 1), couponCode="SPRING")


@provokes("delivery_in_progress")
def _(world: World) -> ShopAnswer:
    delivery = world.admin("POST", f"{world.hook}/test").body["deliveryId"]
    later = {":later": clock.timestamp(clock.now() + timedelta(minutes=1))}
    row = keys.webhook_delivery(world.hook.rpartition("/")[2], delivery)
    db.commit(db.update(row, "SET leasedUntil = :later", later))
    return world.admin("POST", f"{world.hook}/deliveries/{delivery}/retry")


@provokes("erasure_scheduled")
def _(world: World) -> ShopAnswer:
    world.ada("DELETE", "/users/profile").expect(202)
    return world.ada.order((world.mug, 1))


@provokes("idempotency_key_in_use")
def _(world: World) -> ShopAnswer:
    bob = {"email": "bob@example.com", "firstName": "Bob", "lastName": "B"}
    user = world.admin("POST", "/users", bob, Idempotency_Key="bob").expect(201)["userId"]
    world.admin("POST", f"/users/{user}/erasure").expect(204)
    return world.admin("POST", "/users", bob, Idempotency_Key="bob")


@provokes("idempotency_key_reused")
def _(world: World) -> ShopAnswer:
    world.ada.order((world.mug, 1), Idempotency_Key="once").expect(201)
    return world.ada.order((world.mug, 2), Idempotency_Key="once")


@provokes("internal_error")
def _(world: World) -> ShopAnswer:
    world.changes.setattr(products, "get", mock.Mock(side_effect=RuntimeError))
    return world.shop("GET", "/products/prd_1")


@provokes("invalid_json")
def _(world: World) -> ShopAnswer:
    return world.shop("POST", "/auth/login", raw="{")


@provokes("invalid_signature")
def _(world: World) -> ShopAnswer:
    keep_secret({"webhookSecret": SECRET})
    return world.shop("POST", "/payments/webhook", {"eventId": "evt_1"})


@provokes("last_admin")
def _(world: World) -> ShopAnswer:
    return world.admin("DELETE", f"{world.user(world.admin)}/roles/admin")


@provokes("not_an_image")
def _(world: World) -> ShopAnswer:
    asked = world.admin("POST", f"/products/{world.mug}/images", {"contentType": "image/png"}).expect(201)
    file = asked["upload"]["fields"]["key"]
    boto3.client("s3").put_object(Bucket="ecommerce-test", Key=file, Body=b"a text")
    return world.admin("PUT", f"/products/{world.mug}/images/{asked['imageId']}")


@provokes("not_implemented")
def _(_: World) -> ShopAnswer:
    handler = object.__new__(local.GatewayHandler)
    handler.path, handler.local_gateway = "/hello", local.Gateway(app.app, Config())
    with mock.patch.object(handler, "_refuse") as answered:
        handler.send_error(HTTPStatus.NOT_IMPLEMENTED)
    return refused(*answered.call_args.args)


@provokes("nothing_to_refund")
def _(world: World) -> ShopAnswer:
    gift = world.admin.product(price=0)["productId"]
    order = world.ada.order((world.mug, 1), (gift, 1)).expect(201)["orderId"]
    return world.admin("POST", f"/orders/{order}/refunds", {"items": [{"productId": gift, "quantity": 1}]})


@provokes("order_not_paid")
def _(world: World) -> ShopAnswer:
    order = world.ada.order((world.admin.product(price=0)["productId"], 1)).expect(201)["orderId"]
    return world.admin("POST", f"/orders/{order}/refunds", {})


@provokes("payment_outcome_unknown")
def _(world: World) -> ShopAnswer:
    order = world.ada.order((world.mug, 1), token="tok_timeout").expect(202)["orderId"]
    world.changes.setattr(in_table.Simulator, "look_up", mock.Mock(side_effect=NoAnswer))
    return world.admin("PUT", f"/orders/{order}/status", {"status": "processing"})


@provokes("refund_failed")
def _(world: World) -> ShopAnswer:
    order = world.ada.order((world.mug, 1), token="tok_refund_fails").expect(201)["orderId"]
    return world.admin("POST", f"/orders/{order}/refunds", {})


@provokes("request_in_progress")
def _(world: World) -> ShopAnswer:
    with injected(crash(5, after=False)), pytest.raises(Crash):
        world.ada.order((world.mug, 1), Idempotency_Key="once")
    return world.ada.order((world.mug, 1), Idempotency_Key="once")


@provokes("request_timeout")
def _(_: World) -> ShopAnswer:
    handler = object.__new__(local.GatewayHandler)
    handler.path, handler.length, handler.local_gateway = "/hello", 5, local.Gateway(app.app, Config())
    handler.rfile = mock.Mock(read=mock.Mock(side_effect=TimeoutError))
    with pytest.raises(Problem) as failed:
        handler._parse_payload()
    return refused(failed.value)


@provokes("shipping_held")
def _(world: World) -> ShopAnswer:
    order = world.order.rpartition("/")[2]
    in_table.Simulator().refund_there(f"{order}:1", 900)
    provider_returns.take_over(orders.get_by_id(order))
    return world.admin("PUT", f"{world.order}/status", {"status": "shipped"})


@provokes("shipping_unavailable")
def _(world: World) -> ShopAnswer:
    world.say("SHIPPING_POLICY", "flat:4.99:EUR")
    return world.ada.order((world.mug, 1))


@provokes("temporarily_unavailable")
def _(world: World) -> ShopAnswer:
    with injected(refuse("ThrottlingException", times=10_000)):
        return world.shop("GET", f"/products/{world.mug}")


@provokes("token_reuse_detected")
def _(world: World) -> ShopAnswer:
    login = {"email": "ada@example.com", "password": PASSWORD}
    spent = {"refreshToken": world.shop("POST", "/auth/login", login).body["refreshToken"]}
    world.shop("POST", "/auth/refresh", spent).expect(200)
    with clock.fixed(clock.now() + timedelta(minutes=1)):
        return world.shop("POST", "/auth/refresh", spent)


@provokes("too_many_attempts")
def _(world: World) -> ShopAnswer:
    wrong = {"email": "ada@example.com", "password": OTHER}
    return [world.shop("POST", "/auth/login", wrong) for _ in range(7)][-1]


@provokes("too_many_requests")
def _(world: World) -> ShopAnswer:
    return [STORIES["wrong_password"](world) for _ in range(11)][-1]


@provokes("too_many_secrets")
def _(world: World) -> ShopAnswer:
    return [world.admin("POST", f"{world.hook}/secret") for _ in range(5)][-1]


@provokes("too_many_webhooks")
def _(world: World) -> ShopAnswer:
    hook = {"url": "https://hooks.example.com/", "events": ["*"]}
    return [world.admin("POST", "/webhooks", hook) for _ in range(20)][-1]


@provokes("total_too_large")
def _(world: World) -> ShopAnswer:
    palace = world.admin.product(price=99_999_999.99)["productId"]
    return world.ada.order((palace, 2))


@provokes("unauthorized")
def _(_: World) -> ShopAnswer:
    with pytest.raises(Problem) as failed:
        local.Gateway(app.app, Config()).handle_request("GET", "/auth/me", {}, None)
    return refused(failed.value)


@provokes("unhealthy")
def _(world: World) -> ShopAnswer:
    health.forget()
    with injected(refuse("ResourceNotFoundException", times=10_000)):
        return world.shop("GET", "/health")


@provokes("unreadable_event")
def _(world: World) -> ShopAnswer:
    keep_secret({"webhookSecret": SECRET})
    signed = webhook_messages.signed_headers(b"nonsense", SECRET, clock.epoch())
    return world.shop("POST", "/payments/webhook", raw="nonsense", **signed)


@provokes("webhook_not_active")
def _(world: World) -> ShopAnswer:
    world.admin("PATCH", world.hook, {"isActive": False}).expect(200)
    return world.admin("POST", f"{world.hook}/test")


@pytest.fixture
def world(
    request: pytest.FixtureRequest, aws: leaks.Watch, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The same world for each code, made once, as it was before anything was asked."""
    module = request.node.getparent(pytest.Module)
    if MADE not in module.stash:
        module.stash[MADE] = World.of(shop, monkeypatch), emulator.saved(), aws
    made, restore, heard = module.stash[MADE]
    restore()
    aws.know(heard)
    with clock.read_from(times.ticking(times.STANDARD + timedelta(minutes=1))):
        yield made.open_with(shop.client, monkeypatch)
    monkeypatch.undo()
    for forget in (settings.current.cache_clear, credentials.forget, health.forget, checkout.forget):
        forget()


def test_every_code_has_a_story_and_every_story_a_code() -> None:
    assert set(STORIES) == {each.code for each in problem_codes.known().problems}


@pytest.mark.parametrize("code", [each.code for each in problem_codes.known().problems])
def test_a_code_is_said_as_its_page_says_it(world: World, code: str) -> None:
    told = problem_codes.get(code)

    answer = STORIES[code](world)

    document = json.loads(answer.text)
    assert (answer.status, document["status"], document["code"]) == (told.status, told.status, code), answer.text
    assert document["detail"]
    assert document["type"].removeprefix("/prod") == f"/problems/{code}"
