"""The only speaker of DynamoDB: typed reads, bounded queries, and writes that carry the error they mean.

Writes are values. `commit` applies all of them or none; when a condition fails it raises the `otherwise` of the
write whose condition it was. Nothing here or above knows boto3, so the transport below can change.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Literal, NamedTuple, TypeVar

from chalicelib.aws import attributes, transport
from chalicelib.aws.keys import Key
from chalicelib.core import settings

Item = dict[str, Any]
R = TypeVar("R")

_BATCH_READ = 100
_BATCH_WRITE = 25
_TRANSACTION = 100
_OPERATIONS = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}


class Stale(Exception):
    """A condition failed whose write named no error of its own: the state is not what the caller assumed."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write of a commit, and the error that its failed condition means."""

    kind: Literal["Put", "Update", "Delete", "ConditionCheck"]
    request: dict[str, Any]
    otherwise: Exception


class Page(NamedTuple):
    """Items of one query, and the sort key to go on after, or None at the end."""

    items: list[Item]
    after: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """What items of a query to show, as an expression with its values and names."""

    expression: str
    values: dict[str, Any]
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Index:
    """A way to walk the table in order: the attribute names of its keys."""

    name: str | None
    pk: str
    sk: str


TABLE = Index(None, "PK", "SK")
GSI1 = Index("GSI1", "GSI1PK", "GSI1SK")
GSI2 = Index("GSI2", "GSI2PK", "GSI2SK")


def get(key: Key, *, consistent: bool = False) -> Item | None:
    """One item, or None. Costs 0.5 read units per 4 KB, twice that when consistent."""
    answer = transport.call("get_item", TableName=_table(), Key=attributes.wire_key(key), ConsistentRead=consistent)
    return attributes.plain_item(answer["Item"]) if "Item" in answer else None


def get_many(keys: Iterable[Key], *, consistent: bool = False) -> dict[Key, Item]:
    """The items that exist among `keys`, one round trip per hundred distinct keys."""
    found: dict[Key, Item] = {}

    def read(pending: list[Item]) -> list[Item]:
        request = {_table(): {"Keys": pending, "ConsistentRead": consistent}}
        answer = transport.call("batch_get_item", RequestItems=request)
        items = map(attributes.plain_item, answer["Responses"].get(_table(), []))
        found.update({Key(item["PK"], item["SK"]): item for item in items})
        left: list[Item] = answer.get("UnprocessedKeys", {}).get(_table(), {}).get("Keys", [])
        return left

    for group in chunks(dict.fromkeys(keys), _BATCH_READ):
        transport.repeat(read, [attributes.wire_key(key) for key in group])
    return found


def query(
    index: Index, pk: str, *, limit: int, prefix: str = "", after: str | None = None, since: str = "",
    newest_first: bool = False, consistent: bool = False, where: Filter | None = None,
) -> Page:  # fmt: skip
    """At most `limit` items of one partition in sort-key order, one round trip.

    `prefix` narrows the sort key; `after` goes on behind the position of an earlier page; `since` leaves out sort keys
    below it. Resuming by sort key rather than by item survives the item's deletion. `where` leaves items out after
    they were read, so a page may be short or empty and still have a next one.
    """
    request = _query_request(index, pk, attributes.sort_key_range(prefix, after, since, newest_first=newest_first))
    request |= {"Limit": limit, "ScanIndexForward": not newest_first, "ConsistentRead": consistent}
    if where:
        request["FilterExpression"] = where.expression
        request["ExpressionAttributeValues"] |= attributes.wire_item(where.values)
        request["ExpressionAttributeNames"] |= where.names
    return _read_page(index, request)


def query_up_to(index: Index, pk: str, until: str, *, limit: int, after: str | None = None) -> Page:
    """At most `limit` items of one partition whose sort key is not above `until`, the lowest first; one round trip.

    `after` goes on behind the position of an earlier page.
    """
    low = "\x00" if after is None else after + "\x00"
    return _read_page(index, {**_query_request(index, pk, (low, max(low, until))), "Limit": limit})


def query_shards(
    index: Index, pks: Sequence[str], *, limit: int, after: str | None = None, since: str = "",
    where: Filter | None = None,
) -> Page:  # fmt: skip
    """The newest `limit` items over several partitions merged in order, one round trip per partition.

    Where one partition's page ended early, nothing older than its end is shown yet.
    """
    pages = [query(index, pk, limit=limit, after=after, since=since, newest_first=True, where=where) for pk in pks]
    horizon = max((page.after for page in pages if page.after), default=None)
    # What moves between two partitions while they are read comes once, as it was read last.
    found = {item[index.sk]: item for page in pages for item in page.items}
    known = [item for sk, item in found.items() if horizon is None or sk >= horizon]
    known.sort(key=lambda item: str(item[index.sk]), reverse=True)
    return Page(known[:limit], known[limit - 1][index.sk] if len(known) > limit else horizon)


def pages(read: Callable[[str | None], tuple[list[R], str | None]], *, after: str | None = None) -> Iterator[list[R]]:
    """The pages of a list from `after` on; `read` gives the page behind a position, and the position of the next."""
    page, after = read(after)
    yield page
    while after is not None:
        page, after = read(after)
        yield page


def every(read: Callable[[str | None], tuple[list[R], str | None]]) -> Iterator[R]:
    """Everything that a list holds, page after page; see `pages`."""
    return chain.from_iterable(pages(read))


def put(key: Key, item: Mapping[str, Any], *, condition: str = "", values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None, otherwise: Exception | None = None) -> Write:  # fmt: skip
    """Write the whole item; attributes that are None are left out."""
    request = {"Item": attributes.wire_item({**item, "PK": key.pk, "SK": key.sk})}
    return Write("Put", {**request, **attributes.condition(condition, values, names)}, otherwise or Stale(str(key)))


def insert(key: Key, item: Mapping[str, Any], *, otherwise: Exception | None = None) -> Write:
    """Write an item that must not exist yet."""
    return put(key, item, condition="attribute_not_exists(PK)", otherwise=otherwise)


def update(key: Key, expression: str, values: Mapping[str, Any], *, condition: str = "attribute_exists(PK)",
           names: Mapping[str, str] | None = None, otherwise: Exception | None = None) -> Write:  # fmt: skip
    """Change parts of an item; by default it must exist."""
    request = {
        "Key": attributes.wire_key(key),
        "UpdateExpression": expression,
        **attributes.condition(condition, values, names),
    }
    return Write("Update", request, otherwise or Stale(str(key)))


def delete(key: Key, *, condition: str = "", values: Mapping[str, Any] | None = None,
           names: Mapping[str, str] | None = None, otherwise: Exception | None = None) -> Write:  # fmt: skip
    """Remove an item; removing what is not there succeeds unless the condition says otherwise."""
    request = {"Key": attributes.wire_key(key), **attributes.condition(condition, values, names)}
    return Write("Delete", request, otherwise or Stale(str(key)))


def check(key: Key, condition: str, values: Mapping[str, Any], *, otherwise: Exception,
          names: Mapping[str, str] | None = None) -> Write:  # fmt: skip
    """Write nothing, but hold the others to a fact about this item."""
    return Write(
        "ConditionCheck", {"Key": attributes.wire_key(key), **attributes.condition(condition, values, names)}, otherwise
    )


def commit(*writes: Write) -> None:
    """Apply all writes or none; several, or one with a condition, are one transaction of at most a hundred.

    Raises the `otherwise` of the first write whose condition failed; `Unavailable` after bounded retries of
    conflicts and throttling, with nothing written.
    """
    if len(writes) > _TRANSACTION:
        message = f"{len(writes)} writes do not fit one transaction of {_TRANSACTION}"
        raise ValueError(message)
    requests = [{"TableName": _table(), **write.request} for write in writes]
    try:
        if len(writes) == 1 and "ConditionExpression" not in writes[0].request:
            transport.call(_OPERATIONS[writes[0].kind], **requests[0])
        else:
            items = [{write.kind: request} for write, request in zip(writes, requests, strict=True)]
            # One token for all tries of this commit: a repeated transaction that had its effect is not done again.
            transport.call("transact_write_items", TransactItems=items, ClientRequestToken=secrets.token_hex(16))
    except transport.ConditionFailed as refused:
        raise writes[refused.position].otherwise from None


def batch_put(writes: Iterable[Write]) -> None:
    """Apply whole puts without conditions, each on its own: one round trip and one write unit apiece for 25.

    After an error some may have been applied. It is cheaper than `commit`, which is for what belongs together.
    """

    def write(pending: list[Item]) -> list[Item]:
        answer = transport.call("batch_write_item", RequestItems={_table(): pending})
        left: list[Item] = answer.get("UnprocessedItems", {}).get(_table(), [])
        return left

    for group in chunks(writes, _BATCH_WRITE):
        transport.repeat(write, [{"PutRequest": each.request} for each in group])


def update_and_get(write: Write) -> Item:
    """Apply one update and give the item as it is afterwards, in the same round trip.

    It is repeated after a lost answer, so only for what may happen twice.
    """
    try:
        answer = transport.call("update_item", TableName=_table(), ReturnValues="ALL_NEW", **write.request)
    except transport.ConditionFailed:
        raise write.otherwise from None
    return attributes.plain_item(answer["Attributes"])


def retry_on_conflict(attempt: Callable[[], R]) -> R:
    """Run a read-decide-commit again while others change what it read, a bounded number of times."""
    for number in range(transport.ATTEMPTS):
        try:
            return attempt()
        except Stale:
            transport.pause(number)
    raise transport.contended()


def change(read: Callable[[], R], to: Callable[[R], R], write: Callable[[R, R], Sequence[Write]]) -> R:
    """Bring what `read` gives into the state that `to` makes of it, unless it is in it; others may change it, too."""

    def attempt() -> R:
        before = read()
        after = to(before)
        if after is not before:
            commit(*write(before, after))
        return after

    return retry_on_conflict(attempt)


def describe() -> Item:
    """The table's status and its item count, which DynamoDB refreshes about every six hours."""
    table = transport.call("describe_table", TableName=_table())["Table"]
    return {"status": table["TableStatus"], "itemCount": table.get("ItemCount", 0)}


def _table() -> str:
    return settings.current().table_name


def _read_page(index: Index, request: Item) -> Page:
    answer = transport.call("query", **request)
    items = [attributes.plain_item(item) for item in answer["Items"]]
    last = answer.get("LastEvaluatedKey")
    return Page(items, last[index.sk]["S"] if last else None)


def _query_request(index: Index, pk: str, bounds: tuple[str, str] | None) -> dict[str, Any]:
    names, values = {"#pk": index.pk}, {":pk": pk}
    condition = "#pk = :pk"
    if bounds:
        names["#sk"] = index.sk
        values[":low"], values[":high"] = bounds
        condition += " AND #sk BETWEEN :low AND :high"
    request: dict[str, Any] = {
        "TableName": _table(),
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": attributes.wire_item(values),
    }
    return {**request, "IndexName": index.name} if index.name else request


def chunks(values: Iterable[R], length: int) -> Iterator[list[R]]:
    """The values in lists of that length, the last perhaps shorter."""
    iterator = iter(values)
    while chunk := list(islice(iterator, length)):
        yield chunk
