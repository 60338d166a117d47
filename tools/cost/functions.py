"""The functions as they are charged: by their memory, and as long as they take."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from tools.cost.load import HOURS
from tools.cost.units import Assumed, Units
from tools.monitoring.functions import FUNCTIONS

CONFIG = Path(__file__).parents[2] / ".chalice" / "config.json"
FULL_PROCESSOR = 1769  # megabytes, by Lambda's documentation


def gigabytes(name: str) -> float:
    """The memory of a function."""
    return megabytes(name) / 1024


def megabytes(name: str) -> int:
    """The memory of a function, as Chalice is told."""
    config = _config()
    own = config["lambda_functions"].get(name, {})
    return int(own.get("lambda_memory_size", config["lambda_memory_size"]))


def milliseconds(name: str, units: Units, assumed: Assumed) -> float:
    """How long a function takes that computes and calls the table: with less memory it has less of a processor."""
    slower = max(1.0, FULL_PROCESSOR / megabytes(name))
    waits = units.calls * assumed.table_milliseconds + max(units.runs, 1) * assumed.runtime_milliseconds
    return units.milliseconds * slower + waits


def runs_in_a_month() -> dict[str, float]:
    """How often each function runs that a schedule calls."""
    return {each.name: HOURS * 3600 / each.every.total_seconds() for each in FUNCTIONS if each.every}


@cache
def _config() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CONFIG.read_text())
    return found
