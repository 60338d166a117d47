"""The clients of the API, made once for all tests that use them: in a folder named for what they are made of.

Several processes may want them at once; the first makes them, and the others wait.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import npm
from tools.clients import python, sources, typescript
from tools.refusal import Refusal

# Of Node's own types, which whoever uses the package has.
NODE = "declare const process: { env: Record<string, string | undefined> };\n"
TESTS = typescript.LAYER / "tests" / "layer.ts"
PAGE = sources.ROOT / "docs" / "clients.md"
KEPT = sources.ROOT / "out" / "clients-of-tests"


def python_client() -> Path:
    """The folder to import the Python client from."""
    return _kept(f"python-{sources.name(python.LAYER)}", python.write)


def typescript_client() -> Path:
    """The folder of the npm package; in its folder dist are also the tests of its layer, and its quickstart."""
    scripts = {"layer": TESTS.read_text(), "quickstart": NODE + quickstart("typescript")}
    name = sources.name(typescript.LAYER, *scripts.values())
    return _kept(f"typescript-{name}", lambda target: typescript.write(target, **scripts))


def quickstart(language: str) -> str:
    """The script of docs/clients.md in that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return str(found)


def require_npm() -> None:
    """Skip the test, and say why, where there is no TypeScript client; with `CI` set npm must not fail."""
    if reason := typescript.missing():
        pytest.skip(f"The TypeScript client was skipped: {reason}")
    try:
        npm.install(typescript.LAYER)
    except Refusal as refusal:
        if "CI" in os.environ:
            raise
        pytest.skip(f"The TypeScript client was skipped: npm could not fetch what it needs: {refusal}")


def _kept(name: str, write: Callable[[Path], None]) -> Path:
    folder = KEPT / name
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            write(folder)
            (folder / "ready").touch()
    return folder
