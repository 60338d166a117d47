"""The driver of the browser: that it waits for nothing without an end."""

from __future__ import annotations

import os

import pytest

from chalicelib.core.deadline import Deadline
from tests.support.chromium import Pipes


def test_a_browser_that_says_nothing_fails_the_test() -> None:
    read, write = os.pipe()

    with pytest.raises(AssertionError, match="Chromium says nothing"):
        Pipes(write, read).receive(Deadline(0.05))

    os.close(read)
    os.close(write)
