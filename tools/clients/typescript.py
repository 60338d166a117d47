"""The npm package: types by openapi-typescript, openapi-fetch, and the layer beside them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools import npm
from tools.clients import sources

LAYER = sources.ROOT / "clients" / "typescript"
OLDEST_NODE = 20
_KEY = "#/components/parameters/IdempotencyKey"


def missing() -> str | None:
    """Why there can be no such package on this machine, in a sentence; None if there can."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"there is no {program} on the PATH."
    version = npm.run(["node", "--version"], sources.ROOT).strip().removeprefix("v")
    if int(version.partition(".")[0]) < OLDEST_NODE:
        return f"it needs Node {OLDEST_NODE} or newer, and this is {version}."
    return None


def write(target: Path, **scripts: str) -> None:
    """Write the package anew into that folder and compile it, with scripts that use it. Raises `Refusal`."""
    shutil.rmtree(target, ignore_errors=True)
    sources.copy(LAYER, target)
    shutil.copy(sources.LICENCE, target)
    for name, script in scripts.items():
        (target / "src" / f"{name}.ts").write_text(script)
    (target / "node_modules").symlink_to(npm.install(LAYER), target_is_directory=True)
    package = json.loads((target / "package.json").read_text())
    (target / "package.json").write_text(json.dumps({**package, "version": sources.version()}, indent=2) + "\n")
    (target / "src" / "operations.ts").write_text(_operations())
    npm.run(
        [
            "node_modules/.bin/openapi-typescript",
            str(sources.DOCUMENT),
            "--output",
            "src/schema.ts",
            "--default-non-nullable=false",
        ],
        target,
    )
    npm.run(["node_modules/.bin/tsc"], target)


def _operations() -> str:
    document = json.loads(sources.DOCUMENT.read_text("utf-8"))
    told = [*_told(document)]
    keyed = [name for name, operation in told if {"$ref": _KEY} in operation.get("parameters", ())]
    token_taking = [name for name, operation in told if {"bearer": []} in operation["security"]]
    return (
        "/** What the shop looks at in which operation; written with the types. */\n\n"
        f"export const KEYED: ReadonlySet<string> = new Set({json.dumps(keyed, indent=2)});\n"
        f"export const TOKEN_TAKING: ReadonlySet<string> = new Set({json.dumps(token_taking, indent=2)});\n"
    )


def _told(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation
