"""`python -m tests.support.hasty MODULE ARGUMENT…`: runs a tool that asks the local AWS more often whether it is ready.

On AWS a function takes seconds to be ready, and clients ask every five; here it takes half a second.
"""

from __future__ import annotations

import runpy
import sys
import time
import types

import botocore.waiter


def main(module: str, *arguments: str) -> None:
    """Run the module as its user would."""
    botocore.waiter.time = types.SimpleNamespace(sleep=lambda _: time.sleep(0.05))  # type: ignore[attr-defined]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
