"""Payments that do not go smoothly, and what the provider tells of them."""

from __future__ import annotations

from tools.tour.party import Party
from tools.tour.surroundings import wait_for


def pay(party: Party) -> None:
    """A payment that waits for its buyer, one whose answer is lost, and the provider's messages."""
    _wait_for_buyer(party)
    _lose_answer(party)


def _wait_for_buyer(party: Party) -> None:
    ada = party.ada
    party.guide.tell("A payment that waits for its buyer: nothing is paid until the bank says so.")
    placed = party.order(ada, "tok_requires_action", gives=202).body
    party.around.complete_payment(placed["orderId"])
    _wait_until_paid(party, placed["orderId"])
    order = ada("GET", f"/orders/{placed['orderId']}").body

    party.guide.tell("So the provider tells it: signed, and as often as it likes. What it did not sign is refused.")
    message, signed = party.around.payment_message(order)
    provider = party.guide.visitor("bank")
    told = {name.replace("-", "_"): value for name, value in signed.items()}
    provider("POST", "/payments/webhook", message, gives=204, **told)
    provider("POST", "/payments/webhook", message, gives=400, code="invalid_signature")
    garbled = {name.replace("-", "_"): value for name, value in party.around.sign(b"paid").items()}
    provider("POST", "/payments/webhook", b"paid", gives=400, code="unreadable_event", **garbled)
    ada("PUT", f"/orders/{order['orderId']}/cancel")


def _lose_answer(party: Party) -> None:
    party.guide.tell("A charge whose answer is lost is in doubt, never a failure; the provider's message settles it.")
    placed = party.order(party.ada, "tok_timeout", gives=202).body
    _wait_until_paid(party, placed["orderId"])
    party.ada("PUT", f"/orders/{placed['orderId']}/cancel")


def _wait_until_paid(party: Party, order_id: str) -> None:
    """Look, without printing each look, until the order is paid; then show it."""
    quiet = party.guide.send
    path = f"/orders/{order_id}/status"

    def is_paid() -> bool | None:
        return quiet("GET", path, None, party.ada.headers).body["paymentStatus"] == "paid" or None

    wait_for(is_paid, f"the order {order_id} was not paid")
    party.ada("GET", path)
