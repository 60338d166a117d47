"""`python -m tools.contract`: write the documents of the API that `app.py` serves as they are."""

from __future__ import annotations

import json
from pathlib import Path

from tools.contract import asyncapi, openapi

FOLDER = Path(__file__).parents[2] / "chalicelib" / "api" / "documents"
FILE = FOLDER / "openapi.json"


def main() -> None:
    """Write the documents, one line a value, so that a change of one can be read."""
    for path, text in texts().items():
        path.write_text(text, "utf-8")


def texts() -> dict[Path, str]:
    """The documents as their files have them."""
    documents = {FILE: openapi.document(), FOLDER / "asyncapi.json": asyncapi.document()}
    return {path: json.dumps(each, indent=1, ensure_ascii=False) + "\n" for path, each in documents.items()}


if __name__ == "__main__":
    main()
