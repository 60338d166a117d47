"""A day in the shop that leaves out nothing its functions can do, told in short scenes.

`inside(function)` says whose work a scene is where it is not the API's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from typing import Any
from unittest import mock

import boto3
import pytest

from chalicelib import clock, keyring
from chalicelib.orders import settlement
from chalicelib.orders import store as orders
from chalicelib.payments import provider, simulator
from chalicelib.payments.models import AttemptState, Outcome
from chalicelib.privacy import service as privacy
from tests.integration.faults import Crash
from tests.integration.stream import mails
from tests.shop import ADDRESS, PASSWORD, Answer, Shop
from tools.local.stream import lambda_record

Inside = Callable[[str], AbstractContextManager[None]]

BOB = "bob@example.com"
NEW_PASSWORD = "an entirely new passphrase"
SCHEDULED = {
    "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012",
    "time": "2026-11-21T09:30:00Z", "region": "us-east-1", "resources": [], "detail": {},
}  # fmt: skip


def live(shop: Shop, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """From opening the shop to forgetting a customer."""
    mug = shop.admin().product(stock=50)["productId"]
    browse(shop, mug)
    fill_carts(shop, mug)
    buy_and_cancel(shop, mug)
    leave_money_in_doubt(shop, mug, monkeypatch)
    settle(shop, inside)
    hear_too_late(shop, mug, inside, monkeypatch)
    mistype(shop)
    come_and_go(shop)
    manage_users(shop)
    deliver_late(shop, inside)
    answer_mails(shop, inside)
    rotate(shop, inside)
    leave_for_good(shop, mug, inside)
    assert deliver(shop, inside) == []


def browse(shop: Shop, mug: str) -> None:
    for path in ("/hello", "/health", "/products?limit=1", f"/products/{mug}", "/products/category/kitchen"):
        assert shop("GET", path).status == 200


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


def leave_money_in_doubt(shop: Shop, mug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two charges and a refund that the provider did not answer."""
    ada = shop.login()
    for token in ("tok_timeout", "tok_timeout_before"):
        assert ada.order((mug, 1), token=token).status == 202
    paid = ada.order((mug, 1)).body["orderId"]
    with monkeypatch.context() as silent:
        silent.setattr(simulator.Simulator, "refund", no_answer)
        assert ada("PUT", f"/orders/{paid}/cancel").body["paymentStatus"] == "paid"


def no_answer(*_: Any) -> None:
    raise provider.NoAnswer


def sweep(shop: Shop, inside: Inside, *, minutes: int) -> dict[str, int]:
    """What the schedule brings to an end, so many minutes from now."""
    with inside("run_scheduled_work"), clock.fixed(clock.now() + timedelta(minutes=minutes)):
        return dict(shop.client.lambda_.invoke("run_scheduled_work", SCHEDULED).payload)


def settle(shop: Shop, inside: Inside) -> None:
    """The schedule ends all that is in doubt; a charge that the provider never heard of takes it two runs."""
    swept = [sweep(shop, inside, minutes=minutes) for minutes in (20, 21)]
    assert [sum(run[done] for run in swept) for done in ("settled", "refunded")] == [2, 1]


def hear_too_late(shop: Shop, mug: str, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """The schedule learns of a charge only after its order was given up, and so pays it back."""
    ada, look_up = shop.login(), simulator.Simulator.look_up
    user, order = ada("GET", "/auth/me").body["userId"], ada.order((mug, 1), token="tok_timeout").body["orderId"]

    def meanwhile_given_up(ledger: simulator.Simulator, merchant_key: str) -> Outcome | None:
        found, placed = look_up(ledger, merchant_key), orders.owned(user, order)
        assert placed
        with inside("api_handler"):
            settlement.settle(placed, Outcome(state=AttemptState.FAILED))
        return found

    with monkeypatch.context() as slow:
        slow.setattr(simulator.Simulator, "look_up", meanwhile_given_up)
        sweep(shop, inside, minutes=20)
    assert sweep(shop, inside, minutes=21)["refunded"] == 1


def mistype(shop: Shop) -> None:
    """Logins with a wrong password until the address has to wait, and an address that is taken."""
    wrong = {"email": "nobody@example.com", "password": "wrong password"}
    assert [shop("POST", "/auth/login", wrong).status for _ in range(7)] == [401] * 6 + [429]
    assert shop.register().status == 409


def come_and_go(shop: Shop) -> None:
    """Bob's sessions: opened, refreshed, looked at, revoked, and one whose refresh token somebody else has, too."""
    assert shop.register(BOB).status == 201
    bob = shop.login(BOB)
    opened = shop("POST", "/sessions", {"email": BOB, "password": PASSWORD})
    path, spent = f"/sessions/{opened.body['sessionId']}", {"refreshToken": opened.body["refreshToken"]}
    assert [bob("GET", each).status for each in ("/sessions", path)] == [200, 200]
    assert shop("POST", "/auth/refresh", spent).status == 200
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
    ses.create_email_identity(EmailIdentity=os.environ["MAIL_FROM"])
    assert deliver(shop, inside) == []


def deliver(shop: Shop, inside: Inside) -> list[str]:
    """Every record so far; the sequence numbers of those that failed."""
    event = {"Records": stream_records(boto3.session.Session())}
    with inside("handle_table_stream"):
        answer = shop.client.lambda_.invoke("handle_table_stream", event).payload
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def stream_records(session: boto3.session.Session) -> list[dict[str, Any]]:
    streams = session.client("dynamodbstreams")
    arn = streams.list_streams(TableName=os.environ["TABLE_NAME"])["Streams"][0]["StreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    return [lambda_record(record, arn) for record in records]


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


def confirm(shop: Shop, address: str) -> Answer:
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
    current, previous = keyring.known()
    assert current.kid != previous.kid == "initial"


def leave_for_good(shop: Shop, mug: str, inside: Inside) -> None:
    """A customer with an order and a cart takes their data along and is forgotten."""
    eve = shop.customer("eve@example.com")
    order = eve.order((mug, 1)).body["orderId"]
    assert eve("PUT", f"/orders/{order}/cancel").status == 200
    eve("POST", "/cart/items", {"productId": mug, "quantity": 1})
    assert eve("GET", "/users/profile/export").status == 200
    with mock.patch.object(privacy, "_anonymise", side_effect=Crash), suppress(Crash):
        eve("DELETE", "/users/profile")
    assert deliver(shop, inside) == []  # the stream finishes what died half way
    frank = shop.customer("frank@example.com")
    order = frank.order((mug, 1)).body["orderId"]
    assert frank("PUT", f"/orders/{order}/cancel").status == 200
    assert frank("DELETE", "/users/profile").status == 204
    assert ADDRESS["street"] not in shop.login("root@example.com")("GET", "/orders?limit=1").text
