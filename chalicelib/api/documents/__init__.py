"""The documents of the API beside this file, written by `make openapi` before anybody asks for them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from chalicelib.api.calls import Document
from chalicelib.core import ids

_FOLDER = Path(__file__).parent


@lru_cache
def read(name: str) -> Document:
    """The document in the file of that name, with a tag that changes when it does."""
    content = (_FOLDER / name).read_text("utf-8")
    return Document(content, "application/json", {"ETag": f'"{ids.digest(content)[:32]}"'})
