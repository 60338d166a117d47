"""Stream records as changes: what an item was and what it has become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import attributes
from chalicelib.keys import Key


@dataclass(frozen=True, slots=True)
class Change:
    """One record of the table's stream, in plain values; `before` or `after` is None for an insert or a removal."""

    event_id: str
    sequence_number: str
    key: Key
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Change:
        """A change from a record as Lambda delivers it."""
        images = record["dynamodb"]
        key = attributes.plain_item(images["Keys"])
        return cls(
            event_id=record["eventID"],
            sequence_number=images["SequenceNumber"],
            key=Key(key["PK"], key["SK"]),
            before=_image(images.get("OldImage")),
            after=_image(images.get("NewImage")),
        )

    def touched(self, names: Iterable[str]) -> bool:
        """Did any of these attributes come, go or change?"""
        before, after = self.before or {}, self.after or {}
        return any(before.get(each) != after.get(each) for each in names)

    def became(self, attribute: str) -> Any:
        """The new value of an attribute if this change gave it one, else None."""
        old, new = (self.before or {}).get(attribute), (self.after or {}).get(attribute)
        return new if new != old else None


def _image(image: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return attributes.plain_item(image) if image else None
