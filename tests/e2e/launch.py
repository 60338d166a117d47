"""`python -m tests.e2e.launch run`: `python -m tools.local run`, with a grace for spent tokens that no test outlasts.

The launcher takes a stage's settings from `.chalice/config.json` alone, and its ten seconds are soon over.
"""

from __future__ import annotations

import sys

from tools.local import __main__ as launcher
from tools.local import shop

GRACE = {"REFRESH_GRACE_SECONDS": "3600"}


def main(arguments: list[str]) -> int:
    """What the launcher does; its exit code."""
    load = shop.load
    shop.load = lambda overrides: load({**overrides, **GRACE})
    return launcher.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
