"""Which records of the stream the deployed trigger hands on, read from infra/merge-sam.json.

Of the language of filters, only what stands there is understood: fields, equal values and prefixes.
"""

import json
from collections.abc import Sequence
from typing import Any

from tools.local.settings import PROJECT

MERGE = PROJECT / "infra" / "merge-sam.json"


def patterns() -> list[dict[str, Any]]:
    """The patterns of the trigger; a record needs to fit one of them."""
    (event,) = json.loads(MERGE.read_text())["Resources"]["HandleTableStream"]["Properties"]["Events"].values()
    return [json.loads(each["Pattern"]) for each in event["Properties"]["FilterCriteria"]["Filters"]]


def passes(record: dict[str, Any], found: Sequence[dict[str, Any]]) -> bool:
    """Does a record fit one of the patterns?"""
    return any(_fits(record, pattern) for pattern in found)


def _fits(value: Any, pattern: Any) -> bool:
    if isinstance(pattern, dict):
        return all(isinstance(value, dict) and _fits(value.get(name), inner) for name, inner in pattern.items())
    return any(_is(value, rule) for rule in pattern)


def _is(value: Any, rule: Any) -> bool:
    if isinstance(rule, dict):
        return isinstance(value, str) and value.startswith(rule["prefix"])
    return bool(value == rule)
