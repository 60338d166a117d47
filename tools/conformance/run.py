"""The run: sends what schemathesis makes, counts it, and collects what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from tools.conformance import document, formats
from tools.conformance.document import FuzzPlan
from tools.conformance.principals import Accounts, Asker

COVERING = ("examples", "coverage")
RANDOM = ("fuzzing", "stateful")


@dataclass(frozen=True)
class Discrepancy:
    """Where the shop and its document are not of one mind: the first example of its kind."""

    check: str
    operation: str
    message: str
    curl: str
    answer: str

    def __str__(self) -> str:
        return f"{self.check} at {self.operation}: {self.message}\n  {self.curl}\n  {self.answer}"


@dataclass
class Tally:
    """What was sent and found so far."""

    requests: Counter[Asker] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    found: dict[tuple[str, str, str], Discrepancy] = field(default_factory=dict)

    def __str__(self) -> str:
        sent = ", ".join(f"{count:,} as {asker}" for asker, count in self.requests.items())
        statuses = ", ".join(f"{status} {count:,}" for status, count in sorted(self.statuses.items()))
        return f"{self.requests.total():,} requests ({sent}) to {len(self.operations)} operations: {statuses}"


def run(plan: FuzzPlan, tell: Callable[[Tally], object]) -> Tally:
    """What is planned; the same for a seed. `tell` is told how far it is.

    What covers the edges comes once for each asker; then requests at random and chains of them, the askers in turn,
    until they are enough.
    """
    formats.register()
    tally, accounts = Tally(), Accounts(plan.url)
    if plan.covering:
        for asker in plan.askers:
            _take_turn(plan, tally, accounts, asker, 0, COVERING, tell)
    turn = 0
    while turn < len(plan.askers) or tally.requests.total() < plan.count:
        _take_turn(plan, tally, accounts, plan.askers[turn % len(plan.askers)], turn, RANDOM, tell)
        turn += 1
    return tally


def _take_turn(
    plan: FuzzPlan,
    tally: Tally,
    accounts: Accounts,
    asker: Asker,
    turn: int,
    phases: tuple[str, ...],
    tell: Callable[[Tally], object],
) -> None:
    schema = document.load(plan, seed=plan.seed + turn, phases=phases, asker=asker, accounts=accounts)
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _count(tally, asker, event.recorder)
            tell(tally)
        elif isinstance(event, events.NonFatalError):
            key = ("error", event.label, event.info.title)
            tally.found.setdefault(key, Discrepancy("error", event.label, str(event.info), "", ""))


def _count(tally: Tally, asker: Asker, recorder: ScenarioRecorder) -> None:
    for case_id, interaction in recorder.interactions.items():
        tally.requests[asker] += 1
        tally.operations.add(recorder.cases[case_id].value.operation.label)
        if interaction.response is not None:
            tally.statuses[interaction.response.status_code] += 1
    for found in _discrepancies(recorder):
        tally.found.setdefault((found.check, found.operation, found.message.partition("\n")[0]), found)


def _discrepancies(recorder: ScenarioRecorder) -> Iterator[Discrepancy]:
    for case_id, checks in recorder.checks.items():
        interaction = recorder.interactions.get(case_id)
        answer = interaction.response.text[:1000] if interaction and interaction.response else ""
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                message = failure.message or failure.title
                yield Discrepancy(check.name, str(failure.operation), message, check.failure_info.code_sample, answer)
