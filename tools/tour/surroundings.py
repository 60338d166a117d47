"""What is around the local shop: the outbox of its mails, the buyers' bank, and the storage of images."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import urllib3

from chalicelib.core import clock, ids
from chalicelib.core.deadline import Deadline
from chalicelib.payments.models import AttemptState, Outcome, ProviderEvent, ProviderEventKind
from chalicelib.payments.simulator import webhook_messages
from tools.local import payments
from tools.local.settings import LocalSettings
from tools.tour.guide import Strayed

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1
_TOKEN = re.compile(r"^[\w-]{26,}\.[0-9a-f]{32}$", re.MULTILINE)


@dataclass(frozen=True)
class Surroundings:
    """The services beside the shop, on the ports of its settings."""

    settings: LocalSettings
    payment_secret_name: str

    def mailed_token(self, to: str, subject: str) -> str:
        """The token in the latest mail to an address under a subject that begins so."""
        return wait_for(lambda: self._token(to, subject), f"no mail to {to} came that begins {subject!r}")

    def _token(self, to: str, subject: str) -> str | None:
        outbox = urllib3.request("GET", f"{self.settings.cloud_url}/_ministack/ses/messages").json()["messages"]
        texts = [
            str(mail["BodyText"])
            for mails in outbox.values()
            for mail in mails
            if to in mail["To"] and mail["Subject"].startswith(subject)
        ]
        found = _TOKEN.findall(texts[-1]) if texts else []
        return found[0] if found else None

    def complete_payment(self, order_id: str) -> None:
        """The buyer does at the bank what their payment waits for."""
        url = f"{self.settings.payment_url}/_simulator/payments/{order_id}:1/complete"
        urllib3.request("POST", url)

    def payment_message(self, order: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        """What the payment provider tells of a paid order, with the headers that sign it."""
        cents = round(order["totalAmount"] * 100)
        told = ProviderEvent(
            event_id=ids.new("evt"), kind=ProviderEventKind.PAYMENT, order_id=order["orderId"],
            merchant_key=f"{order['orderId']}:1", amount=cents, currency=order["currency"],
            outcome=Outcome(state=AttemptState.CAPTURED, payment_id=order["paymentId"]), created_at=clock.timestamp(),
        )  # fmt: skip
        body = webhook_messages.write(told)
        return body, self.sign(body)

    def sign(self, body: bytes) -> dict[str, str]:
        """The headers that a message of the provider comes with."""
        return webhook_messages.signed_headers(body, payments.webhook_secret(self.payment_secret_name), clock.epoch())

    def upload(self, form: dict[str, Any], content: bytes) -> int:
        """Post a file to the storage as the shop's form says; its status."""
        fields: list[Any] = [*form["fields"].items(), ("file", ("image", content))]
        return urllib3.request("POST", form["url"], fields=fields, retries=False).status


def wait_for(look: Callable[[], T | None], otherwise: str) -> T:
    """What a look finds as soon as it finds something. Raises `Strayed` when that takes too long."""
    deadline = Deadline(PATIENCE_SECONDS)
    while (found := look()) is None:
        if deadline.is_over:
            raise Strayed(f"Within {PATIENCE_SECONDS:.0f} seconds {otherwise}.")
        time.sleep(LOOK_SECONDS)
    return found
