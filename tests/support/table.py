"""The whole table: its definition, and how no code of the shop reads and empties it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.aws import attributes, clients, db, keys
from chalicelib.core import settings
from tests.support import emulator
from tools.testing.table import definition


def renew() -> None:
    """A new table in the place of the old, with an empty stream."""
    clients.dynamodb().delete_table(TableName=settings.current().table_name)
    clients.dynamodb().create_table(**definition())


def load(writes: Iterable[db.Write]) -> None:
    """Commit many writes, as many at a time as a transaction takes."""
    waiting = list(writes)
    for start in range(0, len(waiting), 99):
        db.commit(*waiting[start : start + 99])


def everything() -> dict[keys.Key, dict[str, Any]]:
    """Every item; a scan would take longer than what is tested."""
    plain = [attributes.plain_item(item) for item in emulator.items()]
    return {keys.Key(item["PK"], item["SK"]): item for item in plain}


def text_of(item: Mapping[str, Any]) -> str:
    """All that an item says, also what it has packed."""
    packed = [zlib.decompress(value).decode() for value in item.values() if isinstance(value, bytes)]
    return json.dumps([item, packed], default=str, ensure_ascii=False)


def empty() -> None:
    """Remove every item."""
    for key in everything():
        db.commit(db.delete(key))
