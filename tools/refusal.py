"""How an operator's tool says no: one sentence, and an exit code that is not 0."""

from __future__ import annotations

import sys


class Refusal(Exception):
    """Why a tool cannot do its work, in one sentence for the person at the terminal."""


def complain(sentence: str, *, code: int = 2) -> int:
    """Say what stands in the way; gives the exit code."""
    sys.stderr.write(f"{sentence}\n")
    return code
