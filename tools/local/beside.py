"""What the page /docs loads: deployed it comes from the bucket behind its distribution, and here from the server."""

from __future__ import annotations

from dataclasses import dataclass

from tools import viewer

FILES = "/_local/viewer/"
HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Found:
    """What lies at an address."""

    content: bytes
    kind: str


def find(path: str) -> Found | None:
    """What is at a path of the server, None where nothing is beside the app."""
    if not path.startswith(FILES):
        return None
    file = viewer.files().get(path.removeprefix(FILES))
    return Found(file.read_bytes(), viewer.kind(file.name)) if file else None
