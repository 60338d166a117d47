"""The options of a stage as its file says them."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def written(table: str, said: msgspec.Struct) -> str:
    """A table of a stage's file, in TOML."""
    lines = [f"{name} = {_value(value)}" for name, value in msgspec.to_builtins(said).items()]
    return "\n".join(["", f"[{table}]", *lines, ""])


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(each)}" for name, each in value.items()) + " }"
    return json.dumps(value)
