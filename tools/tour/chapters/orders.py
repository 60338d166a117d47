"""Ada buys, the admin ships and gives money back."""

from __future__ import annotations

from typing import Any

from tools.tour.party import NOBODY, Party


def buy(party: Party) -> None:
    """Orders placed, refused, looked at, cancelled, shipped and refunded."""
    order = _place(party)
    _refuse(party)
    _look(party, order)
    _cancel(party, order)
    _ship(party)
    _refund(party)
    _review(party)


def _place(party: Party) -> dict[str, Any]:
    party.guide.tell("Ada orders her cart with the coupon. Sent again with the same key, it is the same order.")
    key, coupon = f"first-{party.guide.run}", party.ids["coupon"]
    order: dict[str, Any] = party.order(party.ada, items=None, couponCode=coupon, key=key).body
    party.order(party.ada, items=None, couponCode=coupon, key=key)
    party.order(party.ada, items=None, gives=422, code="idempotency_key_reused", key=key)
    return order


def _refuse(party: Party) -> None:
    ada, mug = party.ada, party.ids["mug"]
    party.guide.tell("What cannot be ordered: nothing, too much, what is not there, at another price, to nowhere.")
    party.order(ada, items=None, gives=422, code="empty_cart")
    party.order(ada, items=[{"productId": mug, "quantity": 90}], gives=409, code="insufficient_stock")
    party.order(ada, items=[{"productId": NOBODY, "quantity": 1}], gives=404, code="product_not_found")
    party.order(ada, expectedTotal=1, gives=409, code="cart_changed")
    party.order(ada, couponCode="NOBODYS", gives=422, code="coupon_invalid")
    party.order(ada, shippingAddress={"street": "1 Main Street"}, gives=400, code="validation_failed")
    party.guide.tell("A card that is declined: the order is over, and everything is given back.")
    declined = party.order(ada, "tok_declined", gives=402, code="payment_declined").body["orderId"]
    ada("GET", f"/orders/{declined}/status")


def _look(party: Party, order: dict[str, Any]) -> None:
    ada, path = party.ada, f"/orders/{order['orderId']}"
    party.guide.tell("She sees her orders; somebody else's are not there for Bob.")
    ada("GET", "/orders?limit=1&status=processing")
    ada("GET", "/orders?status=lost", gives=400, code="validation_failed")
    for address in (path, f"{path}/status", f"{path}/refunds"):
        ada("GET", address)
        party.bob("GET", address, gives=404, code="order_not_found")
    ada("GET", f"{path}/refunds?limit=0", gives=400, code="validation_failed")


def _cancel(party: Party, order: dict[str, Any]) -> None:
    ada, path = party.ada, f"/orders/{order['orderId']}/cancel"
    party.guide.tell("She changes her mind: the money is refunded, the stock is back. Twice is as good as once.")
    party.bob("PUT", path, gives=404, code="order_not_found")
    ada("PUT", path, {"reason": "none"}, gives=400, code="validation_failed")
    ada("PUT", path)
    ada("PUT", path)


def _ship(party: Party) -> None:
    admin, order = party.admin, party.order(party.ada).body["orderId"]
    path = f"/orders/{order}/status"
    party.guide.tell("The admin ships another order, step by step, and no step too early or too late.")
    admin("PUT", path, {"status": "delivered"}, gives=409, code="invalid_transition")
    admin("PUT", path, {"status": "lost"}, gives=400, code="validation_failed")
    admin("PUT", f"/orders/{NOBODY}/status", {"status": "shipped"}, gives=404, code="order_not_found")
    admin("PUT", path, {"status": "shipped"})
    party.guide.paid(f"/orders/{order}/cancel", "PUT")
    party.ada("PUT", f"/orders/{order}/cancel", gives=409, code="invalid_transition")
    admin("PUT", path, {"status": "delivered"})
    admin("PUT", path, {"status": "completed"})
    party.ids["shipped"] = order


def _refund(party: Party) -> None:
    admin, mug, run = party.admin, party.ids["mug"], party.guide.run
    path = f"/orders/{party.ids['shipped']}/refunds"
    party.guide.tell("Some of the money goes back, then units, and never more than was paid.")
    for _ in range(2):
        admin("POST", path, {"amount": 1, "reason": "a scratch"}, gives=201, Idempotency_Key=f"sorry-{run}")
    admin("POST", path, {"amount": 1000}, gives=409, code="refund_exceeds_payment")
    admin("POST", path, {"amount": -1}, gives=400, code="validation_failed")
    admin("POST", f"/orders/{NOBODY}/refunds", {}, gives=404, code="order_not_found")
    admin("POST", path, {"items": [{"productId": mug, "quantity": 1}]}, gives=409, code="refund_exceeds_payment")
    admin("POST", path, {}, gives=201)
    admin("POST", path, {}, gives=409, code="refund_exceeds_payment")
    party.ada("GET", path)


def _review(party: Party) -> None:
    party.guide.tell("The admin sees everybody's orders, the last audit, and what only people can put right.")
    party.admin("GET", "/orders?limit=2")
    party.admin("GET", "/admin/audit")
    party.admin("GET", "/admin/incidents?limit=2")
    party.admin("GET", "/admin/incidents?cursor=made-up", gives=400, code="invalid_cursor")
