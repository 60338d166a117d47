"""Waiting for AWS, with a sign of life."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 15.0
_TELL_SECONDS = 30.0


def say(sentence: str) -> None:
    """Tell whoever waits how far it has come; what is asked for goes to standard output instead."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def wait(what: str, look: Callable[[], T | None]) -> T:
    """Look until there is something, ever more rarely, and say every half minute what is waited for.

    There is no end to it, as AWS promises none: an interruption does no harm, and the command goes on where it was.
    """
    began, silence = clock.monotonic(), Deadline(_TELL_SECONDS)
    for pause in _pauses():
        if (found := look()) is not None:
            return found
        clock.pause(pause)
        if silence.is_over:
            minutes, seconds = divmod(int(clock.monotonic() - began), 60)
            say(f"  … {what}, for {minutes} min {seconds} s by now.")
            silence = Deadline(_TELL_SECONDS)
    raise AssertionError


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(MAX_PAUSE_SECONDS, pause * 1.5)
