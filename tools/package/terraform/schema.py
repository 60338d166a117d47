"""What the AWS provider's resources take: schema.json, which `extract.py` makes of the provider's own schema."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tools.refusal import Refusal

EXTRACT = Path(__file__).with_name("schema.json")


@dataclass(frozen=True)
class ArgumentSchema:
    """The arguments of a resource, or of a block in it: attributes with their types, and blocks."""

    attributes: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, ArgumentSchema] = field(default_factory=dict)


def of(terraform: str) -> ArgumentSchema:
    """What resources of this type take. Raises `Refusal` for a type that the extract has not."""
    if terraform not in _extract():
        raise Refusal(f"{terraform} is not in tools/package/terraform/schema.json: make it anew, as extract.py says.")
    return _schema(_extract()[terraform])


@cache
def _extract() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXTRACT.read_text(encoding="utf-8"))
    return found


def _schema(found: dict[str, Any]) -> ArgumentSchema:
    return ArgumentSchema(
        found.get("attributes", {}), {name: _schema(each) for name, each in found.get("blocks", {}).items()}
    )
