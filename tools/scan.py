"""Reading the whole table, which no request may do: it lives with the tools, so that the app has no way to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.aws import attributes, db, transport
from chalicelib.core import settings


def pages(
    prefix: str, *, sks: Sequence[str] = (), only: Sequence[str] | None = None, table: str | None = None
) -> Iterator[list[db.Item]]:
    """All items whose partition begins with `prefix`, a page at a time; of the stage's table, or of another.

    It reads the whole table, a megabyte a round trip, and costs as much however little it shows; pages may be empty.
    `sks` narrows to those sort keys, `only` to those attributes beside the keys. An item that stands unchanged from
    the first page to the last comes once, as it is; one that is changed, added or removed meanwhile may come as it
    was before or after.
    """
    request = {"TableName": table or settings.current().table_name, **_request(prefix, sks, only)}
    while True:
        answer = transport.call("scan", **request)
        yield [attributes.plain_item(item) for item in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _request(prefix: str, sks: Sequence[str], only: Sequence[str] | None) -> dict[str, Any]:
    names, values = {"#pk": "PK"}, {":prefix": prefix}
    expression = "begins_with(#pk, :prefix)"
    if sks or only is not None:
        names["#sk"] = "SK"  # a name that is not used would be refused
    if sks:
        named = {f":sk{number}": sk for number, sk in enumerate(sks)}
        expression, values = f"{expression} AND #sk IN ({', '.join(named)})", {**values, **named}
    request: dict[str, Any] = {"ConsistentRead": True}
    if only is not None:
        names |= {f"#only{number}": name for number, name in enumerate(only)}
        request["ProjectionExpression"] = ", ".join(names)
    return {
        **request,
        "FilterExpression": expression,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": attributes.wire_item(values),
    }
