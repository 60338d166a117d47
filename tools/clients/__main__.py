"""`python -m tools.clients`: write the clients of the API into out/clients."""

from __future__ import annotations

import sys

from tools.clients import python, sources, typescript
from tools.refusal import Refusal, complain

OUT = sources.ROOT / "out" / "clients"


def main() -> int:
    """Write one package for each language, and say where; without npm only that of Python."""
    try:
        python.write(OUT / "python")
        print(f"The Python client is in {OUT / 'python'}.")
        if reason := typescript.missing():
            print(f"The TypeScript client was skipped: {reason}")
            return 0
        typescript.write(OUT / "typescript")
        print(f"The TypeScript client is in {OUT / 'typescript'}.")
    except Refusal as refusal:
        return complain(str(refusal))
    return 0


if __name__ == "__main__":
    sys.exit(main())
