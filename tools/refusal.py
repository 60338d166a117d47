"""How an operator's tool says no, in one sentence and an exit code that is not 0, and how it asks for a yes."""

from __future__ import annotations

import os
import sys


class Refusal(Exception):
    """Why a tool cannot do its work, in one sentence for the person at the terminal."""


def complain(sentence: str, *, code: int = 2) -> int:
    """Say what stands in the way; gives the exit code."""
    sys.stderr.write(f"{sentence}\n")
    return code


def is_confirmed(question: str) -> bool:
    """Did the person say so, by YES=1 or at the terminal?"""
    if os.environ.get("YES") == "1":
        return True
    return sys.stdin.isatty() and input(f"{question} Type yes: ").strip().lower() == "yes"
