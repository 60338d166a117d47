"""What the AWS provider's resources take: an extract of its schema, for the types that are translated.

`python -m tools.package.terraform.schema FILE` makes the extract anew, schema.json, from what `terraform providers
schema -json` prints, after a type was added to the table of kinds.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tools.refusal import Refusal

EXTRACT = Path(__file__).with_name("schema.json")
PROVIDER = "registry.terraform.io/hashicorp/aws"
MAX_DEPTH = 7  # of blocks in blocks; those of a firewall's rules go on for ever


@dataclass(frozen=True)
class Schema:
    """The arguments of a resource, or of a block in it: attributes with their types, and blocks."""

    attributes: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, Schema] = field(default_factory=dict)


def of(terraform: str) -> Schema:
    """What resources of this type take. Raises `Refusal` for a type that the extract has not."""
    if terraform not in _extract():
        raise Refusal(f"{terraform} is not in tools/package/terraform/schema.json: make it anew, as schema.py says.")
    return _schema(_extract()[terraform])


def extract(provider: dict[str, Any], types: set[str]) -> dict[str, Any]:
    """What schema.json holds, of all that the provider says."""
    said = provider["provider_schemas"][PROVIDER]
    known = {**said["resource_schemas"], **{f"data.{name}": each for name, each in said["data_source_schemas"].items()}}
    if missing := types - set(known):
        raise Refusal(f"The provider has no {min(missing)}.")
    return {name: _extracted(known[name]["block"], MAX_DEPTH) for name in sorted(types)}


@cache
def _extract() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXTRACT.read_text(encoding="utf-8"))
    return found


def _schema(found: dict[str, Any]) -> Schema:
    return Schema(found.get("attributes", {}), {name: _schema(each) for name, each in found.get("blocks", {}).items()})


def _extracted(block: dict[str, Any], depth: int) -> dict[str, Any]:
    attributes = {
        name: each["type"] if isinstance(each["type"], str) else each["type"][0]
        for name, each in sorted(block.get("attributes", {}).items())
        if each.get("optional") or each.get("required")
    }
    inner = {
        name: _extracted(each["block"], depth - 1)
        for name, each in sorted(block.get("block_types", {}).items())
        if name != "timeouts" and depth
    }
    return {**({"attributes": attributes} if attributes else {}), **({"blocks": inner} if inner else {})}


def main(file: str) -> int:
    """Make the extract anew; the exit code."""
    from tools.package.terraform.kinds import terraform_types  # noqa: PLC0415 - the table reads the extract

    made = extract(json.loads(Path(file).read_text(encoding="utf-8")), terraform_types())
    lines = [f"{json.dumps(name)}: {json.dumps(each, separators=(',', ':'))}" for name, each in made.items()]
    EXTRACT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
