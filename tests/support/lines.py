"""What was written to the log, read from what a test captured."""

from __future__ import annotations

import json
from typing import Any


def lines(out: str) -> list[dict[str, Any]]:
    """Every line that is a JSON object."""
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def events(out: str, name: str) -> list[dict[str, Any]]:
    """The lines of that event."""
    return [line for line in lines(out) if line.get("event") == name]


def metrics(out: str, name: str) -> list[dict[str, Any]]:
    """The lines that count that metric."""
    return [line for line in lines(out) if name in line and "_aws" in line]


def values(out: str, name: str) -> list[float]:
    """What that metric was counted as."""
    return [line[name] for line in metrics(out, name)]
