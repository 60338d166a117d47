"""What the table before has otherwise than the restored one, for people: orders since, and accounts that are undone.

Both tables are read whole. What the damage took from the table before is in neither; of that the payment provider's
messages tell (`tools.restore.messages`). The file may be read by its owner only, for it has addresses of mail.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from chalicelib.aws import keys
from tools import scan

Item = dict[str, Any]
Line = dict[str, Any]

_TOLD = {
    "order": ("userId", "email", "status", "paymentStatus", "total", "currency", "paymentId", "createdAt", "updatedAt"),
    "account": ("email", "status", "createdAt", "updatedAt"),
}
_COMPARED = {
    "order": ("status", "paymentStatus", "refunded"),
    "account": ("email", "status", "roles", "passwordHash", "erasureAskedAt"),
}
_READ = sorted({name for names in (*_TOLD.values(), *_COMPARED.values()) for name in names})
_KINDS = (keys.PROFILE_SK, keys.ORDER_PREFIX)


def find(before: str, restored: str) -> list[Line]:
    """A line for each order and account that is missing in one of the tables, or otherwise; accounts first."""
    then, now = _read(before), _read(restored)
    lines = (_line(key, then.get(key), now.get(key)) for key in then.keys() | now.keys())
    return sorted((line for line in lines if line), key=lambda line: (line["kind"], line["id"]))


def write(lines: list[Line], file: Path) -> None:
    """Write them, one a line, where only the owner may read."""
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.writelines(f"{json.dumps(line)}\n" for line in lines)


def _line(key: keys.Key, then: Item | None, now: Item | None) -> Line | None:
    kind, (item, what) = _kind(key), _difference(then, now, _COMPARED[_kind(key)])
    if item is None:
        return None
    told = {name: item[name] for name in _TOLD[kind] if name in item}
    return {"kind": kind, "id": key.sk.partition("#")[2] or key.pk.partition("#")[2], "what": what, **told}


def _difference(then: Item | None, now: Item | None, compared: tuple[str, ...]) -> tuple[Item | None, str]:
    """The item to tell of, if any, and what is the matter with it."""
    if now is None:
        return then, "not in the restored table"
    if then is None:
        return now, "only in the restored table"
    differing = [name for name in compared if then.get(name) != now.get(name)]
    return (then, f"changed since: {', '.join(differing)}") if differing else (None, "")


def _kind(key: keys.Key) -> str:
    return "account" if key.sk == keys.PROFILE_SK else "order"


def _read(table: str) -> Mapping[keys.Key, Item]:
    """The orders and accounts of a table, as far as they are compared or told."""
    found: dict[keys.Key, Item] = {}
    with tqdm(desc=f"read {table}", unit=" items", disable=None, file=sys.stderr) as bar:
        for page in scan.pages(keys.user("").pk, only=_READ, table=table):
            items = {keys.Key(item["PK"], item["SK"]): item for item in page}
            found.update({key: item for key, item in items.items() if key.sk.startswith(_KINDS)})
            bar.update(len(page))
    return found
