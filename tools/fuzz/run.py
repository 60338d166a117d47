"""A whole run: several connections at once, each request judged, the figures told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from chalicelib.core import clock
from tools.fuzz import cases, verdict, wire, world
from tools.fuzz.cases import Case
from tools.fuzz.wire import Exchange
from tools.fuzz.world import TooOften, World

MAX_CONNECTIONS = 8
MAX_FINDINGS = 20  # after which a run stops
RENEWED_AFTER = 500  # requests; so long may a world serve from which they take things away
PATIENCE_SECONDS = 30.0
SLOW_PATIENCE_SECONDS = 100.0  # the shop itself waits for 75 for a client that says nothing


@dataclass(frozen=True)
class BadAnswer:
    """A request that was answered as none may be."""

    case: Case
    wrong: str


@dataclass
class RunFigures:
    """What a run came to."""

    requests: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    not_renewed: int = 0  # how often the world stayed the one before
    statuses: Counter[int] = field(default_factory=Counter)
    findings: list[BadAnswer] = field(default_factory=list)

    def told(self) -> str:
        """The figures in lines."""
        answers = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.requests} requests in {self.seconds:.0f} seconds, {self.statuses.total()} answers, "
            f"the slowest after {self.slowest:.1f} seconds; the world could not be made anew {self.not_renewed} times."
            f"\n{answers}"
        )


Answered = tuple[Case, Exchange]


def run(
    port: int, seed: int, numbers: range, on_progress: Callable[[RunFigures], None], *, at_once: int = MAX_CONNECTIONS
) -> RunFigures:
    """Send the requests of these numbers, and judge what comes; it ends early when enough was found."""
    figures, here, began = RunFigures(), None, clock.monotonic()
    with ThreadPoolExecutor(at_once) as pool, ThreadPoolExecutor(MAX_CONNECTIONS) as waiting:
        slow: list[Future[Answered]] = []
        for first in range(numbers.start, numbers.stop, RENEWED_AFTER):
            here, turn = _renew(port, here, figures), range(first, min(first + RENEWED_AFTER, numbers.stop))
            made = [cases.make(seed, number, here) for number in turn]
            slow += [waiting.submit(_ask, port, case) for case in made if not case.is_ended]
            _count(figures, pool.map(lambda case: _ask(port, case), [case for case in made if case.is_ended]))
            figures.seconds = clock.monotonic() - began
            on_progress(figures)
            if len(figures.findings) >= MAX_FINDINGS:
                break
        _count(figures, (each.result() for each in slow))
    figures.seconds = clock.monotonic() - began
    on_progress(figures)
    return figures


def _renew(port: int, before: World | None, figures: RunFigures) -> World:
    """A new world, or the one before as long as the shop lets nobody in so often, which is counted."""
    try:
        return world.make(port)
    except TooOften:
        if before is None:
            raise
        figures.not_renewed += 1
        return before


def _ask(port: int, case: Case) -> Answered:
    patience = PATIENCE_SECONDS if case.is_ended else SLOW_PATIENCE_SECONDS
    came = wire.exchange(port, case.parts, is_ended=case.is_ended, is_head=case.is_head, patience=patience)
    return case, came


def _count(figures: RunFigures, answered: Iterable[Answered]) -> None:
    for case, came in answered:
        figures.requests += 1
        figures.slowest = max(figures.slowest, came.seconds if case.is_ended else 0.0)
        figures.statuses.update(answer.status for answer in came.answers)
        if wrong := verdict.of(case, came):
            figures.findings.append(BadAnswer(case, wrong))
