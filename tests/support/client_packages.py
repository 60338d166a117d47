"""The clients of the API, made once for all tests that use them: in a folder named for what they are made of.

Several processes may want them at once; the first makes them, and the others wait.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

from tools.clients import python, sources, typescript

# Of Node's own types, which whoever uses the package has.
NODE = "declare const process: { env: Record<string, string | undefined> };\n"
KEPT = sources.ROOT / "out" / "clients-of-tests"


def python_client() -> Path:
    """The folder to import the Python client from."""
    return _kept(f"python-{sources.name(python.LAYER)}", python.write)


def typescript_client(script: str) -> Path:
    """The folder of the npm package, with that script compiled in it as dist/script.js."""
    name = sources.name(typescript.LAYER, script)
    return _kept(f"typescript-{name}", lambda target: typescript.write(target, script=NODE + script))


def _kept(name: str, write: Callable[[Path], None]) -> Path:
    folder = KEPT / name
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            write(folder)
            (folder / "ready").touch()
    return folder
