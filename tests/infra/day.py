"""A day in the shop that leaves out nothing its functions can do, told in short scenes.

`inside(function)` says whose work a scene is where it is not the API's.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from typing import Any
from unittest import mock

import boto3
import pytest

from chalicelib.aws import keyring, keys
from chalicelib.cart import abandoned
from chalicelib.core import clock, ids
from chalicelib.core.errors import Unavailable
from chalicelib.orders import completion, settlement
from chalicelib.orders import store as order_store
from chalicelib.payments import port
from chalicelib.payments.models import Attempt, AttemptState, Outcome, ProviderEvent, ProviderEventKind
from chalicelib.payments.simulator import in_table, webhook_messages
from chalicelib.privacy import service as privacy
from chalicelib.products.models import id_of
from chalicelib.webhooks import sender
from chalicelib.webhooks.models import DeliveryAttempt as SentBack
from tests.support import mail_events, stream
from tests.support.faults import Crash
from tests.support.payments import SECRET, keep_secret, paid_by_stripe
from tests.support.pictures import GIF, PNG
from tests.support.stream import mails
from tools.local.stream import lambda_record
from tools.testing.shop import ADDRESS, PASSWORD, Shop, ShopAnswer

EXPIRY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
Inside = Callable[[str], AbstractContextManager[None]]

BOB = "bob@example.com"
NEW_PASSWORD = "an entirely new passphrase"
SCHEDULED = {
    "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012",
    "time": "2026-11-21T09:30:00Z", "region": "us-east-1", "resources": [], "detail": {},
}  # fmt: skip


def live(shop: Shop, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """From opening the shop to forgetting a customer."""
    mug = shop.admin().product(stock=500)["productId"]
    browse(shop, mug)
    illustrate(shop, mug)
    manage_products(shop)
    fill_carts(shop, mug)
    bring_cart_along(shop, mug)
    buy_and_cancel(shop, mug)
    give_discounts(shop, mug)
    leave_money_in_doubt(shop, mug, monkeypatch)
    settle(shop, inside)
    hear_too_late(shop, mug, inside, monkeypatch)
    ship_and_give_back(shop, mug)
    wait_for_buyers(shop, mug, inside, monkeypatch)
    be_told(shop, mug, inside, monkeypatch)
    pay_by_stripe(shop, mug, inside, monkeypatch)
    assert check(shop, inside)["complete"]
    leave_a_cart(shop, mug, inside)
    sum_up(shop, mug, inside)
    tell_others(shop, inside, monkeypatch)
    mistype(shop)
    come_and_go(shop)
    manage_users(shop)
    deliver_late(shop, inside)
    go_wrong(shop, mug, inside, monkeypatch)
    answer_mails(shop, inside)
    rotate(shop, inside)
    be_out_of_reach(shop, inside)
    leave_for_good(shop, mug, inside)
    assert deliver(shop, inside) == []


def browse(shop: Shop, mug: str) -> None:
    told = ("/", "/problems", "/problems/not_found", "/openapi.json", "/asyncapi.json", "/docs", "/hello", "/health")
    for path in (*told, "/products?limit=1", f"/products/{mug}", "/products/category/kitchen"):
        assert shop("GET", path).status == 200


def illustrate(shop: Shop, mug: str) -> None:
    """An admin gives a product an image, at first with a file that is none."""
    admin, bucket = shop.login("root@example.com"), boto3.session.Session().client("s3")
    png = {"contentType": "image/png"}
    asked = [admin("POST", f"/products/{mug}/images", png, Idempotency_Key="image").body for _ in range(2)]
    path, key = f"/products/{mug}/images/{asked[1]['imageId']}", asked[0]["upload"]["fields"]["key"]
    for content, answered in ((GIF, 422), (PNG, 200)):
        bucket.put_object(Bucket=os.environ["BUCKET_NAME"], Key=key, Body=content)
        assert admin("PUT", path).status == answered


def manage_products(shop: Shop) -> None:
    """An admin changes a product in every way, sees it delisted, deletes it, and creates it again."""
    admin = shop.login("root@example.com")
    new = {"name": "Pot", "price": 5, "category": "garden", "sku": "POT-1", "stock": 3}
    made = [admin("POST", "/products", new, Idempotency_Key="pot") for _ in range(2)]
    path, tag = f"/products/{made[0].body['productId']}", made[0].headers["ETag"]
    assert admin("PATCH", path, {"stock": 30}, If_Match=tag).status == 200
    assert admin("PUT", path, {**new, "stock": 30, "isActive": False}, If_Match='"2-1"').status == 200
    for _ in range(2):
        taken = admin("POST", f"{path}/stock", {"delta": -28, "reason": "broken"}, Idempotency_Key="broken")
        assert taken.status == 201
    lists = ("/admin/products", "/admin/products?q=pot", f"/admin{path}", f"{path}/stock", "/categories")
    assert [admin("GET", each).status for each in lists] == [200] * 5
    assert admin("DELETE", path).status == 204
    assert admin("POST", "/products", {**new, "stock": 20}).status == 201
    assert admin("POST", f"{path}/stock", {"delta": -18, "reason": "broken"}).status == 201
    assert admin("PATCH", path, {"name": "Teapot"}).status == 200


def fill_carts(shop: Shop, mug: str) -> None:
    """A guest and a customer each add, add again, change, remove and clear."""
    token = shop("POST", "/cart/items", {"productId": mug, "quantity": 1}).headers["X-Cart-Token"]
    for visitor in (Shop(shop.client, {"X-Cart-Token": token}), shop.customer("guest@example.com")):
        for _ in range(2):
            added = visitor("POST", "/cart/items", {"productId": mug, "quantity": 1}, Idempotency_Key="cart-1")
            assert added.status == 201
        assert visitor("GET", "/cart").status == 200
        assert visitor("PUT", f"/cart/items/{mug}", {"quantity": 3}).status == 200
        assert visitor("DELETE", f"/cart/items/{mug}").status == 204
        assert visitor("DELETE", "/cart").status == 204


def bring_cart_along(shop: Shop, mug: str) -> None:
    """A guest's cart comes along at login: all of it, and then as much of it as fits."""
    tea = shop.login("root@example.com").product(name="Tea", price=500, currency="JPY", stock=99)["productId"]
    for product in (mug, mug, tea):
        added = shop("POST", "/cart/items", {"productId": product, "quantity": 60})
        token = added.headers["X-Cart-Token"]
        login = {"email": "guest@example.com", "password": PASSWORD, "cartToken": token}
        assert shop("POST", "/auth/login", login).status == 200


def buy_and_cancel(shop: Shop, mug: str) -> None:
    """Orders from the cart and from a list, paid and declined, replayed, listed, cancelled."""
    ada, admin = shop.customer(), shop.login("root@example.com")
    for token in ("tok_declined", "tok_success"):
        ada("POST", "/cart/items", {"productId": mug, "quantity": 1})
        ordered = ada.order(token=token, Idempotency_Key=token)
        assert ada.order(token=token, Idempotency_Key=token).headers["Idempotent-Replayed"] == "true"
    path = f"/orders/{ordered.body['orderId']}"
    for buyer in (ada, admin):
        assert [buyer("GET", each).status for each in ("/auth/me", "/orders", path, f"{path}/status")] == [200] * 4
    assert ada("PUT", f"{path}/cancel").body["paymentStatus"] == "refunded"
    assert ada("POST", "/auth/logout").status == 204


def give_discounts(shop: Shop, mug: str) -> None:
    """Coupons made, looked at, changed and deleted; checked against a guest's cart, used, mistyped and given back."""
    admin, ada = shop.login("root@example.com"), shop.login()
    for _ in range(2):
        made = admin("POST", "/coupons", {"code": "SPRING", "kind": "percentage", "percent": 10}, Idempotency_Key="c")
        assert made.status == 201
    admin.coupon("SUMMER")
    assert [admin("GET", path).status for path in ("/coupons", "/coupons/spring")] == [200, 200]
    assert admin("PATCH", "/coupons/SPRING", {"perUserLimit": 5}).status == 200
    assert admin("DELETE", "/coupons/SUMMER").status == 204
    guest = {"X-Cart-Token": shop("POST", "/cart/items", {"productId": mug, "quantity": 1}).headers["X-Cart-Token"]}
    assert Shop(shop.client, guest)("POST", "/cart/coupon", {"code": "SPRING"}).body["discount"]
    assert ada("POST", "/cart/coupon", {"code": "SUMMER"}).body["reason"] == "unknown"
    ordered = ada.order((mug, 1), couponCode="SPRING")
    assert ada("PUT", f"/orders/{ordered.body['orderId']}/cancel").status == 200
    assert ada.order((mug, 1), couponCode="SPRING", token="tok_timeout_before").status == 202  # the schedule's to end


def leave_money_in_doubt(shop: Shop, mug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two charges and a refund that the provider did not answer."""
    ada = shop.login()
    for token in ("tok_timeout", "tok_timeout_before"):
        assert ada.order((mug, 1), token=token).status == 202
    paid = ada.order((mug, 1)).body["orderId"]
    with monkeypatch.context() as silent:
        silent.setattr(in_table.Simulator, "refund", no_answer)
        assert ada("PUT", f"/orders/{paid}/cancel").body["paymentStatus"] == "paid"


def no_answer(*_: Any) -> None:
    raise port.NoAnswer


def sweep(shop: Shop, inside: Inside, *, minutes: int) -> dict[str, int]:
    """What the schedule brings to an end, so many minutes from now."""
    with inside("run_scheduled_work"), clock.fixed(clock.now() + timedelta(minutes=minutes)):
        return dict(shop.client.lambda_.invoke("run_scheduled_work", SCHEDULED).payload)


def settle(shop: Shop, inside: Inside) -> None:
    """The schedule ends all that is in doubt; a charge that the provider never heard of takes it two runs."""
    swept = [sweep(shop, inside, minutes=minutes) for minutes in (20, 45)]
    assert [sum(run[done] for run in swept) for done in ("settled", "refunded")] == [3, 1]


def hear_too_late(shop: Shop, mug: str, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedule learns of a charge only after its order was given up, and so pays it back."""
    ada, look_up = shop.login(), in_table.Simulator.look_up
    user, order = ada("GET", "/auth/me").body["userId"], ada.order((mug, 1), token="tok_timeout").body["orderId"]

    def meanwhile_given_up(ledger: in_table.Simulator, attempt: Attempt) -> Outcome | None:
        found, placed = look_up(ledger, attempt), order_store.get_owned(user, order)
        assert placed
        with inside("api_handler"):
            settlement.settle(placed, Outcome(state=AttemptState.FAILED))
        return found

    with monkeypatch.context() as slow:
        slow.setattr(in_table.Simulator, "look_up", meanwhile_given_up)
        sweep(shop, inside, minutes=20)
    assert sweep(shop, inside, minutes=21)["refunded"] == 1


def ship_and_give_back(shop: Shop, mug: str) -> None:
    """An admin gives some money of an order back, ships it, takes units of it back; one refund is refused."""
    admin, ada = shop.login("root@example.com"), shop.login()
    path = f"/orders/{ada.order((mug, 3)).body['orderId']}"
    for _ in range(2):
        assert admin("POST", f"{path}/refunds", {"amount": 1}, Idempotency_Key="sorry").status == 201
    assert admin("PUT", f"{path}/status", {"status": "shipped"}).status == 200
    assert admin("POST", f"{path}/refunds", {"items": [{"productId": mug, "quantity": 1}]}).status == 201
    assert [each("GET", f"{path}/refunds").body["count"] for each in (ada, admin)] == [2, 2]
    final = ada.order((mug, 1), token="tok_refund_fails").body["orderId"]
    assert admin("POST", f"/orders/{final}/refunds", {}, Idempotency_Key="no").body["code"] == "refund_failed"
    assert admin("GET", "/admin/audit").status == 200
    assert admin("GET", "/admin/incidents").body["incidents"][0]["orderId"] == final


def wait_for_buyers(shop: Shop, mug: str, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Payments that wait for their buyers, cancelled and expired, and one that is held, which the schedule takes."""
    ada = shop.login()
    waiting = [ada.order((mug, 1), token="tok_requires_action", couponCode="SPRING").body["orderId"] for _ in range(2)]
    assert ada("PUT", f"/orders/{waiting[0]}/cancel").body["paymentStatus"] == "voided"
    with monkeypatch.context() as silent:
        silent.setattr(in_table.Simulator, "capture", no_answer)
        assert ada.order((mug, 1), token="tok_authorized").body["paymentStatus"] == "authorized"
    swept = sweep(shop, inside, minutes=20)
    assert (swept["expired"], swept["settled"]) == (1, 1)


def be_told(shop: Shop, mug: str, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider's messages: of a payment, of a wrong amount, of an order found later, of one never found."""
    keep_secret({"apiKey": "sk_test_1", "webhookSecret": SECRET})
    ada = shop.login()
    first, second, third = (ada.order((mug, 1), token="tok_requires_action").body["orderId"] for _ in range(3))
    for order, amount in ((first, 1250), (first, 1250), (second, 1)):
        assert tell(shop, order, amount).status == 204
    with monkeypatch.context() as behind:
        behind.setattr(order_store, "get_by_id", lambda _: None)
        assert tell(shop, third, 1250).status == 204
    assert tell(shop, ids.new("ord"), 1250).status == 204
    assert ada("GET", f"/orders/{first}").body["paymentStatus"] == "paid"
    assert sweep(shop, inside, minutes=2)["heard"] == 1
    assert ada("GET", f"/orders/{third}").body["paymentStatus"] == "paid"
    assert sweep(shop, inside, minutes=25 * 60)["expired"] == 1  # the second; the unknown order is people's now


def tell(shop: Shop, order: str, amount: int) -> ShopAnswer:
    """The provider's signed message that so many cents were paid for an order."""
    paid = ProviderEvent(
        event_id=f"evt_{order}", kind=ProviderEventKind.PAYMENT, order_id=order, merchant_key=f"{order}:1",
        amount=amount, currency="USD", outcome=Outcome(state=AttemptState.CAPTURED), created_at=clock.timestamp(),
    )  # fmt: skip
    body = webhook_messages.write(paid)
    return shop(
        "POST", "/payments/webhook", raw=body.decode(), **webhook_messages.signed_headers(body, SECRET, clock.epoch())
    )


def pay_by_stripe(shop: Shop, mug: str, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that is paid through Stripe: who talks to it reads its key, also the schedule after a lost answer."""
    with paid_by_stripe(monkeypatch) as account:
        account.faults.append("lose")
        assert shop.login().order((mug, 1), token="pm_card_visa").status == 202
        assert sweep(shop, inside, minutes=2)["settled"] == 1
        assert check(shop, inside)["unanswered"]  # Stripe knows nothing of what was paid elsewhere before


def check(shop: Shop, inside: Inside) -> dict[str, Any]:
    """At night it is recomputed what must add up, and in the morning an admin looks at the report."""
    with inside("check_store"):
        shop.client.lambda_.invoke("check_store", SCHEDULED)
    return dict(shop.login("root@example.com")("GET", "/admin/audit").body["report"])


def leave_a_cart(shop: Shop, mug: str, inside: Inside) -> None:
    """Cleo leaves a cart behind, is heard of, and is to be reminded of it a day later."""
    with clock.fixed(clock.now()):
        cleo = _left_by_cleo(shop, mug)
        with inside("handle_table_stream"):
            abandoned.record_touch(cleo, updated_at=clock.timestamp(), before=None)
    assert run_late(shop, inside, "remind_of_carts", hours=26)["reminded"] == 1


def _left_by_cleo(shop: Shop, mug: str) -> str:
    """The user's id; her address is confirmed, and the hours before this one are done with."""
    cleo, table = shop.customer("cleo@example.com"), boto3.session.Session().client("dynamodb")
    cleo("POST", "/cart/items", {"productId": mug, "quantity": 1})
    user, job = keys.user(cleo("GET", "/users/profile").body["userId"]), keys.job("carts")
    done = clock.timestamp(clock.now() - timedelta(hours=1))[:13]
    for key, change, value in (
        (user, "SET emailVerified = :value", {"BOOL": True}),
        (job, "SET lastHour = :value", {"S": done}),
    ):
        table.update_item(
            TableName=os.environ["TABLE_NAME"], Key={"PK": {"S": key.pk}, "SK": {"S": key.sk}},
            UpdateExpression=change, ExpressionAttributeValues={":value": value},
        )  # fmt: skip
    return user.pk.removeprefix("USER#")


def sum_up(shop: Shop, mug: str, inside: Inside) -> None:
    """What was sold today is told a night later, with money that came long after its order."""
    assert shop.login().order((mug, 1), token="tok_timeout").status == 202
    assert run_late(shop, inside, "run_scheduled_work", hours=2)["settled"] == 1
    assert run_late(shop, inside, "summarise_sales", hours=48)["written"]


def run_late(shop: Shop, inside: Inside, function: str, *, hours: int) -> dict[str, int]:
    """What a scheduled function does so many hours from now."""
    later = clock.now() + timedelta(hours=hours)
    with inside(function), clock.fixed(later):
        event = {**SCHEDULED, "time": later.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return dict(shop.client.lambda_.invoke(function, event).payload)


def tell_others(shop: Shop, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endpoints of webhooks: made, changed, tried, given another secret and deleted; one works, fails and is gone."""
    admin, statuses = shop.login("root@example.com"), [204, 500, 204, 410]
    new = {"url": "https://hooks.example.com/", "events": ["order.*"]}
    made = [admin("POST", "/webhooks", new, Idempotency_Key="hook").body["webhookId"] for _ in range(2)]
    path, other = f"/webhooks/{made[0]}", f"/webhooks/{admin('POST', '/webhooks', new).body['webhookId']}"
    monkeypatch.setattr(
        sender, "send", lambda *_, **__: SentBack(at=clock.timestamp(), status=statuses.pop(0), milliseconds=1)
    )
    assert admin("PATCH", path, {"events": ["*"]}).status == 200
    assert [admin("POST", f"{path}/secret", Idempotency_Key="secret").status for _ in range(2)] == [201, 201]
    assert [admin("POST", f"{each}/test", Idempotency_Key=each).status for each in (path, path, other)] == [202] * 3
    assert admin("DELETE", other).status == 204
    assert run_late(shop, inside, "deliver_webhooks", hours=0)["cancelled"] == 1
    delivery = admin("GET", f"{path}/deliveries").body["deliveries"][0]["deliveryId"]
    for _ in range(3):
        assert admin("POST", f"{path}/deliveries/{delivery}/retry").status == 202
        run_late(shop, inside, "deliver_webhooks", hours=0)
    run_late(shop, inside, "deliver_webhooks", hours=72)
    assert admin("GET", path).body["disabledReason"] == "gone"
    assert admin("PATCH", path, {"isActive": True}).status == 200
    assert admin("GET", "/webhooks").body["count"] == 1


def mistype(shop: Shop) -> None:
    """Logins with a wrong password until the address has to wait, and an address that is taken."""
    wrong = {"email": "nobody@example.com", "password": "wrong password"}
    with clock.fixed(clock.now()):
        assert [shop("POST", "/auth/login", wrong).status for _ in range(7)] == [401] * 6 + [429]
    assert shop.register().status == 409


def come_and_go(shop: Shop) -> None:
    """Bob's sessions: opened, refreshed, looked at, revoked, and one whose refresh token somebody else has, too."""
    assert shop.register(BOB).status == 201
    bob = shop.login(BOB)
    opened = shop("POST", "/sessions", {"email": BOB, "password": PASSWORD})
    path, spent = f"/sessions/{opened.body['sessionId']}", {"refreshToken": opened.body["refreshToken"]}
    assert [bob("GET", each).status for each in ("/sessions", path)] == [200, 200]
    assert [shop("POST", "/auth/refresh", spent).status for _ in range(2)] == [200, 200]
    with clock.fixed(clock.now() + timedelta(minutes=1)):
        assert shop("POST", "/auth/refresh", spent).body["code"] == "token_reuse_detected"
    other = shop("POST", "/sessions", {"email": BOB, "password": PASSWORD}).body["sessionId"]
    assert bob("DELETE", f"/sessions/{other}").status == 204
    assert bob("GET", "/users/profile").status == 200
    assert bob("PUT", "/users/profile", {"email": "robert@example.com"}).body["pendingEmail"]
    assert shop("POST", "/auth/password/forgot", {"email": BOB}).status == 202


def manage_users(shop: Shop) -> None:
    """An admin opens an account by invitation, changes all that can be changed, and deletes it."""
    admin = shop.login("root@example.com")
    carol = {"email": "carol@example.com", "firstName": "Carol", "lastName": "C"}
    made = [admin("POST", "/users", carol, Idempotency_Key="carol") for _ in range(2)]
    assert [each.status for each in made] == [201, 201]
    path = f"/users/{made[0].body['userId']}"
    assert [admin("GET", each).status for each in ("/users?status=active", path)] == [200, 200]
    assert admin("PUT", path, {"firstName": "Carol", "lastName": "D"}).status == 200
    assert admin("PATCH", path, {"email": "caroline@example.com"}).status == 200
    assert admin("POST", f"{path}/roles", {"role": "admin"}).status == 200
    assert admin("DELETE", f"{path}/roles/admin").status == 200
    assert [admin("PUT", f"{path}/status", {"status": each}).status for each in ("disabled", "active")] == [200, 200]
    assert admin("GET", f"{path}/audit").status == 200
    assert admin("DELETE", path).status == 204


def deliver_late(shop: Shop, inside: Inside) -> None:
    """Every record so far, first while mail is refused, then again."""
    ses = boto3.session.Session().client("sesv2")
    ses.delete_email_identity(EmailIdentity=os.environ["MAIL_FROM"])
    assert deliver(shop, inside)
    renamed = shop.login("root@example.com")("PATCH", f"/products/{id_of('POT-1')}", {"name": "Kettle"})
    assert renamed.status == 200  # its old words leave the search index
    ses.create_email_identity(EmailIdentity=os.environ["MAIL_FROM"])
    assert deliver(shop, inside) == []
    give_up(shop, inside)


def go_wrong(shop: Shop, mug: str, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """What people have to hear of: a request that nobody expected to fail, an end of a payment that is not taken; and
    a cart whose time is over."""
    ada = shop.login()
    user, order = ada("GET", "/auth/me").body["userId"], ada("GET", "/orders?limit=1").body["orders"][0]["orderId"]
    with monkeypatch.context() as broken:
        broken.setattr("chalicelib.products.service.get", _fail(KeyError("nobody expected this")))
        assert shop("GET", f"/products/{mug}").status == 500
        broken.setattr(settlement, "_settle_once", _fail(Unavailable("The table is silent.")))
        placed = order_store.get_owned(user, order)
        assert placed
        settlement.settle(placed, Outcome(state=AttemptState.FAILED))
    expire_cart(shop, inside)


def expire_cart(shop: Shop, inside: Inside) -> None:
    """DynamoDB itself takes away a cart."""
    records = stream_records()
    taken = next(each for each in records if each["dynamodb"]["Keys"]["SK"]["S"] == keys.CART_SK)
    images = {"OldImage" if name == "NewImage" else name: each for name, each in taken["dynamodb"].items()}
    by_time = {"eventID": "by-time", "eventName": "REMOVE", "userIdentity": EXPIRY, "dynamodb": images}
    with inside("handle_table_stream"):
        answer = shop.client.lambda_.invoke("handle_table_stream", {"Records": [{**taken, **by_time}]}).payload
    assert answer == {"batchItemFailures": []}


def _fail(error: Exception) -> Callable[..., None]:
    def failing(*_: object, **__: object) -> None:
        raise error

    return failing


def give_up(shop: Shop, inside: Inside) -> None:
    """A record that nobody can read goes into the dead-letter queue."""
    broken = {"eventID": "broken", "dynamodb": {"SequenceNumber": "1"}}
    with inside("handle_table_stream"):
        answer = shop.client.lambda_.invoke("handle_table_stream", {"Records": [broken]}).payload
    assert answer == {"batchItemFailures": []}


def deliver(shop: Shop, inside: Inside) -> list[str]:
    """Every record so far; the sequence numbers of those that failed."""
    event = {"Records": stream_records()}
    with inside("handle_table_stream"):
        answer = shop.client.lambda_.invoke("handle_table_stream", event).payload
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def stream_records() -> list[dict[str, Any]]:
    return [lambda_record(record, stream.SOURCE) for record in stream.read(_unheard("dynamodbstreams"))]


@functools.cache
def _unheard(service: str) -> Any:
    """A client of a session of its own, so that its calls are nobody's."""
    return boto3.session.Session().client(service)


def answer_mails(shop: Shop, inside: Inside) -> None:
    """Bob resets his password and moves to another address; Dora confirms hers; Ada takes a new password."""
    reset = {"token": mailed_token(BOB, "Reset"), "password": NEW_PASSWORD}
    assert shop("POST", "/auth/password/reset", reset).status == 204
    token = shop("POST", "/auth/login", {"email": BOB, "password": NEW_PASSWORD}).body["accessToken"]
    assert (
        Shop(shop.client, {"Authorization": f"Bearer {token}"})(
            "PUT", "/users/profile", {"email": "robert@new.example.com"}
        ).status
        == 200
    )
    assert deliver(shop, inside) == []
    assert confirm(shop, "robert@new.example.com").status == 204
    assert shop.customer("dora@example.com")("POST", "/auth/logout?all=true").status == 204
    assert deliver(shop, inside) == []
    assert confirm(shop, "dora@example.com").status == 204
    change = {"oldPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert shop.login()("PUT", "/users/password", change).status == 204


def confirm(shop: Shop, address: str) -> ShopAnswer:
    return shop("POST", "/auth/verify", {"token": mailed_token(address, "Please confirm")})


def mailed_token(to: str, subject: str) -> str:
    return next(mail.token for mail in mails() if mail.to == to and mail.subject.startswith(subject))


def rotate(shop: Shop, inside: Inside) -> None:
    """The signing key changes in the steps that Secrets Manager asks for, some of them twice as it may."""
    secret = boto3.session.Session().client("secretsmanager").describe_secret(SecretId=os.environ["JWT_SECRET_NAME"])
    for step in ("createSecret", "createSecret", "setSecret", "testSecret", "finishSecret", "finishSecret"):
        event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": "0b6e4c1e-6f5b-4f0e-9d43-2f0f1c3b7a55"}
        with inside("rotate_jwt_secret"):
            shop.client.lambda_.invoke("rotate_jwt_secret", event)
    keyring.forget()
    current, previous = keyring.get_keys()
    assert current.kid != previous.kid == "initial"


def be_out_of_reach(shop: Shop, inside: Inside) -> None:
    """Mail to Dora comes back, somebody complains of some, and one is not sent."""
    told = (mail_events.bounced("dora@example.com"), mail_events.complained("nobody@e.com"), mail_events.rejected())
    with inside("handle_mail_events"):
        marked = [shop.client.lambda_.invoke("handle_mail_events", event).payload["marked"] for event in told]
    assert marked == [1, 0, 0]


def leave_for_good(shop: Shop, mug: str, inside: Inside) -> None:
    """Customers are forgotten: by themselves, by the stream after a crash, by an admin, and by the schedule later."""
    admin = shop.login("root@example.com")
    eve, frank, gail = (spend_a_life(shop, mug, admin, name) for name in ("eve", "frank", "gail"))
    assert deliver(shop, inside) == []
    assert eve("GET", "/users/profile/export").status == 200
    with mock.patch.object(privacy, "_anonymise", side_effect=Crash), suppress(Crash):
        eve("DELETE", "/users/profile")
    assert deliver(shop, inside) == []  # the stream finishes what died half way
    assert frank("DELETE", "/users/profile").status == 204
    user, orders = gail("GET", "/auth/me").body["userId"], [gail.order((mug, 1)).body["orderId"] for _ in range(2)]
    assert gail("DELETE", "/users/profile").status == 202
    assert gail("DELETE", "/users/profile/erasure").status == 204
    assert admin("POST", f"/users/{user}/roles", {"role": "admin"}).status == 200
    assert admin("POST", f"/users/{user}/erasure").status == 202
    assert shop.login("gail@example.com")("GET", "/auth/me").body["erasure"] == "scheduled"
    for order, status in itertools.product(orders, ("shipped", "delivered")):
        assert admin("PUT", f"/orders/{order}/status", {"status": status}).status == 200
    with mock.patch.object(completion, "_PAGE_SIZE", 1):
        assert [sweep(shop, inside, minutes=15 * 24 * 60)["erased"] for _ in orders] == [0, 1]
    assert ADDRESS["street"] not in admin("GET", "/orders?limit=5").text


def spend_a_life(shop: Shop, mug: str, admin: Shop, name: str) -> Shop:
    """A customer of whom there is something to be forgotten everywhere."""
    new = {"email": f"{name}@example.com", "password": PASSWORD, "firstName": name, "lastName": "Smith"}
    assert shop("POST", "/auth/register", new, Idempotency_Key=name).status == 201
    customer = shop.login(new["email"])
    order = customer.order((mug, 1), Idempotency_Key="order").body["orderId"]
    back = {"amount": 1, "reason": f"{name} asked for it"}
    assert admin("POST", f"/orders/{order}/refunds", back, Idempotency_Key=f"back-{name}").status == 201
    ended = {"status": "cancelled", "reason": f"{name} changed their mind"}
    assert admin("PUT", f"/orders/{order}/status", ended).status == 200
    customer("POST", "/cart/items", {"productId": mug, "quantity": 1})
    assert shop("POST", "/auth/password/forgot", {"email": new["email"]}).status == 202
    return customer
