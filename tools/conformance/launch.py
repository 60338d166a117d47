"""`python -m tools.conformance.launch`: the shop as `make run` opens it, but for passwords that are quickly hashed."""

from __future__ import annotations

import sys

from tools.local import __main__, shop

SETTINGS = {"PASSWORD_ROUNDS": "4"}


def main() -> int:
    """Serve until a signal; the exit code."""
    load = shop.load
    shop.load = lambda overrides: load({**overrides, **SETTINGS})
    return __main__.main(["run"])


if __name__ == "__main__":
    sys.exit(main())
