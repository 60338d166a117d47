"""What a body must keep to beside the types of its fields, as JSON Schema can say it."""

from __future__ import annotations

from typing import Any

JsonSchema = dict[str, Any]

_MONEY = ("amount", "minimumSubtotal")


def _with(*names: str) -> JsonSchema:
    return {"required": list(names), "properties": {name: {"not": {"type": "null"}} for name in names}}


def _without(name: str) -> JsonSchema:
    return {"properties": {name: {"type": "null"}}}


def _above_zero(name: str, **more: int) -> JsonSchema:
    return {"properties": {name: {"type": "number", "exclusiveMinimum": 0, **more}}}


_COUPON: JsonSchema = {
    # Generators of clients would make two types of a choice (oneOf), without what they have in common.
    "if": {"properties": {"kind": {"const": "percentage"}}},
    "then": {"allOf": [_with("percent"), _without("amount"), _above_zero("percent", maximum=100)]},
    "else": {"allOf": [_with("amount", "currency"), _without("percent"), _above_zero("amount")]},
    "allOf": [{"if": {"required": ["minimumSubtotal"], **_above_zero("minimumSubtotal")}, "then": _with("currency")}],
}
_REFUND: JsonSchema = {"not": {"required": ["amount", "items"], "properties": {"amount": {}, "items": {}}}}

_MOVEMENT: JsonSchema = {"allOf": [{"properties": {"delta": {"not": {"const": 0}}}}]}

_RULES: dict[str, JsonSchema] = {"NewCoupon": _COUPON, "NewMovement": _MOVEMENT, "RefundRequest": _REFUND}


def apply(name: str, schema: JsonSchema) -> JsonSchema:
    """The schema of that name with the rules that hold for it."""
    return {**schema, **_RULES.get(name, {})}
