"""A plan as a comment on a pull request: the same comment, whenever the pull request changes."""

from __future__ import annotations

import json
import re
from typing import Any

from tools.delivery import forge

ACCOUNT = re.compile(r"\b\d{12}\b")  # in what AWS says; anybody may read a comment
BOT = "github-actions[bot]"
MAX_CHARACTERS = 60_000  # GitHub takes 65,536
CUT = "\n\n… and more: `make plan` shows all."


def put(pull_request: int, stage: str, text: str) -> None:
    """Say it on the pull request, in place of what was said there of this stage. Raises `Refusal` if it cannot."""
    mark, hidden = f"<!-- plan of {stage} -->", ACCOUNT.sub("…", text)
    kept = hidden if len(hidden) <= MAX_CHARACTERS else hidden[:MAX_CHARACTERS] + CUT
    body = json.dumps({"body": f"{mark}\n{kept}"})
    comments = f"repos/{forge.repository()}/issues"
    if (found := _find(f"{comments}/{pull_request}/comments", mark)) is None:
        forge.gh("api", "--method", "POST", f"{comments}/{pull_request}/comments", "--input", "-", given=body)
    else:
        forge.gh("api", "--method", "PATCH", f"{comments}/comments/{found}", "--input", "-", given=body)


def _find(comments: str, mark: str) -> int | None:
    """The id of our own comment: what somebody else wrote with the same mark is theirs."""
    pages: list[list[dict[str, Any]]] = json.loads(
        forge.gh("api", "--paginate", "--slurp", f"{comments}?per_page=100") or "[]"
    )
    ours = (
        each["id"] for page in pages for each in page if each["user"]["login"] == BOT and each["body"].startswith(mark)
    )
    return next(ours, None)
