"""What the local AWS does otherwise than AWS, mended: one module a difference.

Each module says what ministack leaves out and why the shop needs it, and has a function `apply` that mends it in the
process of the local AWS. A test of each fails when ministack does it by itself, for then the module can go. They touch
names that ministack does not promise to keep, so its version is pinned.
"""

import pkgutil
from importlib import import_module


def apply() -> None:
    """Mend all of them, in the order of their names."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        import_module(f"{__name__}.{module.name}").apply()
