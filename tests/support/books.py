"""A payment provider with books in memory, so that asking it is one call, and what books and shop must agree on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from chalicelib.aws import keys
from chalicelib.payments import port
from chalicelib.payments.models import ProviderEvent
from chalicelib.payments.simulator import ledger, webhook_messages
from chalicelib.payments.simulator.behaviour import Simulation
from chalicelib.payments.simulator.ledger import CallRow, PaymentRow, RefundRow
from tests.support.faults import Fault
from tests.support.table import everything

Items = dict[keys.Key, dict[str, Any]]
LEGAL = {
    "processing": {"paid", "partially_refunded", "refunded", "none"},
    "cancelled": {"failed", "voided", "refunded", "none"},  # and paid, where the provider refused to give it back
    "expired": {"voided"},
}
PAID = {"paid", "partially_refunded", "refunded"}
OVER = {"cancelled", "expired"}


class Books:
    """A ledger in memory (`simulated.Ledger`): the oracle of what was charged and given back."""

    def __init__(self) -> None:
        self.payments: dict[str, PaymentRow] = {}
        self.refunds: dict[str, RefundRow] = {}
        self.journal: list[CallRow] = []

    def open(self, payment: PaymentRow, asked: CallRow) -> bool:
        is_new = payment.merchant_key not in self.payments
        self.payments.setdefault(payment.merchant_key, payment)
        self.journal.append(asked if is_new else asked.without_effect())
        return is_new

    def payment(self, merchant_key: str) -> PaymentRow | None:
        return self.payments.get(merchant_key)

    def refund(self, refund_id: str) -> RefundRow | None:
        return self.refunds.get(refund_id)

    def change(
        self, before: PaymentRow, after: PaymentRow, asked: CallRow, given_back: RefundRow | None = None
    ) -> bool:
        if self.payments[before.merchant_key] != before or not self.note(asked, given_back):
            return False
        self.payments[before.merchant_key] = after
        return True

    def note(self, asked: CallRow, given_back: RefundRow | None = None) -> bool:
        if given_back:
            if given_back.refund_id in self.refunds:
                return False
            self.refunds[given_back.refund_id] = given_back
        self.journal.append(asked)
        return True

    def of(self, order_id: str) -> PaymentRow | None:
        return self.payments.get(f"{order_id}:1")


class Undisputed(Books):
    """Books that nobody else changes meanwhile: what was read of a payment is what there is."""

    def change(
        self, before: PaymentRow, after: PaymentRow, asked: CallRow, given_back: RefundRow | None = None
    ) -> bool:
        assert super().change(before, after, asked, given_back)
        return True


class Paid(Simulation):
    """The provider over those books."""

    def __init__(self, books: Books) -> None:
        super().__init__(books)

    def read_event(self, body: bytes, headers: Mapping[str, str], now: int) -> ProviderEvent | None:
        return webhook_messages.read(body, headers, now)


class Outside:
    """A provider with a fault around every call but those that ask nobody."""

    def __init__(self, real: Any, fault: Fault) -> None:
        self.real = real
        self.fault = fault

    def __getattr__(self, operation: str) -> Any:
        if operation in ("read_event", "limits"):
            return getattr(self.real, operation)
        return lambda *said: self.fault(f"provider.{operation}", {}, lambda: getattr(self.real, operation)(*said))


class Mute(Outside):
    """A provider that does as it is asked and whose answers are all lost."""

    def __init__(self, real: Any) -> None:
        def unheard(_operation: str, _request: dict[str, Any], go_on: Any) -> Any:
            go_on()
            raise port.NoAnswer

        super().__init__(real, unheard)


def under(items: Items, sk: str, pk: str = "") -> list[dict[str, Any]]:
    """The items whose keys begin so."""
    return [item for (of, at), item in items.items() if at.startswith(sk) and of.startswith(pk)]


def in_doubt(items: Items) -> list[dict[str, Any]]:
    """What is not over yet: orders that wait for their payment, refunds under way, messages kept for later."""
    orders = [order for order in under(items, "ORDER#", "USER#") if order["status"] == "pending"]
    refunds = [refund for refund in under(items, "REFUND#") if refund["state"] == "pending"]
    return [*orders, *refunds, *under(items, "EVENT", "PARKED#")]


def audit(books: Books, initial: Mapping[str, int]) -> None:
    """Assert that shop and books agree and that nothing is left half done; `initial` is the stock of each product."""
    items = everything()
    orders = under(items, "ORDER#", "USER#")
    assert in_doubt(items) == []
    assert [record for record in under(items, "RECORD", "IDEM#") if not {"body", "status"} & {*record}] == []
    _audit_goods(items, orders, initial)
    for order in orders:
        refunds = under(items, "REFUND#", f"ORDER#{order['orderId']}")
        stays = {"paid"} if any(refund["state"] == "failed" for refund in refunds) else set()
        end = (order["status"], order["paymentStatus"])
        assert order["paymentStatus"] in LEGAL[order["status"]] | stays, end
        _audit_money(items, order, books)
    known = {order["orderId"] for order in orders}
    assert {payment.order_id for payment in books.payments.values()} <= known


def _audit_goods(items: Items, orders: list[dict[str, Any]], initial: Mapping[str, int]) -> None:
    live = [order for order in orders if order["status"] not in OVER]
    sold: Counter[str] = Counter()
    for order in live:
        sold.update({line["productId"]: line["quantity"] for line in order["lines"]})
    left = {product_id: items[(f"PRODUCT#{product_id}", "STOCK")]["stock"] for product_id in initial}
    assert left == {product_id: units - sold[product_id] for product_id, units in initial.items()}
    used = sorted(order["orderId"] for order in live if order.get("couponCode"))
    assert sorted(use["orderId"] for use in under(items, "USE#")) == used
    counts = [*under(items, "METADATA", "COUPON#"), *under(items, "USER#", "COUPON#")]
    assert {item["uses"] for item in counts} <= {len(used)}, counts


def _audit_money(items: Items, order: dict[str, Any], books: Books) -> None:
    order_id, is_paid = order["orderId"], order["paymentStatus"] in PAID
    taken = [line for line in books.journal if line.key.startswith(f"{order_id}:") and line.effect == "captured"]
    assert [line.amount for line in taken] == ([order["total"]] if is_paid else []), books.journal
    back = [each for each in books.refunds.values() if each.order_id == order_id]
    payment = books.of(order_id)
    lost = sum(each.amount for each in (payment.disputes if payment else ()) if each.status == "lost")
    gone = lost + sum(each.amount for each in back if each.state == "succeeded")
    assert (order["refunded"], order["reserved"]) == (gone, 0), (order["refunded"], order["reserved"], back)
    rows = {
        row.get("providerId") or row["refundId"]: row["state"] for row in under(items, "REFUND#", f"ORDER#{order_id}")
    }
    assert rows == {each.refund_id: each.state for each in back}
    expected = "paid" if not gone else "refunded" if gone == order["total"] else "partially_refunded"
    assert not is_paid or order["paymentStatus"] == expected
    for attempt in under(items, "PAY#", f"ORDER#{order_id}"):
        _audit_attempt(attempt, order, books)


def _audit_attempt(attempt: dict[str, Any], order: dict[str, Any], books: Books) -> None:
    row = books.payments.get(f"{order['orderId']}:{attempt['number']}")
    was_processed = any(entry["status"] == "processing" for entry in order["timeline"])
    expected = row.state if row and was_processed else ledger.AttemptState(attempt["state"])
    assert attempt["state"] == expected, (attempt, row)
    assert (attempt["state"] in {"captured", "partially_refunded", "refunded"}) is was_processed
