"""What spares moto the work that no test needs: most of a test's time went there.

It also holds the emulated DynamoDB to what the real one does by itself: each call is one step, whoever calls meanwhile.
docs/adr says what the engines of the tests are trusted for.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from threading import RLock
from typing import Any

import moto
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

KNOWN = {"5.2.5"}
LOOK_AT = """look whether its dynamodb/models/__init__.py still copies tables by `copy.deepcopy` in a transaction, its
core/serialize.py still has `_serialize_type_structure`, and its dynamodb/responses.py `DynamoHandler.call_action`;
then run tests/integration/aws/test_emulator.py and add the version to KNOWN."""

# moto would forget boto3's session at each test, and another one reads the model of every service anew; what keys the
# one session found stays with it, so they have to be the environment's.
CONFIG = {"core": {"reset_boto3_session": False, "mock_credentials": False}}


def emulated() -> Table:
    """The emulated table itself; moto puts another in its place when a transaction fails."""
    return dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables["ecommerce-test"]


def items() -> list[dict[str, Any]]:
    """Every item as the wire has it, none without a table."""
    table = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables.get("ecommerce-test")
    partitions = table.items if table else {}
    return [item.to_json()["Attributes"] for partition in partitions.values() for item in partition.values()]


def saved() -> Callable[[], None]:
    """What brings back the items that there are now, as often as wanted."""
    kept = copy.deepcopy(emulated().items)

    def restore() -> None:
        emulated().items = copy.deepcopy(kept)

    return restore


def quicken() -> None:
    """Make moto's transactions and answers cost what they have to, and its calls one step each."""
    assert moto.__version__ in KNOWN, f"tests/support/emulator.py does not know moto {moto.__version__}: {LOOK_AT}"
    _copy_what_a_transaction_writes()
    _do_one_thing_at_a_time()
    _answer_with_what_a_value_has()


class _Sparing:
    """`copy`, as moto's models see it: a table is copied once a transaction, and of it what is written."""

    def __init__(self) -> None:
        self.written: set[DynamoType] = set()
        self.copies: dict[int, Table] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(copy, name)

    def deepcopy(self, thing: Any) -> Any:
        if self.copies is None or not isinstance(thing, Table):
            return copy.deepcopy(thing)
        if id(thing) not in self.copies:
            self.copies[id(thing)] = self._copied(thing)
        return self.copies[id(thing)]

    def _copied(self, table: Table) -> Table:
        made = copy.copy(table)
        made.items = defaultdict(dict, table.items)
        for partition in self.written & table.items.keys():
            made.items[partition] = copy.deepcopy(table.items[partition])
        if table.stream_shard is not None:
            made.stream_shard = copy.copy(table.stream_shard)
            made.stream_shard.table, made.stream_shard.items = made, list(table.stream_shard.items)
        return made


def _copy_what_a_transaction_writes() -> None:
    """moto copies the whole table with its stream, for each write of a transaction, to go back to if one fails."""
    sparing, write = _Sparing(), DynamoDBBackend.transact_write_items

    def transact(backend: DynamoDBBackend, writes: list[dict[str, Any]]) -> None:
        operations = [operation for write in writes for operation in write.values()]
        sparing.copies = {}
        sparing.written = {DynamoType((each.get("Key") or each["Item"])["PK"]) for each in operations}
        try:
            write(backend, writes)
        finally:
            sparing.copies = None

    models.copy = sparing
    DynamoDBBackend.transact_write_items = transact


def _do_one_thing_at_a_time() -> None:
    """moto reads and writes its dictionaries without a lock, so two conditional writes at once may both succeed."""
    one_at_a_time, call = RLock(), DynamoHandler.call_action

    def call_alone(handler: DynamoHandler) -> Any:
        with one_at_a_time:
            return call(handler)

    DynamoHandler.call_action = call_alone


def _answer_with_what_a_value_has() -> None:
    """moto looks in each attribute value for all ten types, each under every name that it could have."""
    usual = BaseJSONSerializer._serialize_type_structure

    def serialize(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.name != "AttributeValue" or not isinstance(value, dict):
            usual(self, serialized, value, shape, key)
            return
        wrapper: dict[str, Any] = {}
        for name, each in value.items():
            self._serialize(wrapper, each, shape.members[name], name)
        self._default_serialize(serialized, wrapper, shape, key)

    BaseJSONSerializer._serialize_type_structure = serialize
