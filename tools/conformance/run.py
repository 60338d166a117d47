"""The run: sends what schemathesis makes, counts it, and collects what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

from tools.conformance import document, formats
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


def run(url: str, *, count: int, seed: int, examples: int, covering: bool, tell: Callable[[Tally], object]) -> Tally:
    """At least so many requests to the shop at `url`; the same for a seed.

    What covers the edges of each schema comes once for each asker, unless it is left out; then requests at random and
    chains of them, so many examples each operation at a turn, the askers in turn, until they are enough.
    """
    formats.register()
    tally, accounts = Tally(), Accounts(url)
    if covering:
        for asker in Asker:
            _turn(url, tally, accounts, asker, seed, examples, COVERING, tell)
    turn = 0
    while turn < len(Asker) or tally.requests.total() < count:
        asker = list(Asker)[turn % len(Asker)]
        _turn(url, tally, accounts, asker, seed + turn, examples, RANDOM, tell)
        turn += 1
    return tally


def _turn(
    url: str,
    tally: Tally,
    accounts: Accounts,
    asker: Asker,
    seed: int,
    examples: int,
    phases: tuple[str, ...],
    tell: Callable[[Tally], object],
) -> None:
    schema = document.load(url, seed=seed, phases=phases, examples=examples, asker=asker, accounts=accounts)
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
