"""`python -m tools.contract`: write the documents of the API that `app.py` serves as they are."""

from __future__ import annotations

import json
from pathlib import Path

from tools.contract import openapi

FILE = Path(__file__).parents[2] / "chalicelib" / "api" / "documents" / "openapi.json"


def main() -> None:
    """Write the document, one line each value, so that a change of it can be read."""
    FILE.write_text(text(), "utf-8")


def text() -> str:
    """The document as its file has it."""
    return json.dumps(openapi.document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
