"""Which of the next calls go wrong, and how: scripted by an administrator, in the order they were asked for."""

import threading
from collections import defaultdict, deque
from enum import StrEnum

import msgspec


class Fault(StrEnum):
    """What goes wrong with a call; those named `after` have their effect first."""

    ERROR = "error"  # 500
    ERROR_AFTER = "error_after"
    HANG = "hang"  # no answer, until the other side gives up
    HANG_AFTER = "hang_after"
    DROP = "drop"  # the connection ends without an answer
    LOSE_ANSWER = "lose_answer"  # the same, after the effect
    GARBAGE = "garbage"  # an answer that does not parse, after the effect

    @property
    def is_before(self) -> bool:
        """Does it keep the call from having its effect?"""
        return self in (Fault.ERROR, Fault.HANG, Fault.DROP)


class FaultScript(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Let the next `times` calls of `operation` go wrong that way; an empty operation means any."""

    fault: Fault
    operation: str = ""
    times: int = 1


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Fault]] = defaultdict(deque)

    def add(self, script: FaultScript) -> None:
        """Queue what an administrator asked for; `times` of 0 forgets what waits for that operation."""
        with self._lock:
            if script.times:
                self._waiting[script.operation].extend([script.fault] * script.times)
            else:
                self._waiting.pop(script.operation, None)

    def take(self, operation: str) -> Fault | None:
        """The fault of this call, used up."""
        with self._lock:
            waiting = self._waiting[operation] or self._waiting[""]
            return waiting.popleft() if waiting else None
