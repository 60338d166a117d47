"""Writes down each call to AWS that an operators' tool makes, or the smoke test in a Lambda function.

Python imports this before anything else in a process whose PYTHONPATH leads here, so it stands alone, and looks at
botocore only when somebody imports it. A call is whose code is innermost on the stack: what a test asks by itself, or
the local AWS's own tools, is not written down.
"""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

FILE = "HEARD_CALLS"
WATCHED = "botocore.client"
TOOLS = re.compile(r".*/tools/(release|stages|package|restore)/.*")
OTHERS = re.compile(r".*/(tests|tools/local|tools/testing)/.*")
MAX_CHARACTERS = 400  # of a parameter that is kept: names, not bodies
_written: set[str] = set()


class Finder(MetaPathFinder):
    """Finds botocore's clients as usual, and lets them be heard."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Python's own answer, but for that one module."""
        if name != WATCHED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def executed(module: Any) -> None:
            execute(module)
            hear(module.BaseClient)

        spec.loader.exec_module = executed  # type: ignore[method-assign]
        return spec


def hear(client: Any) -> None:
    """Write down what clients of this class are asked for."""
    call = client._make_api_call

    def heard(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if os.environ.get(FILE) and _is_a_tools(sys._getframe(1)):
            _write(self.meta.service_model.service_name, operation, parameters)
        return call(self, operation, parameters)

    client._make_api_call = heard


def _is_a_tools(frame: Any) -> bool:
    while frame is not None:
        file = frame.f_code.co_filename.replace("\\", "/")
        if OTHERS.fullmatch(file):
            return False
        if TOOLS.fullmatch(file):
            return True
        frame = frame.f_back
    return False


def _write(service: str, operation: str, parameters: dict[str, Any]) -> None:
    kept = {name: value for name, value in parameters.items() if len(str(value)) <= MAX_CHARACTERS}
    who = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    line = json.dumps([who, service, operation, kept], sort_keys=True, default=str)
    if line in _written:
        return
    _written.add(line)
    # By one write, so that lines of several processes do not mix; nothing more is imported than is needed.
    with open(os.environ[FILE], "ab", buffering=0) as file:  # noqa: PTH123
        file.write(f"{line}\n".encode())


if os.environ.get(FILE):
    sys.meta_path.insert(0, Finder())
