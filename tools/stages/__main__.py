"""`python -m tools.stages`: write what follows from the stages' settings files."""

import sys

from tools.refusal import Refusal, complain
from tools.stages import generated


def main() -> int:
    """Write the files that are stale, and say which; the exit code."""
    try:
        changed = generated.write()
    except Refusal as refusal:
        return complain(str(refusal))
    for file in changed:
        print(f"{'wrote' if file.exists() else 'removed'} {file.relative_to(generated.PROJECT)}")
    if not changed:
        print("All files say what stages/ says.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
