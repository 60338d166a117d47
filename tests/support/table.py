"""The whole table: its definition, and how no code of the shop reads and empties it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

from chalicelib.aws import attributes, clients, db, keys
from chalicelib.core import settings
from tests.support import emulator

_TEMPLATE = Path(__file__).parents[2] / "infra" / "template.yaml"


def definition() -> dict[str, Any]:
    """What to create the table by: as the template says."""
    return copy.deepcopy(_definition())


@cache
def _definition() -> dict[str, Any]:
    properties = cfn_yaml.load(str(_TEMPLATE))["Resources"]["Table"]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode", "StreamSpecification")
    table = {name: properties[name] for name in wanted}
    table["StreamSpecification"] = {"StreamEnabled": True, **table["StreamSpecification"]}
    return {"TableName": "ecommerce-test", **json.loads(json.dumps(table))}


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


def empty() -> None:
    """Remove every item."""
    for key in everything():
        db.commit(db.delete(key))
