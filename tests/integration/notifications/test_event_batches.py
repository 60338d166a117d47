"""Every batch of stream records, however it comes, ends as it would once and in order (E5).

The records are those of a story; a batch is any choice of them. It is delivered by the rules of the deployed trigger
(`tools.local.delivery`): what is reported comes again with all that follows, what dies is halved and comes again.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations
from typing import Any, NamedTuple
from unittest import mock

import pytest
from botocore.client import BaseClient
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sesv2.models import sesv2_backends
from moto.sqs.models import sqs_backends

from chalicelib.core.errors import Unavailable
from chalicelib.notifications import service as notifications
from chalicelib.notifications.models import Change, kinds_of
from tests.support import table
from tests.support.emulator import emulated, saved
from tests.support.stream import deliver, letters, mails, records, told
from tools.local.delivery import BatchDelivery, Record
from tools.local.functions import FunctionFailed
from tools.testing.shop import Shop

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

LARGEST = 6


class End(NamedTuple):
    """What a delivery leaves behind."""

    items: dict[Any, Any]
    mails: Counter[tuple[str, str]]
    events: Counter[str]


class Died(Exception):
    """The function's time was over."""


class BatchWorld:
    """The shop before anything followed from its story, again and again."""

    def __init__(self) -> None:
        self._restore = saved()

    def renew(self) -> None:
        self._restore()
        emulated().stream_shard.items.clear()
        sesv2_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].core_backend.sent_messages.clear()
        sqs_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].queues["heard"]._messages.clear()

    def end(self) -> End:
        items = {key: item for key, item in table.everything().items() if not key.pk.startswith("EFFECT#")}
        return End(items, Counter((mail.to, mail.subject) for mail in mails()), Counter(each["id"] for each in told()))


def run(batches: Sequence[Sequence[Record]], handle: Callable[[Any], Any] | None = None) -> None:
    """Deliver batch after batch until each is settled; nothing may be given up."""
    buried: list[Any] = []
    lambda_ = BatchDelivery(handle or handled, lambda record, _: buried.append(record), lambda _: None, lambda _: None)
    for batch in batches:
        lambda_.deliver(batch)
    assert buried == []
    assert letters() == []


def handled(event: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": number} for number in notifications.handle(event["Records"])]}


def stopping_at(place: int, failure: Exception) -> Callable[[Any], Any]:
    """The handler, which once goes wrong where it comes to the record of that place."""
    left, react = [failure], notifications._react

    def handle(event: Any) -> dict[str, Any]:
        seen = 0

        def fail(*arguments: Any) -> None:
            nonlocal seen
            seen += 1
            if left and seen > place:
                raise left.pop()
            react(*arguments)

        with mock.patch.object(notifications, "_react", fail):
            try:
                return handled(event)
            except Died as died:
                raise FunctionFailed from died

    return handle


@pytest.fixture
def story(shop: Shop) -> list[Record]:
    """Six records that mean something: an order that is placed, paid and cancelled, its refund, a product, a user."""
    admin = shop.admin()
    mug = admin.product(name="Mug", stock=7)["productId"]
    pot = admin.product(name="Pot", stock=7)["productId"]
    ada = shop.customer()
    deliver(shop)
    before = len(records())
    order = ada.order((mug, 3)).body["orderId"]
    assert ada("PUT", f"/orders/{order}/cancel").status == 200
    admin("PATCH", f"/products/{pot}", {"name": "Kettle", "price": 20})
    shop.register("eve@example.com")
    meant = [record for record in records()[before:] if kinds_of(Change.of(record), low_stock=5)]
    wanted = {
        "placed": lambda r: r["eventName"] == "INSERT" and sk(r).startswith("ORDER#"),
        "paid": lambda r: status(r) == "processing",
        "cancelled": lambda r: status(r) == "cancelled",
        "sold": lambda r: sk(r) == "STOCK",
        "renamed": lambda r: sk(r) == "METADATA",
        "joined": lambda r: sk(r) == "PROFILE" and r["eventName"] == "INSERT",
    }
    found = [next(record for record in meant if fits(record)) for fits in wanted.values()]
    return sorted(found, key=lambda record: int(number(record)))


def sk(record: Record) -> str:
    return str(record["dynamodb"]["Keys"]["SK"]["S"])


def status(record: Record) -> str | None:
    old, new = (record["dynamodb"].get(image, {}).get("status", {}).get("S") for image in ("OldImage", "NewImage"))
    return new if new != old else None


def number(record: Record) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def batches_of(story: Sequence[Record]) -> Iterator[tuple[Record, ...]]:
    for size in range(1, LARGEST + 1):
        yield from combinations(story, size)


def orders_of(batch: tuple[Record, ...]) -> Iterator[tuple[Record, ...]]:
    """The batch in every other order that keeps what happened to one item in order, as a stream does."""
    for other in list(permutations(batch))[1:]:
        by_item: dict[str, list[int]] = {}
        for record in other:
            by_item.setdefault(sk(record), []).append(int(number(record)))
        if all(numbers == sorted(numbers) for numbers in by_item.values()):
            yield other


def ways(batch: tuple[Record, ...]) -> Iterator[Callable[[], None]]:
    """Every way in which a batch may come other than once and in order."""
    for place, record in enumerate(batch):
        yield lambda place=place, record=record: run([[*batch[: place + 1], record, *batch[place + 1 :]]])
        yield lambda place=place: run([batch], stopping_at(place, Unavailable("The mail service is away.")))
        yield lambda place=place: run([batch], stopping_at(place, Died()))
    for other in orders_of(batch):
        yield lambda other=other: run([other])
    yield lambda: run([batch, batch])


def test_every_batch_ends_the_same_however_it_comes(story: list[Record], capsys: pytest.CaptureFixture[str]) -> None:
    world, cases = BatchWorld(), 0
    for batch in batches_of(story):
        world.renew()
        run([batch])
        once = world.end()
        for come in ways(batch):
            world.renew()
            come()
            assert world.end() == once
            cases += 1

    assert once.mails.total() >= 3
    assert once.events.total() >= 6
    with capsys.disabled():
        sys.stdout.write(f"\n{cases:,} deliveries of {2 ** len(story) - 1} batches\n")
    assert cases > 1000


def test_a_death_after_any_call_repeats_at_most_that_calls_effect(story: list[Record]) -> None:
    """A mail or an event that left just before the function died may leave once more, and an event under its id."""
    world, call = BatchWorld(), 0
    world.renew()
    run([story])
    once = world.end()
    while True:
        world.renew()
        mortal = Mortal(call)
        run([story], mortal)
        end = world.end()
        assert end.items == once.items
        assert set(end.mails) == set(once.mails)
        assert set(end.events) == set(once.events)
        assert (end.mails - once.mails).total() <= 1
        call += 1
        if not mortal.has_died:
            break

    assert call > 20


class Mortal:
    """The handler, which dies once, when an outside call of that number has had its effect."""

    def __init__(self, call: int) -> None:
        self.left, self.has_died = call, False

    def __call__(self, event: Any) -> dict[str, Any]:
        original = BaseClient._make_api_call

        def count(client: Any, *arguments: Any) -> Any:
            answer = original(client, *arguments)
            self.left -= 1
            if self.left == -1:
                self.has_died = True
                raise Died
            return answer

        with mock.patch.object(BaseClient, "_make_api_call", count):
            try:
                return handled(event)
            except Died as died:
                raise FunctionFailed from died
