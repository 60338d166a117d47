"""ministack restores a table as it is now, whatever instant is asked for; DynamoDB restores it as it was then.

From the start of the local AWS a journal has every change of every table's items, so a restore goes back to any instant
since then, and the window that a table tells of begins there. As on AWS, a restored table is being created for a
moment, says what it was restored from and is encrypted like its source; stream, expiry, recovery, protection and tags
are left out. Otherwise than on AWS the window reaches to the present, not to five minutes ago: a drill does not wait.
"""

import copy
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import dynamodb

Item = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
Key = tuple[Any, Any]

OK = 200
KEPT_SECONDS = 24 * 3600
RESTORE_SECONDS = 0.3  # for which a restored table is still being created


@dataclass
class Journal:
    """The items of one table as they were when it begins, and what has changed since."""

    began: float
    items: dict[Key, Item]
    changes: list[tuple[float, Key, Item | None]] = field(default_factory=list)

    def note(self, key: Key, item: Item | None) -> None:
        """Remember that an item was put, or removed; what is old enough is forgotten as a change."""
        now = time.time()
        self.changes.append((now, key, item))
        if self.changes[0][0] < now - 2 * KEPT_SECONDS:
            self._forget(now - KEPT_SECONDS)

    def items_at(self, at: float) -> dict[Key, Item]:
        """All items as they were at that instant."""
        items = dict(self.items)
        for changed_at, key, item in self.changes:
            if changed_at > at:
                break
            _change(items, key, item)
        return items

    def _forget(self, before: float) -> None:
        self.items, self.began = self.items_at(before), before
        self.changes = [change for change in self.changes if change[0] > before]


_journals: dict[str, Journal] = {}


def apply() -> None:
    """Make the local AWS restore what a table was."""
    _note_every_change()
    _tell_of_restores()
    dynamodb._describe_continuous_backups = _telling_the_window(dynamodb._describe_continuous_backups)  # noqa: SLF001
    dynamodb._update_continuous_backups = _beginning(dynamodb._update_continuous_backups)  # noqa: SLF001
    dynamodb._restore_table_to_point_in_time = _to_the_instant(dynamodb._restore_table_to_point_in_time)  # noqa: SLF001


def journal(table: Item) -> Journal:
    """The table's journal, which begins now if there is none."""
    found = _journals.get(table["TableId"])
    if found is None:
        found = _journals[table["TableId"]] = Journal(time.time(), dict(_items(table)))
    return found


def _items(table: Item) -> Iterator[tuple[Key, Item]]:
    for pk, row in table["items"].items():
        yield from (((pk, sk), item) for sk, item in row.items())


def _change(items: dict[Key, Item], key: Key, item: Item | None) -> None:
    if item is None:
        items.pop(key, None)
    else:
        items[key] = item


def _note_every_change() -> None:
    put, remove = dynamodb._set_item, dynamodb._remove_item  # noqa: SLF001

    def put_noted(table: Item, pk: Any, sk: Any, item: Item) -> Any:
        noted = journal(table)
        old = put(table, pk, sk, item)
        noted.note((pk, sk), item)
        return old

    def remove_noted(table: Item, pk: Any, sk: Any) -> Any:
        noted = journal(table)
        old = remove(table, pk, sk)
        noted.note((pk, sk), None)
        return old

    dynamodb._set_item, dynamodb._remove_item = put_noted, remove_noted  # noqa: SLF001


def _tell_of_restores() -> None:
    """Let the description of a restored table say so, and that it is there only a moment later."""
    describe = dynamodb._table_description  # noqa: SLF001

    def describe_restored(name: str) -> Item:
        table, told = dynamodb._tables[name], describe(name)  # noqa: SLF001
        if summary := table.get("RestoreSummary"):
            is_going_on = time.time() < table.get("RestoreBegan", 0) + RESTORE_SECONDS
            told["RestoreSummary"] = {**summary, "RestoreInProgress": is_going_on}
            told["TableStatus"] = "CREATING" if is_going_on else told["TableStatus"]
        return dict(told)

    dynamodb._table_description = describe_restored  # noqa: SLF001


def _telling_the_window(describe: Callable[[Item], Answer]) -> Callable[[Item], Answer]:
    def describe_window(data: Item) -> Answer:
        table, answer = find(data.get("TableName")), describe(data)
        if table is None or not dynamodb._pitr_settings.get(table["TableName"]):  # noqa: SLF001
            return answer
        earliest, latest = int(journal(table).began) + 1, int(time.time())
        window = {"EarliestRestorableDateTime": earliest, "LatestRestorableDateTime": latest}
        enabled = {"PointInTimeRecoveryStatus": "ENABLED", **window}
        told = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": enabled}
        return _json({"ContinuousBackupsDescription": told})

    return describe_window


def _beginning(update: Callable[[Item], Answer]) -> Callable[[Item], Answer]:
    def begin(data: Item) -> Answer:
        if table := find(data.get("TableName")):
            journal(table)
        return update(data)

    return begin


def _to_the_instant(restore: Callable[[Item], Answer]) -> Callable[[Item], Answer]:
    def restore_to(data: Item) -> Answer:
        source = find(data.get("SourceTableName") or data.get("SourceTableArn"))
        if source is None:
            return restore(data)
        at = time.time() if data.get("UseLatestRestorableTime") else float(data.get("RestoreDateTime") or 0)
        if problem := refusal(source, at):
            return problem
        status, headers, body = restore(data)
        if status == OK:
            _make_as_it_was(dynamodb._tables[data["TargetTableName"]], source, at)  # noqa: SLF001
            return _json({"TableDescription": dynamodb._table_description(data["TargetTableName"])})  # noqa: SLF001
        return status, headers, body

    return restore_to


def refusal(table: Item, at: float) -> Answer | None:
    """What DynamoDB answers where the table cannot be had as it was at that instant."""
    if not dynamodb._pitr_settings.get(table["TableName"]):  # noqa: SLF001
        missing = f"Point in time recovery is not enabled for table '{table['TableName']}'"
        return _refused("PointInTimeRecoveryUnavailableException", missing)
    if not journal(table).began <= at <= time.time():
        message = "The specified time is not within EarliestRestorableDateTime and LatestRestorableDateTime"
        return _refused("InvalidRestoreTimeException", message)
    return None


def find(name: str | None) -> Item | None:
    """The table of that name or ARN."""
    found: Item | None = dynamodb._tables.get(dynamodb._normalize_table_name(name or ""))  # noqa: SLF001
    return found


def _make_as_it_was(table: Item, source: Item, at: float) -> None:
    items: defaultdict[Any, Item] = defaultdict(dict)
    for (pk, sk), item in journal(source).items_at(at).items():
        items[pk][sk] = copy.deepcopy(item)
    table["items"] = items
    dynamodb._items_replaced(table)  # noqa: SLF001
    summary = {"SourceTableArn": source["TableArn"], "RestoreDateTime": int(at), "RestoreInProgress": True}
    table |= {"SSEDescription": source.get("SSEDescription"), "RestoreSummary": summary, "RestoreBegan": time.time()}


def _json(told: Item) -> Answer:
    status, headers, body = json_response(told)
    return int(status), dict(headers), bytes(body)


def _refused(code: str, message: str) -> Answer:
    status, headers, body = error_response_json(code, message, 400)
    return int(status), dict(headers), bytes(body)
