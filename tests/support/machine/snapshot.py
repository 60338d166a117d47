"""What the table holds after a story, and what does not add up in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.support.books import Books
from tests.support.machine.rules import ATTEMPT_OF, GONE, NO_MONEY, PAID, Item, Snapshot, kind_of
from tests.support.table import everything


def snapshot() -> Snapshot:
    """What the table holds, by kind; what belongs to an order by its id."""
    taken: Snapshot = {each: {} for each in ("order", "attempt", "stock", "coupon", "cart")}
    for kind in ("refund", "incident", "movement", "use", "user_uses", "parked"):
        taken[kind] = []
    for key, item in everything().items():
        kind = kind_of(key)
        if kind in ("order", "attempt"):
            taken[kind][item["orderId"]] = item
        elif kind == "stock":
            taken[kind][key.pk.partition("#")[2]] = item
        elif kind == "coupon":
            taken[kind][item["code"]] = item
        elif kind == "cart":
            taken[kind][key.pk.partition("#")[2]] = item
        elif kind:
            taken[kind].append(item)
    taken["order"] = dict(sorted(taken["order"].items()))
    return taken


def faults_of(found: Snapshot, books: Books, unheard: set[str]) -> Iterator[str]:
    """What does not add up in the whole table; `unheard` are orders of which the provider has news."""
    yield from _stock_faults(found)
    yield from _coupon_faults(found)
    for order in found["order"].values():
        yield from _sum_faults(order)
        yield from _money_faults(order, found, books, unheard)
        yield from _refund_faults(order, found, books)
    for incident in found["incident"]:
        if not incident["name"].startswith("refund-ref_"):
            yield f"an incident that nobody caused: {incident['name']} {incident['facts']}"


def _stock_faults(found: Snapshot) -> Iterator[str]:
    """S1 from scratch: initial + movements - live lines = stock."""
    moved, live = Counter[str](), Counter[str]()
    for movement in found["movement"]:
        moved[movement["productId"]] += movement["delta"]
    for order in found["order"].values():
        if order["status"] not in GONE:
            live.update({line["productId"]: line["quantity"] for line in order["lines"]})
    for product_id, offer in found["stock"].items():
        expected = moved[product_id] - live[product_id]
        if offer["stock"] != expected or expected < 0:
            yield f"S1 {product_id} has {offer['stock']} left, not {expected}"


def _coupon_faults(found: Snapshot) -> Iterator[str]:
    for code, coupon in found["coupon"].items():
        holders = [o for o in found["order"].values() if o.get("couponCode") == code and o["status"] not in GONE]
        uses = {use["orderId"] for use in found["use"] if use["PK"].endswith(f"#{code}")}
        by_user = {u["SK"].partition("#")[2]: u["uses"] for u in found["user_uses"] if u["PK"].endswith(f"#{code}")}
        if coupon["uses"] != len(holders) or coupon["uses"] > coupon["totalLimit"]:
            yield f"coupon {code} counts {coupon['uses']} uses, and {len(holders)} orders hold it"
        if uses != {order["orderId"] for order in holders}:
            yield f"coupon {code} is noted as used by {uses}"
        if +Counter(by_user) != Counter(order["userId"] for order in holders) or min(by_user.values(), default=0) < 0:
            yield f"coupon {code} counts {by_user} by user"
        if max(by_user.values(), default=0) > coupon.get("perUserLimit", 99):
            yield f"coupon {code} was used too often by one: {by_user}"


def _sum_faults(order: Item) -> Iterator[str]:
    """M3: the parts add up, each at least 0."""
    name, lines = order["orderId"], order["lines"]
    parts = [order[each] for each in ("subtotal", "discount", "shipping", "tax", "shippingTax", "total")]
    parts += [line[each] for line in lines for each in ("price", "discount", "tax", "refundedQuantity")]
    added = 0 if order["taxIncluded"] else order["tax"]
    holds = (
        min(parts) >= 0,
        order["subtotal"] == sum(line["price"] * line["quantity"] for line in lines),
        order["discount"] == sum(line["discount"] for line in lines),
        order["tax"] == sum(line["tax"] for line in lines) + order["shippingTax"],
        order["total"] == order["subtotal"] - order["discount"] + order["shipping"] + added,
        all(line["refundedQuantity"] <= line["quantity"] for line in lines),
    )
    if not all(holds):
        yield f"M3 {name} does not add up: {holds}"


def _money_faults(order: Item, found: Snapshot, books: Books, unheard: set[str]) -> Iterator[str]:
    name, status, money = order["orderId"], order["status"], order["paymentStatus"]
    attempt, payment = found["attempt"].get(name), books.of(name)
    charges = [line for line in books.journal if line.effect == "captured" and line.key.partition(":")[0] == name]
    if len(charges) > 1 or len([p for p in books.payments.values() if p.order_id == name]) > 1:
        yield f"P6 {name} was charged {len(charges)} times"
    if not order["total"]:
        if attempt or payment or money != "none":
            yield f"C9 {name} costs nothing and has a payment"
        return
    if attempt is None or attempt["state"] not in ATTEMPT_OF.get(money, set()):
        yield f"P1 {name} is {money}, its attempt {attempt and attempt['state']}"
    if payment and (payment.amount, payment.currency) != (order["total"], order["currency"]):
        yield f"P5 {name} was charged {payment.amount} {payment.currency}"
    captured = payment is not None and payment.state in PAID | {"captured"}
    if money in PAID and not captured:
        yield f"P6 {name} is {money}, and the provider has not charged it"
    if captured and money not in PAID and status != "pending" and name not in unheard:
        yield f"P6 {name} was charged and is {status}/{money}"
    may_be = PAID | NO_MONEY if status in GONE else PAID
    if money not in may_be and (status != "pending" or money in NO_MONEY):
        yield f"P1 {name} is {status} and {money}"


def _refund_faults(order: Item, found: Snapshot, books: Books) -> Iterator[str]:
    """R1: what is set aside and what is back are the rows' sums, never more than was paid, and the provider's."""
    name, rows = order["orderId"], [row for row in found["refund"] if row["orderId"] == order["orderId"]]
    sums, units = Counter[str](), Counter[str]()
    for row in rows:
        sums[row["state"]] += row["amount"]
        if row["state"] != "failed":
            units.update({item["productId"]: item["quantity"] for item in row["items"]})
    if (order["reserved"], order["refunded"]) != (sums["pending"], sums["succeeded"]):
        yield f"R1 {name} has {order['reserved']} reserved, {order['refunded']} refunded, and rows of {dict(sums)}"
    if order["refunded"] + order["reserved"] > (order["total"] if order["paymentStatus"] in PAID else 0):
        yield f"R1 {name} gives {order['refunded']} + {order['reserved']} of {order['total']} back"
    if any(line["refundedQuantity"] != units[line["productId"]] for line in order["lines"]):
        yield f"R2 {name} counts other units than its refunds"
    back, total = order["refunded"], order["total"]
    expected = "refunded" if back == total else "partially_refunded" if back else "paid"
    if order["paymentStatus"] in PAID and total and order["paymentStatus"] != expected:
        yield f"R1 {name} is {order['paymentStatus']} with {back} of {total} back"
    yield from _ledger_refund_faults(order, rows, books)
    failed = {f"refund-{row['refundId']}" for row in rows if row["state"] == "failed"}
    told = {each["name"] for each in found["incident"] if each["orderId"] == name}
    if not failed <= told:
        yield f"R1 nobody was told that {failed - told} failed"


def _ledger_refund_faults(order: Item, rows: list[Item], books: Books) -> Iterator[str]:
    name, by_id = order["orderId"], {row["refundId"]: row for row in rows}
    done = [row for row in books.refunds.values() if row.order_id == name]
    for entry in done:
        row = by_id.get(entry.refund_id)
        if row is None or row["amount"] != entry.amount or row["state"] not in ("pending", entry.state):
            yield f"R1 {name}: the provider's refund {entry.refund_id} is not ours"
    succeeded = sum(entry.amount for entry in done if entry.state == "succeeded")
    settled = {row["refundId"] for row in rows if row["state"] != "pending"}
    if not settled <= {entry.refund_id for entry in done}:
        yield f"R1 {name} has refunds that the provider never made"
    payment = books.of(name)
    if payment and payment.refunded != succeeded:
        yield f"R1 {name}: the provider's books are wrong"
