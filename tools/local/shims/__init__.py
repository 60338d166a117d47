"""What the local AWS does otherwise than AWS, mended: one module a difference.

Each module says what ministack leaves out and why the shop needs it, and has a function `apply` that mends it in the
process of the local AWS. A test of each fails when ministack does it by itself, for then the module can go. They touch
names that ministack does not promise to keep, so its version is pinned.
"""

from tools.local.shims import api_definition, compression, rotations, uploads, workers

SHIMS = (uploads, rotations, api_definition, compression, workers)


def apply() -> None:
    """Mend all of them."""
    for shim in SHIMS:
        shim.apply()
