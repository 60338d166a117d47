"""What spares moto the work that no test needs: most of a test's time went there.

It also holds the emulated DynamoDB to what the real one does by itself: each call is one step, whoever calls meanwhile.
docs/adr says what the engines of the tests are trusted for.
"""

from __future__ import annotations

import copy
import copyreg
import functools
import itertools
import pickle
from collections import defaultdict
from collections.abc import Callable
from threading import Condition, RLock
from typing import Any

import moto
from botocore.useragent import UserAgentString
from jsonpath_ng import ext
from moto import backends
from moto.core import DEFAULT_ACCOUNT_ID, responses
from moto.core import models as mocks
from moto.core.base_backend import BackendDict
from moto.core.serialize import BaseJSONSerializer
from moto.dynamodb import models
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models import table as tables
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.expressions import UpdateExpressionParser
from moto.dynamodb.responses import DynamoHandler

from tests.support import straight

KNOWN = {"5.2.5"}
LOOK_AT = """look whether each thing that tests/support/emulator.py puts in a place of moto's is still what it replaces;
then run tests/integration/aws/test_emulator.py and add the version to KNOWN."""

# moto would forget boto3's session at each test, and another one reads the model of every service anew; what keys the
# one session found stays with it, so they have to be the environment's.
CONFIG = {"core": {"reset_boto3_session": False, "mock_credentials": False}}
MAX_KNOWN = 1000  # expressions that are kept parsed
SURELY_SMALL = 100_000  # characters of an item; moto refuses what is above 405,000 bytes

_numbers = itertools.count(1)


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
    _add_up_an_item_once()
    _look_up_once()
    _parse_once()
    straight.quicken()
    _say_nothing_of_oneself()


def furnish(make: Callable[[], None]) -> None:
    """Leave an empty AWS as `make` leaves it, which does that once a process; later what it left is brought back."""
    for name, account, region, kept in copy.deepcopy(_left_by(make)):
        backends.get_backend(name)[account][region] = kept


@functools.cache
def _left_by(make: Callable[[], None]) -> list[tuple[Any, ...]]:
    """What the emulated services keep after `make`."""
    copyreg.pickle(Condition, lambda _: (Condition, ()))  # a copy is nobody's yet
    make()
    made = list(BackendDict._instances)
    return copy.deepcopy([(each.service_name, *kept) for each in made for kept in each.iter_backends()])


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


def _add_up_an_item_once() -> None:
    """moto adds up the sizes of all attributes of an item whenever one is set, to refuse what is above 400 kB."""
    set_carefully = LimitedSizeDict.__setitem__

    def set_one(item: Any, name: str, value: Any) -> None:
        size = len(name) + (value.size() if isinstance(value, DynamoType) else len(str(value)))
        item.at_most = getattr(item, "at_most", 0) + size  # characters, of up to four bytes each
        (set_carefully if item.at_most > SURELY_SMALL else dict.__setitem__)(item, name, value)

    LimitedSizeDict.__setitem__ = set_one


def _look_up_once() -> None:
    """moto asks a class for its methods at each call, and makes a parser of paths for each event of a rule."""
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    ext.parse = functools.cache(ext.parse)


def _parse_once() -> None:
    """moto parses each condition two or three times a call, each update twice, and copies what came of it by hand.

    It also writes out each record of the stream as JSON for its size, which is read by nobody.
    """
    parse, known = ConditionExpressionParser.parse, dict[tuple[str, ...], tuple[Any, list[str], list[str]]]()

    def parse_once(parser: ConditionExpressionParser) -> Any:
        names, values = repr(parser.expression_attribute_names), repr(parser.expression_attribute_values)
        key = (parser.condition_expression or "", names, values)
        if key not in known:
            if len(known) == MAX_KNOWN:
                known.clear()
            known[key] = parse(parser), [*parser.expr_attr_names_found], [*parser.expr_attr_values_found]
        condition, parser.expr_attr_names_found[:], parser.expr_attr_values_found[:] = known[key]
        return condition

    ConditionExpressionParser.parse = parse_once
    UpdateExpressionParser.make = functools.lru_cache(maxsize=MAX_KNOWN)(UpdateExpressionParser.make)
    tables.dynamo_json_dump = lambda _: ""
    validators.deepcopy = lambda node: pickle.loads(pickle.dumps(node))  # noqa: S301 - what we pickled


def _say_nothing_of_oneself() -> None:
    """botocore works out anew for each call who calls, and moto 52 random letters, and nobody reads them.

    Nor does anybody reach AWS by `requests`, for which moto lists all addresses of all services at each test.
    """
    UserAgentString.to_string = lambda _: "tests"
    responses.gen_amzn_requestid_long = _number
    mocks.RESPONSES_METHODS.clear()


def _number(headers: dict[str, str]) -> str:
    headers["x-amzn-requestid"] = number = str(next(_numbers))
    return number
