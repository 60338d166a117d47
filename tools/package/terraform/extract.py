"""`python -m tools.package.terraform.extract FILE`: make schema.json anew, after a type was added to the table.

FILE holds what `terraform providers schema -json` prints.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tools.package.terraform.kinds import terraform_types
from tools.package.terraform.schema import EXTRACT
from tools.refusal import Refusal

PROVIDER = "registry.terraform.io/hashicorp/aws"
MAX_DEPTH = 7  # of blocks in blocks; those of a firewall's rules go on for ever


def extract(provider: dict[str, Any], types: set[str]) -> dict[str, Any]:
    """What schema.json holds, of all that the provider says."""
    said = provider["provider_schemas"][PROVIDER]
    known = {**said["resource_schemas"], **{f"data.{name}": each for name, each in said["data_source_schemas"].items()}}
    if missing := types - set(known):
        raise Refusal(f"The provider has no {min(missing)}.")
    return {name: _extracted(known[name]["block"], MAX_DEPTH) for name in sorted(types)}


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
    made = extract(json.loads(Path(file).read_text(encoding="utf-8")), terraform_types())
    lines = [f"{json.dumps(name)}: {json.dumps(each, separators=(',', ':'))}" for name, each in made.items()]
    EXTRACT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
