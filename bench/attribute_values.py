"""`python -m bench.attribute_values`: our spelling of attribute values against boto3's, in one run.

An order of five lines is spelled for DynamoDB and read back, in turns so that a busy machine disturbs both alike; the
ratio is the median of those of neighbouring turns. The drawback: boto3 gives Decimals, and what the shop would do with
those is not counted against it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from chalicelib.aws import attributes, keys

ROUNDS, ITEMS_EACH = 50, 200
_LINE = {"productId": "prd_01KAJ5RD8F7ZC6X4W2V0T9S3QH", "productName": "Mug", "quantity": 2, "price": 1250,
         "discount": 0, "tax": 0, "refundedQuantity": 0}  # fmt: skip
_KEY = keys.order("usr_01KAJ5RD8F7ZC6X4W2V0T9S3QH", "ord_01KAJ5RD8F7ZC6X4W2V0T9S3QH")
ORDER = {
    "PK": _KEY.pk, "SK": _KEY.sk, "status": "processing",
    "lines": [_LINE] * 5, "subtotal": 12500, "total": 12990, "currency": "USD", "taxIncluded": False, "version": 2,
    "shippingAddress": {"street": "1 Main Street", "city": "Springfield", "postalCode": "12345", "country": "US"},
    "timeline": [{"status": "pending", "at": "2026-11-21T09:30:00.000Z", "actor": "system"}] * 2,
}  # fmt: skip
_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


def ours() -> Any:
    """There and back by `chalicelib.aws.attributes`."""
    return attributes.plain_item(attributes.wire_item(ORDER))


def boto3s() -> Any:
    """There and back by boto3."""
    wire = {name: _serializer.serialize(value) for name, value in ORDER.items()}
    return {name: _deserializer.deserialize(value) for name, value in wire.items()}


def main() -> None:
    """Print values a second of both, and the ratio."""
    values = _values(ORDER)
    turns = [(_seconds(ours), _seconds(boto3s)) for _ in range(ROUNDS)]
    for name, taken in zip(("ours", "boto3"), zip(*turns, strict=True), strict=True):
        print(f"{name:6} {values * ITEMS_EACH / statistics.median(taken):>10,.0f} values a second, there and back")  # noqa: T201
    print(f"ratio  {statistics.median(theirs / mine for mine, theirs in turns):.1f}")  # noqa: T201


def _seconds(spell: Callable[[], Any]) -> float:
    started = time.perf_counter()
    for _ in range(ITEMS_EACH):
        spell()
    return time.perf_counter() - started


def _values(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_values, inner))


if __name__ == "__main__":
    main()
