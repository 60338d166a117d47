"""What stands in Terraform's language besides plain values: references, texts with references in them, JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reference:
    """An expression of Terraform's, such as an attribute of a resource.

    `resource` is the address that it begins with, where it is one of a resource's attributes. `is_list` says that it
    is many values and not one.
    """

    text: str
    resource: str = ""
    is_list: bool = False

    def other(self, attribute: str) -> Reference:
        """Another attribute of the same resource."""
        return Reference(f"{self.resource}.{attribute}", self.resource)


@dataclass(frozen=True)
class Interpolated:
    """A text with references in it."""

    parts: tuple[str | Reference, ...]


@dataclass(frozen=True)
class Encoded:
    """A value that Terraform writes as JSON, so that references may stand in it."""

    value: Any


@dataclass(frozen=True)
class InFile:
    """A text that lies in a file beside the module's own, for it is too long to be read among them.

    `text` may hold `${name}` for each of the `references`.
    """

    name: str
    text: str
    references: dict[str, Reference]


def joined(parts: list[Any]) -> Any:
    """The parts as one value: a plain text, or one with references in it."""
    flat: list[str | Reference] = []
    for part in parts:
        for each in part.parts if isinstance(part, Interpolated) else (part,):
            text = each if isinstance(each, Reference) else str(each)
            if isinstance(text, str) and flat and isinstance(flat[-1], str):
                flat[-1] += text
            elif text != "":
                flat.append(text)
    if not flat:
        return ""
    return flat[0] if len(flat) == 1 else Interpolated(tuple(flat))


def references(value: Any) -> Iterator[Reference]:
    """Every reference in a value, however deep."""
    match value:
        case Reference():
            yield value
        case Interpolated(parts):
            yield from (each for each in parts if isinstance(each, Reference))
        case Encoded(inner):
            yield from references(inner)
        case InFile():
            yield from value.references.values()
        case dict():
            for each in value.values():
                yield from references(each)
        case list() | tuple():
            for each in value:
                yield from references(each)
