"""Attribute values: how DynamoDB and its streams spell plain Python values.

Text, whole numbers, booleans, lists and maps are all that this shop stores; money is in minor units, so that no
number needs a fraction. boto3's own serializer costs several times as much and gives every number as a Decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.aws.keys import Key


def wire_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB takes it; attributes that are None are left out."""
    return {name: wire(value) for name, value in item.items() if value is not None}


def assignment(changes: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, str]]:
    """The update expression, with its values and names, that sets these attributes and removes those that are None."""
    kept = [name for name, value in changes.items() if value is not None]
    gone = [name for name, value in changes.items() if value is None]
    sets = "SET " + ", ".join(f"#{name} = :{name}" for name in kept) if kept else ""
    removes = "REMOVE " + ", ".join(f"#{name}" for name in gone) if gone else ""
    values = {f":{name}": changes[name] for name in kept}
    return f"{sets} {removes}".strip(), values, {f"#{name}": name for name in changes}


def wire_key(key: Key) -> dict[str, Any]:
    """A primary key as DynamoDB takes it."""
    return {"PK": {"S": key.pk}, "SK": {"S": key.sk}}


def condition(expression: str, values: Mapping[str, Any] | None = None,
               names: Mapping[str, str] | None = None) -> dict[str, Any]:  # fmt: skip
    """The part of a request that holds it to a condition, with the values and names of all its expressions."""
    request: dict[str, Any] = {"ConditionExpression": expression} if expression else {}
    if values:
        request["ExpressionAttributeValues"] = {name: wire(value) for name, value in values.items()}
    if names:
        request["ExpressionAttributeNames"] = dict(names)
    return request


def plain_item(image: Mapping[str, Any]) -> dict[str, Any]:
    """An item as the code reads it."""
    return {name: _plain(value) for name, value in image.items()}


def wire(value: Any) -> dict[str, Any]:
    """One value as DynamoDB takes it."""
    match value:
        case str():
            return {"S": value}
        case bytes() | bool():
            return {"B" if isinstance(value, bytes) else "BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [wire(each) for each in value]}
        case dict():
            return {"M": {name: wire(each) for name, each in value.items()}}
    message = f"DynamoDB items hold text, bytes, whole numbers, booleans, lists and maps, not {type(value).__name__}"
    raise TypeError(message)


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "S" | "B" | "BOOL":
            return content
        case "N":
            return int(content)
        case "L":
            return [_plain(each) for each in content]
        case "M":
            return plain_item(content)
        case "NULL":
            return None
    message = f"an attribute of type {kind} is not one that this shop writes"
    raise TypeError(message)


def sort_key_range(prefix: str, after: str | None, since: str, *, newest_first: bool) -> tuple[str, str] | None:
    """The inclusive range of sort keys that a page may show, or None for all."""
    low, high = max(prefix, since), prefix + "\U0010ffff"
    if after is not None and newest_first:
        high = min(high, _just_below(after))
    elif after is not None:
        low = max(low, after + "\x00")
    return (low or "\x00", max(low, high)) if prefix or after or since else None


def _just_below(key: str) -> str:
    """The greatest practical sort key under `key`: keys are ASCII, so the character before, then the highest."""
    return key[:-1] + chr(ord(key[-1]) - 1) + "\U0010ffff"
