"""`python -m tools.events`: write docs/events.md and docs/events.schema.json from the shapes that the code tells.

The schema is JSON Schema 2020-12, with one definition a type of event; the examples are made here, and a test holds
the files to the shapes and the examples to the schema.
"""

from __future__ import annotations

import json
from decimal import Decimal
from inspect import cleandoc
from pathlib import Path
from textwrap import fill
from typing import Any

import msgspec

from chalicelib.core.events import Event, Kind, type_of
from chalicelib.notifications.event_schemas import (
    EVENT_SCHEMAS,
    CartData,
    Data,
    OrderData,
    OrderLineData,
    ProductData,
    RefundData,
    StockData,
    UserData,
)
from chalicelib.users.schemas import UserStatus

DOCS = Path(__file__).parents[1] / "docs"
PAGE, SCHEMA = DOCS / "events.md", DOCS / "events.schema.json"
_AT, _LATER = "2026-11-21T09:30:00.000Z", "2026-11-23T14:05:21.318Z"
_USER, _ORDER, _PRODUCT = (f"{prefix}_01KAJ5RD8F7ZC6X4W2V0T9S3QH" for prefix in ("usr", "ord", "prd"))
_ADMIN = "usr_01KAH8Y2M4N6P8Q0R2S4T6V8W0"

WHEN = {
    Kind.ORDER_CREATED: "An order was placed; whether it is paid is told next.",
    Kind.ORDER_CONFIRMED: "The money for an order has come.",
    Kind.ORDER_SHIPPED: "The goods are on their way.",
    Kind.ORDER_DELIVERED: "The goods have arrived.",
    Kind.ORDER_COMPLETED: "Nothing is left to be done for an order.",
    Kind.ORDER_CANCELLED: "The buyer or the shop has cancelled, or the payment was declined.",
    Kind.ORDER_EXPIRED: "An order was not paid in time.",
    Kind.REFUND_SUCCEEDED: "The payment provider has sent money back.",
    Kind.PRODUCT_CREATED: "A product is new, for sale or not.",
    Kind.PRODUCT_UPDATED: "What describes a product has changed; its stock is not told.",
    Kind.PRODUCT_DELETED: "A product has left the catalogue.",
    Kind.STOCK_LOW: "A sale or an adjustment took the stock to the stage's threshold or below it.",
    Kind.USER_CREATED: "Somebody has an account.",
    Kind.USER_UPDATED: "An account has changed; the names of the fields are told, never their values.",
    Kind.USER_DELETED: "An account has ended.",
    Kind.CART_ABANDONED: "A customer left something in their cart and was reminded of it.",
    Kind.CART_EXPIRED: "A cart was removed because nobody had touched it for its whole lifetime.",
}


# Where an order stands after each, as it is paid at once or else never: status, payment, who did it, version, when.
# A cancelled order is still paid at that moment, for its refund is begun then and told when it has succeeded.
_STEPS = {
    Kind.ORDER_CREATED: ("pending", "pending", _USER, 1, _AT),
    Kind.ORDER_CONFIRMED: ("processing", "paid", "system", 2, "2026-11-21T09:30:00.742Z"),
    Kind.ORDER_SHIPPED: ("shipped", "paid", _ADMIN, 3, "2026-11-22T08:12:45.105Z"),
    Kind.ORDER_DELIVERED: ("delivered", "paid", _ADMIN, 4, _LATER),
    Kind.ORDER_COMPLETED: ("completed", "paid", _ADMIN, 5, "2026-12-07T10:00:03.960Z"),
    Kind.ORDER_CANCELLED: ("cancelled", "paid", _USER, 4, "2026-11-21T11:47:09.233Z"),
    Kind.ORDER_EXPIRED: ("expired", "voided", "system", 3, "2026-11-21T09:46:12.571Z"),
}
_TIMES = {kind: at for kind, (*_, at) in _STEPS.items()} | {
    Kind.REFUND_SUCCEEDED: "2026-12-09T14:05:22.004Z",
    Kind.PRODUCT_CREATED: _AT,
    Kind.USER_CREATED: _AT,
    Kind.CART_ABANDONED: "2026-11-22T10:10:04.127Z",
    Kind.CART_EXPIRED: "2027-02-19T11:21:38.000Z",
}


def example(kind: Kind) -> Event:
    """What an event of that kind may look like."""
    data = msgspec.to_builtins(_example_data(kind), builtin_types=(Decimal,))
    told = {name: value for name, value in data.items() if value is not None}
    return Event(
        id="evt_" + "4f" * 16,
        type=type_of(kind),
        timestamp=_time_of(kind),
        data=told,
        correlation_id="1-67891233-abcdef012345678912345678",
    )


def _time_of(kind: Kind) -> str:
    return _TIMES.get(kind, _LATER)


def _example_data(kind: Kind) -> Data:
    shape = EVENT_SCHEMAS[kind]
    if shape is OrderData:
        return _order(kind)
    if shape is UserData:
        return _user(kind)
    examples: dict[Any, Data] = {
        RefundData: RefundData(
            refund_id="ref_01KAJ5RD8F7ZC6X4W2V0T9S3QH", order_id=_ORDER, user_id=_USER, amount=Decimal("5.00"),
            currency="USD", order_version=6, created_at="2026-12-09T14:05:20.311Z",
        ),
        ProductData: ProductData(
            product_id=_PRODUCT, name="Mug", price=Decimal("12.50"), currency="USD", category="kitchen",
            is_active=kind is not Kind.PRODUCT_DELETED, sku="MUG-1",
            version=1 if kind is Kind.PRODUCT_CREATED else 2, updated_at=_time_of(kind),
        ),
        StockData: StockData(product_id=_PRODUCT, stock=5),
        CartData: CartData(user_id=_USER, item_count=2, currency="USD", updated_at=_AT),
    }  # fmt: skip
    return examples[shape]


def _user(kind: Kind) -> UserData:
    changed = {
        Kind.USER_CREATED: [
            "status", "roles", "emailVerified", "email", "firstName", "lastName", "addresses", "locale",
            "cartReminders", "password",
        ],
        Kind.USER_UPDATED: ["firstName"],
        Kind.USER_DELETED: ["status", "password"],
    }[kind]  # fmt: skip
    return UserData(
        user_id=_USER, status=UserStatus.DELETED if kind is Kind.USER_DELETED else UserStatus.ACTIVE,
        roles=["customer"], changed=changed, version=1 if kind is Kind.USER_CREATED else 2, updated_at=_time_of(kind),
    )  # fmt: skip


def _order(kind: Kind) -> OrderData:
    price = Decimal("12.50")
    status, payment, actor, version, _ = _STEPS[kind]
    return OrderData(
        order_id=_ORDER, user_id=_USER, status=status, payment_status=payment,
        items=[OrderLineData(product_id=_PRODUCT, quantity=2, price=price, subtotal=2 * price)],
        subtotal=2 * price, discount=Decimal("0.00"), shipping=Decimal("4.90"), tax=Decimal("0.00"),
        total_amount=Decimal("29.90"), currency="USD", coupon_code=None, actor=actor, version=version,
        created_at=_AT,
    )  # fmt: skip


def schema() -> dict[str, Any]:
    """The JSON Schema of everything that is told."""
    types = {type_of(kind): shape for kind, shape in EVENT_SCHEMAS.items()}
    (envelope, *shapes), parts = msgspec.json.schema_components(
        (Event, *dict.fromkeys(types.values())), ref_template="#/$defs/{name}"
    )
    refs = dict(zip(dict.fromkeys(types.values()), shapes, strict=True))
    for name, shape in types.items():
        told = {"type": {"const": name}, "data": refs[shape]}
        parts[name] = {"title": name, "allOf": [envelope, {"properties": told, "required": ["type", "data"]}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The shop's events",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in types],
        "$defs": _written(parts),
    }


def _written(part: Any) -> Any:
    """Amounts are told as numbers, where msgspec would have them as text, and docstrings without their indentation."""
    if isinstance(part, list):
        return [_written(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    if part.get("format") == "decimal":
        return {"type": "number"}
    written = {name: _written(inner) for name, inner in part.items()}
    described = written.get("description")
    return {**written, "description": cleandoc(described)} if isinstance(described, str) else written


_OPENING = """# Events

Whatever happens in the shop is told on the EventBridge bus `ecommerce-STAGE` (source `ecommerce`,
the type as detail-type) and to the webhooks that a shop registers, in the same envelope. This page
and [events.schema.json](events.schema.json) are written by `make docs`.

- `id` names the event. It may come more than once, with the same id: whoever counts must know it
  again.
- `timestamp` is when it happened, in milliseconds: the time that the shop wrote with the change
  itself, which the API shows as `createdAt`, as `updatedAt`, or in an order's timeline. Only that
  of `cart.expired` is a whole second, in which the table removed the cart.
- Events come about in the order in which they happened; one that had to be tried again comes late.
  What is told of one order is to be put in order by `version`, for a refund by its `orderVersion`:
  no two are the same, and the higher is the later. (Some changes are counted and not told, so there
  are gaps.) The timestamps of one order go the same way, but two may be equal. The `version` of a
  product or an account does so among its own events. Across different things go by `timestamp`,
  which is as good as the clocks of the shop's machines agree.
- `type` ends in the version of the shape of `data`. Fields may be added to a version; any other
  change makes a new one, which is told beside the old for at least 90 days.
- Amounts are decimal numbers in the currency's own precision. What is not there is left out.
- No event holds a name, an address, an email or a secret: of a person, only the id.
- `correlationId` is that of the request that began it; it is in the logs and in the tags of mails
  too.

| type | when | data |
|---|---|---|
"""


def page() -> str:
    """The page about events."""
    rows = [
        f"| [`{type_of(kind)}`](#{_anchor(kind)}) | {WHEN[kind]} | {EVENT_SCHEMAS[kind].__name__} |"
        for kind in EVENT_SCHEMAS
    ]
    sections = [_section(kind) for kind in EVENT_SCHEMAS]
    return _OPENING + "\n".join(rows) + "\n\n" + "\n".join(sections)


def _section(kind: Kind) -> str:
    pretty = json.dumps(json.loads(example(kind).body()), indent=2)
    words = fill(f"{WHEN[kind]} {_promise(EVENT_SCHEMAS[kind])}", 100, break_long_words=False, break_on_hyphens=False)
    return f"## {type_of(kind)}\n\n{words}\n\n```json\n{pretty}\n```\n"


def _promise(shape: Any) -> str:
    return " ".join(str(shape.__doc__).split())


def _anchor(kind: Kind) -> str:
    return type_of(kind).replace(".", "")


def main() -> None:
    """Write both files."""
    PAGE.write_text(page(), "utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
