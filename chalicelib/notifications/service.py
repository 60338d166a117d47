"""What follows a change of the table, for batches of stream records that may come twice, late or in part (rules E).

Each record has its reactions; then the events of the whole batch go to the bus together. A record that cannot be
handled is reported by its sequence number and comes again with all that follow it, so what has happened is marked
(`store`). One that no repetition will help, or that failed too often, goes into the dead-letter queue, whole, and the
others go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib.aws import db, keys, transport
from chalicelib.core import log, money, settings
from chalicelib.core.deadline import Deadline
from chalicelib.core.errors import Misconfigured, ShopError, Unavailable
from chalicelib.core.events import PUBLISHED, Event, Kind
from chalicelib.notifications import bus, dead_letters, store
from chalicelib.notifications.event_schemas import event_of
from chalicelib.notifications.models import Change, kinds_of
from chalicelib.notifications.reactions import REACTIONS, Reaction
from chalicelib.webhooks import service as webhooks

Record = Mapping[str, Any]

MAX_TRIES = 5
SECONDS = 40  # of the minute that the function has; what is left then comes again
_GIVEN_UP = "given-up"
_PUBLISH = "publish"
_HOPELESS = (msgspec.ValidationError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
_FAILURES = (ShopError, Misconfigured, db.Stale, transport.RequestError, *_HOPELESS)
_METRICS = {
    Kind.ORDER_CREATED: "OrderCreated",
    Kind.ORDER_CONFIRMED: "OrderConfirmed",
    Kind.ORDER_CANCELLED: "OrderCancelled",
    Kind.ORDER_EXPIRED: "OrderExpired",
    Kind.REFUND_SUCCEEDED: "Refunded",
    Kind.CART_EXPIRED: "CartExpired",
    Kind.USER_CREATED: "UserCreated",
    Kind.STOCK_LOW: "LowStock",
}
_MONEY_METRICS = {Kind.ORDER_CONFIRMED: "Revenue", Kind.REFUND_SUCCEEDED: "RefundedAmount"}


@dataclass(frozen=True, slots=True)
class _Task:
    """A record and what it means."""

    record: Record
    change: Change
    kinds: list[Kind]

    @property
    def reactions(self) -> Iterator[Reaction]:
        for kind in self.kinds:
            yield from REACTIONS.get(kind, ())

    @property
    def told(self) -> list[Kind]:
        """The kinds that are told outside."""
        return [kind for kind in self.kinds if kind in PUBLISHED]

    def effect(self, name: str) -> store.Effect:
        return self.change.event_id, name

    @property
    def effects(self) -> Iterator[store.Effect]:
        """The effects that must happen once."""
        yield from (self.effect(reaction.name) for reaction in self.reactions if reaction.name)
        yield from (self.effect(name(kind)) for kind in self.told for name in (_publication, _queuing))


@dataclass
class _Failures:
    """The records of a batch that failed; `may_give_up` says whether one can end as a dead letter."""

    may_give_up: bool
    numbers: list[str] = field(default_factory=list)
    items: set[keys.Key] = field(default_factory=set)

    @contextmanager
    def of(self, record: Record, key: keys.Key | None = None) -> Iterator[None]:
        """Take what goes wrong with a record."""
        try:
            yield
        except _FAILURES as error:
            self.add(record, error, key)

    def add(self, record: Record, error: Exception, key: keys.Key | None = None) -> None:
        """Report the record, or give it up, and then nothing waits for it."""
        number = record["dynamodb"]["SequenceNumber"]
        log.error("RECORD_FAILED", sequenceNumber=number, error=type(error).__name__)
        if self.may_give_up and _give_up(record, error):
            return
        self.hold(number, key)

    def hold(self, number: str, key: keys.Key | None) -> None:
        """Let a record come again, and with it all that follows of the same item."""
        if number not in self.numbers:
            self.numbers.append(number)
        if key:
            self.items.add(key)


def handle(records: Sequence[Record], *, may_give_up: bool = True, seconds: float = SECONDS) -> list[str]:
    """React to a batch of stream records; returns the sequence numbers of those to be delivered again."""
    failures, deadline = _Failures(may_give_up), Deadline(seconds)
    tasks = list(_tasks(records, failures))
    try:
        done = store.get_done(effect for task in tasks for effect in task.effects)
    except Unavailable:
        return [task.change.sequence_number for task in tasks] + failures.numbers
    news: list[tuple[_Task, Kind, Event]] = []
    for task in tasks:
        if task.change.key in failures.items or deadline.is_over:
            failures.hold(task.change.sequence_number, task.change.key)
            continue
        with failures.of(task.record, task.change.key):
            log.enrich(correlationId=task.change.item.get("correlationId"))
            events = [(kind, event_of(kind, task.change)) for kind in task.told]
            news += _untold_events(task, events, done)
            _queue_webhooks(task, events, done)
            _react(task, done)
    _publish(news, failures)
    return failures.numbers


def _tasks(records: Iterable[Record], failures: _Failures) -> Iterator[_Task]:
    few = settings.current().low_stock_threshold
    for record in records:
        with failures.of(record):
            change = Change.of(record)
            if kinds := kinds_of(change, low_stock=few):
                yield _Task(record, change, kinds)


def _react(task: _Task, done: set[store.Effect]) -> None:
    for reaction in task.reactions:
        effect = task.effect(reaction.name) if reaction.name else None
        if effect in done:
            continue
        reaction.act(task.change)
        if effect:
            store.record([effect])
            done.add(effect)
            log.info("EFFECT_DONE", effect=reaction.name, eventId=task.change.event_id)


def _untold_events(
    task: _Task, events: list[tuple[Kind, Event]], done: set[store.Effect]
) -> list[tuple[_Task, Kind, Event]]:
    """The events that a change is to be told as, and was not."""
    untold = [(task, kind, event) for kind, event in events if task.effect(_publication(kind)) not in done]
    # by the end of the batch, or it all comes again
    done.update(task.effect(_publication(kind)) for _, kind, _ in untold)
    return untold


def _queue_webhooks(task: _Task, events: list[tuple[Kind, Event]], done: set[store.Effect]) -> None:
    """Queue what the shop's webhooks want to hear of, all of an event together with its mark or none."""
    for kind, event in events:
        effect = task.effect(_queuing(kind))
        deliveries = [] if effect in done else webhooks.queue(event)
        if deliveries:
            try:
                db.commit(store.mark(effect), *deliveries)
            except db.Stale:  # by a redrive beside the stream
                log.debug("WEBHOOKS_QUEUED_ALREADY", eventId=task.change.event_id)
            done.add(effect)


def _publish(news: list[tuple[_Task, Kind, Event]], failures: _Failures) -> None:
    """Tell the bus, as many at a time as it takes."""
    log.enrich(correlationId=None)
    for start in range(0, len(news), bus.BATCH_SIZE):
        portion = news[start : start + bus.BATCH_SIZE]
        refused = {event.id for event in bus.publish([event for _, _, event in portion])}
        told = [(task, kind) for task, kind, event in portion if event.id not in refused]
        failed = {task.change.event_id: task for task, _, event in portion if event.id in refused}
        try:
            store.record(task.effect(_publication(kind)) for task, kind in told)
        except _FAILURES:
            failed |= {task.change.event_id: task for task, _ in told}
            told = []
        for task in failed.values():
            if task.change.sequence_number not in failures.numbers:
                failures.add(task.record, Unavailable("The event was not told."), task.change.key)
        for task, kind in told:
            _count(task.change, kind)


def _count(change: Change, kind: Kind) -> None:
    """Count what was told just now; an amount in the currency's own unit, since nobody adds up cents on a dashboard."""
    if kind in _METRICS:
        log.metric(_METRICS[kind])
    if kind in _MONEY_METRICS:
        currency, minor = change.item["currency"], change.item["total" if "total" in change.item else "amount"]
        amount = float(money.to_decimal(minor, currency))
        log.metric(_MONEY_METRICS[kind], amount, "None", adds_up=False, Currency=currency)


def _publication(kind: Kind) -> str:
    return f"{_PUBLISH}-{kind}"


def _queuing(kind: Kind) -> str:
    return f"webhooks-{kind}"


def _give_up(record: Record, error: Exception) -> bool:
    """Put a record that will never succeed, or did not often enough, into the dead-letter queue, once."""
    effect = (record["eventID"], _GIVEN_UP)
    try:
        if store.get_done([effect]):
            return True
        is_hopeless = isinstance(error, _HOPELESS)
        tries = 1 if is_hopeless else store.count_try(record["eventID"])
        if not is_hopeless and tries < MAX_TRIES:
            return False
        dead_letters.send(record, error, tries=tries)
        store.record([effect])
    except _FAILURES as failure:
        log.error("RECORD_NOT_GIVEN_UP", error=type(failure).__name__)
        return False
    return True
