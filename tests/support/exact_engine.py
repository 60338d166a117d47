"""The engine that counts capacity exactly and takes threads as DynamoDB does, where it can be had."""

from __future__ import annotations

import os

import pytest

from tools import dynoxide
from tools.refusal import Refusal


def require() -> None:
    """Skip the test where the engine cannot be had; continuous integration must have it."""
    try:
        dynoxide.binary()
    except Refusal as refusal:
        if os.environ.get("CI"):
            pytest.fail(str(refusal))
        pytest.skip(str(refusal))
