"""What can stand in the way of an order, and what its caller can do about it."""

from __future__ import annotations

from chalicelib.core.errors import Conflict, NotFound, Unprocessable


class EmptyCart(Unprocessable):
    """There is nothing to order."""

    code = "empty_cart"


class NoSuchOrder(NotFound):
    """No order has that id, or it is somebody else's (O4)."""

    code = "order_not_found"


class TotalTooLarge(Unprocessable):
    """More money than one order may move (M1)."""

    code = "total_too_large"


class CartChanged(Conflict):
    """The total is not what the buyer was shown (C2)."""

    code = "cart_changed"


class RefundExceedsPayment(Conflict):
    """More than is left of what was paid."""

    code = "refund_exceeds_payment"


class NothingToRefund(Unprocessable):
    """The units were paid with nothing, or with less than the smallest unit of money."""

    code = "nothing_to_refund"


class NotPaid(Conflict):
    """Nothing was paid that could be given back."""

    code = "order_not_paid"


class ShippingHeld(Conflict):
    """The payment was refunded or is disputed at the provider, so goods are sent only if an admin says so (F20)."""

    code = "shipping_held"

    def __init__(self, held: str | None) -> None:
        what = {"dispute": "is disputed or lost to a dispute", "refund": "was refunded"}[held or "refund"]
        message = f'Its payment {what} at the provider; to ship it nevertheless, say "despite": "{held}".'
        super().__init__(message, facts={"held": held})


class RefundFailed(Conflict):
    """The provider refused to give the money back; nothing has changed."""

    code = "refund_failed"
    is_recorded = True
