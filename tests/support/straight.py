"""What spares moto's DynamoDB work on single values: most of a call's time went there, and it is what calls are of.

A text is asked for all ten types before it is compared, a tree is copied node by node through `copy`, a query of one
partition sorts the whole table. Here each does what it comes to; tests/integration/aws/test_emulator.py holds them to
what moto does.
"""

from __future__ import annotations

import base64
import copy
import functools
from typing import Any

from moto.dynamodb import responses
from moto.dynamodb.models import utilities
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import ast_nodes
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node

PLAIN = (str, int, float, bool, type(None))
INDEX_NAME = 6  # its place among the arguments of `Table.query` that follow the hash key


def quicken() -> None:
    """Let moto's values and tables take the straight way."""
    _compare_texts_as_texts()
    DynamoType.__deepcopy__ = copied
    DynamoType.to_regular_json = regular
    Item.__deepcopy__ = copied_item
    Item.__new__ = lambda kind, *_, **__: object.__new__(kind)  # moto keeps a list of all that there ever were
    responses.dynamo_to_dict = plain
    Table.all_items = _all_items
    _look_into_one_partition()
    DepthFirstTraverser.traverse_node_recursively = _walk
    Node.find_clauses = _clauses


def _compare_texts_as_texts() -> None:
    cast, equals, is_less = DynamoType.cast_value.fget, DynamoType.__eq__, DynamoType.__lt__

    def cast_value(value: DynamoType) -> Any:
        return value.value if value.type == "S" else cast(value)

    def is_equal(one: DynamoType, other: DynamoType) -> bool:
        return bool(one.value == other.value if one.type == "S" == other.type else equals(one, other))

    def is_before(one: DynamoType, other: DynamoType) -> bool:
        return bool(one.value < other.value if one.type == "S" == other.type else is_less(one, other))

    DynamoType.cast_value = property(cast_value)
    DynamoType.__eq__ = is_equal
    DynamoType.__lt__ = is_before


def copied(value: DynamoType, memo: dict[int, Any] | None = None) -> DynamoType:
    """A value of its own; trees of them have no cycles."""
    made = object.__new__(DynamoType)
    made.type, content = value.type, value.value
    if isinstance(content, dict):
        content = {name: _copied(each, memo) for name, each in content.items()}
    elif isinstance(content, list):
        content = [_copied(each, memo) for each in content]
    made.value = content
    return made


def _copied(each: Any, memo: dict[int, Any] | None) -> Any:
    if type(each) is DynamoType:
        return copied(each, memo)
    return each if type(each) is str else copy.deepcopy(each, memo)


def copied_item(item: Item, memo: dict[int, Any]) -> Item:
    """An item of its own; keys are never written to."""
    made = object.__new__(Item)
    vars(made).update(vars(item))
    made.attrs = LimitedSizeDict.__new__(LimitedSizeDict)
    vars(made.attrs).update(vars(item.attrs))
    for name, value in item.attrs.items():
        dict.__setitem__(made.attrs, name, _copied(value, memo))
    return made


def regular(value: DynamoType) -> dict[str, Any]:
    """A value, and what it holds, as the wire has it."""
    content = value.value
    if isinstance(content, dict):
        content = {name: _regular(each) for name, each in content.items()}
    elif isinstance(content, list):
        content = [_regular(each) for each in content]
    elif value.type == "B" and isinstance(content, str):
        content = base64.b64decode(content)
    return {value.type: content}


def _regular(each: Any) -> Any:
    if isinstance(each, DynamoType):
        return regular(each)
    return each if type(each) is str else copy.deepcopy(each)


def plain(thing: Any) -> Any:
    """What a handler gives, without moto's own kinds."""
    if isinstance(thing, DynamoType) and thing.type not in ("B", "BS"):
        return {thing.type: plain(thing.value)}
    if isinstance(thing, Item):
        return plain(thing.to_json())
    if isinstance(thing, dict):
        return {name: plain(each) for name, each in thing.items()}
    if isinstance(thing, list):
        return [plain(each) for each in thing]
    return thing if isinstance(thing, PLAIN) else utilities.dynamo_to_dict(thing)


def _all_items(table: Table) -> list[Any]:
    if not table.range_key_attr:
        return sorted(table.items.values(), key=lambda item: item.hash_key)
    items = [item for partition in table.items.values() for item in partition.values()]
    return sorted(items, key=lambda item: (item.hash_key.cast_value, item.range_key.cast_value))


def _look_into_one_partition() -> None:
    """moto sorts all items of the table for each query, also where the partition is named."""
    query = Table.query

    def query_one(table: Table, hash_key: DynamoType | None, *more: Any, **named: Any) -> Any:
        narrowed = table
        if more[INDEX_NAME] is None and table.range_key_attr:
            narrowed = copy.copy(table)
            narrowed.items = {hash_key: table.items[hash_key]} if hash_key in table.items else {}
        return query(narrowed, hash_key, *more, **named)

    Table.query = query_one


@functools.cache
def _is_node(kind: type) -> bool:
    return issubclass(kind, Node)


@functools.cache
def _holds_clauses(kind: type) -> bool:
    return issubclass(kind, (ast_nodes.Expression, ast_nodes.UpdateExpressionFunction))


@functools.cache
def _processed_as(kinds: tuple[type, ...], kind: type) -> type | None:
    """Which of the kinds of a traverser a kind of node is."""
    return next((each for each in kinds if issubclass(kind, each)), None)


def _clauses(node: Node, wanted: list[type]) -> list[Node]:
    found = []
    for child in node.children or ():
        if type(child) in wanted:
            found.append(child)
        elif _holds_clauses(type(child)):
            found += child.find_clauses(wanted)
    return found


def _walk(traverser: DepthFirstTraverser, node: Any) -> Any:
    """Process all nodes, children first, as `DepthFirstTraverser` promises; moto walks ten times through each update.

    It asks at each node what there is to do at nodes.
    """
    processors = traverser._processing_map()
    kinds = tuple(processors)
    does_before = type(traverser).pre_processing_of_child is not DepthFirstTraverser.pre_processing_of_child

    def visit(node: Node, position: int) -> Any:
        parent = node.parent
        for at, child in enumerate(node.children or ()):
            if does_before:
                traverser.pre_processing_of_child(node, at)
            if _is_node(type(child)):
                visit(child, at)
        kind = _processed_as(kinds, type(node))
        if kind is None:
            return node
        made = processors[kind](node)
        made.parent = parent
        if parent:
            parent.children[position] = made
        return made

    return visit(node, -1)
