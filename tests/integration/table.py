"""The whole table: its definition, and how no code of the shop reads and empties it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Any

from cfnlint.decode import cfn_yaml
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import StreamShard, Table

from chalicelib import attributes, clients, db, keys, settings

_TEMPLATE = Path(__file__).parents[2] / "infra" / "template.yaml"


class _Sparing:
    """What moto's tables are copied with: in one transaction each table once, and never its stream.

    moto copies a table for each write of a transaction, with every record of its stream, none of which ever changes.
    """

    def __init__(self) -> None:
        self.copies: dict[int, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(copy, name)

    def deepcopy(self, thing: Any) -> Any:
        copies = self.copies
        if copies is None or not isinstance(thing, Table):
            return copy.deepcopy(thing)
        if id(thing) not in copies:
            copies[id(thing)] = copy.deepcopy(thing)
        return copies[id(thing)]


def spare_copies() -> None:
    """Make moto's transactions cost what they have to."""
    sparing, one_at_a_time, write = _Sparing(), Lock(), DynamoDBBackend.transact_write_items

    def transact(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        with one_at_a_time:
            sparing.copies = {}
            try:
                write(backend, items)
            finally:
                sparing.copies = None

    def copied(shard: StreamShard, memo: dict[int, Any]) -> StreamShard:
        made = memo[id(shard)] = copy.copy(shard)
        made.table, made.items = copy.deepcopy(shard.table, memo), list(shard.items)
        return made

    models.copy = sparing
    DynamoDBBackend.transact_write_items = transact
    StreamShard.__deepcopy__ = copied


def definition() -> dict[str, Any]:
    """What to create the table by: as the template says."""
    properties = cfn_yaml.load(str(_TEMPLATE))["Resources"]["Table"]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode", "StreamSpecification")
    table = {name: properties[name] for name in wanted}
    table["StreamSpecification"] = {"StreamEnabled": True, **table["StreamSpecification"]}
    return {"TableName": "ecommerce-test", **json.loads(json.dumps(table))}


def renew() -> None:
    """A new table in the place of the old: moto copies a table's whole stream for each transaction."""
    clients.dynamodb().delete_table(TableName=settings.current().table_name)
    clients.dynamodb().create_table(**definition())


def load(writes: Iterable[db.Write]) -> None:
    """Commit many writes, as many at a time as a transaction takes."""
    waiting = list(writes)
    for start in range(0, len(waiting), 99):
        db.commit(*waiting[start : start + 99])


def everything() -> dict[keys.Key, dict[str, Any]]:
    """Every item."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=settings.current().table_name)
    items = [attributes.plain_item(item) for page in pages for item in page["Items"]]
    return {keys.Key(item["PK"], item["SK"]): item for item in items}


def empty() -> None:
    """Remove every item."""
    for key in everything():
        db.commit(db.delete(key))
