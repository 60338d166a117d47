"""What tests of payments begin with: an attempt, a refund, the payment secret, and a shop that takes webhooks."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import msgspec
import pytest

from chalicelib.core import clock, settings
from chalicelib.payments import credentials
from chalicelib.payments.models import Attempt, Refund
from chalicelib.payments.stripe import provider as stripe_provider
from tests.support import fake_stripe

SECRET = "a-webhook-secret-of-the-tests"
_numbers = itertools.count(1)


def attempt(number: int = 1, order: str | None = None, **changes: Any) -> Attempt:
    """An attempt to be paid 25 dollars for an order of its own."""
    made = Attempt(
        order_id=order or f"ord_{next(_numbers):026d}", user_id="usr_1", number=number, amount=2500, currency="USD",
        created_at=clock.timestamp(),
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


def refund_of(paid: Attempt, paid_as: str | None, amount: int = 2500, **changes: Any) -> Refund:
    """A refund that is about to be asked for."""
    names = {"order_id": paid.order_id, "user_id": "usr_1", "payment_id": str(paid_as)}
    return msgspec.structs.replace(Refund.of(**names, amount=amount, currency=paid.currency), **changes)


def keep_secret(value: Any) -> None:
    """Put that into the stage's payment secret, and forget what was read before."""
    client, name = _unwatched_secrets(), "ecommerce/test/payment/api-key"
    text = value if isinstance(value, str) else json.dumps(value)
    if any(secret["Name"] == name for secret in client.list_secrets()["SecretList"]):
        client.put_secret_value(SecretId=name, SecretString=text)
    else:
        client.create_secret(Name=name, SecretString=text)
    credentials.forget()


@cache
def _unwatched_secrets() -> Any:
    """A client of a session of its own, so that it is not taken for one of the shop's."""
    return boto3.session.Session().client("secretsmanager")


@contextmanager
def paid_by_stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_stripe.StripeAccount]:
    """The stage is paid through the Stripe on loopback, for the length of the block; what that one knows."""
    keep_secret({"apiKey": fake_stripe.API_KEY, "webhookSecret": "whsec_of_the_tests"})
    with monkeypatch.context() as changed, fake_stripe.running() as (url, known):
        changed.setattr(stripe_provider, "TIMEOUTS", (60, 60))
        changed.setenv("PAYMENT_PROVIDER", "stripe")
        changed.setenv("PAYMENT_URL", url)
        settings.current.cache_clear()
        settings.current()  # while Chalice's test client serves a request, the stage's own variables are back
        stripe_provider._client.cache_clear()
        try:
            yield known
        finally:
            stripe_provider._client("", url)._requestor._client.close()
            settings.current.cache_clear()
            stripe_provider._client.cache_clear()
            credentials.forget()


class Mailbox:
    """A shop that takes webhooks: what came, and the statuses to answer with before it says 200.

    Every answer comes after `delay` seconds, and one that redirects leads here again.
    """

    def __init__(self) -> None:
        self.came: list[tuple[bytes, dict[str, str]]] = []
        self.refusals: list[int] = []
        self.delay = 0.0
        self.changed = threading.Condition()
        self.url = ""

    def wait_for(self, count: int, seconds: float = 60) -> list[dict[str, Any]]:
        """The bodies, once so many have come."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.came) >= count, seconds), self.came
            return [json.loads(body) for body, _ in self.came]


class _Handler(BaseHTTPRequestHandler):
    server: Any
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body, box = self.rfile.read(int(self.headers["Content-Length"])), self.server.box
        with box.changed:
            box.came.append((body, dict(self.headers)))
            status = box.refusals.pop(0) if box.refusals else 200
            box.changed.notify_all()
        time.sleep(box.delay)
        self.send_response(status)
        if status in range(300, 400):
            self.send_header("Location", box.url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A shop on loopback that takes webhooks, for the length of the block."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.box = box = Mailbox()
    box.url = f"http://127.0.0.1:{server.server_address[1]}/payments/webhook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
