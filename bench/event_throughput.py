"""`python -m bench.event_throughput [--orders 10000]`: paid orders through the pump of the local shop.

It starts a local AWS of its own in a temporary folder, writes that many paid orders into the table, and then delivers
the table's stream to the handler as `make run` does. At the end every order must have exactly one confirmation mail
and one `order.created` event. Prints records and orders a second; exit code 1 when something is missing or double.
"""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from tqdm import tqdm

from chalicelib.aws import db, keys
from chalicelib.core.principal import Principal, Role
from chalicelib.orders import store as order_store
from chalicelib.orders.models import Order
from chalicelib.orders.pricing import OrderLine, Price
from chalicelib.orders.states import Actor, OrderStatus
from chalicelib.payments.models import AttemptState, Outcome
from chalicelib.users.schemas import Address
from tools.local import cloud, resources, shop
from tools.local import settings as local
from tools.local.checkpoint import Checkpoint
from tools.local.functions import Function
from tools.local.settings import HOST, LocalSettings
from tools.local.stream import Pump

_ADDRESS = Address(street="1 Main Street", city="Springfield", postal_code="12345", country="US")
_QUIET_SECONDS = 60  # without a delivery the pump is taken to be stuck


@dataclass
class Counted:
    """The stream's handler, and how many records it has answered for: in all, and of orders."""

    handler: Function
    bar: Any
    records: int = 0
    moved: float = field(default_factory=time.monotonic)

    def __call__(self, event: dict[str, Any], context: Any) -> Any:
        """Handle a batch; what is to come again is counted then."""
        answer = self.handler(event, context)
        records = event["Records"][: None if not answer["batchItemFailures"] else 0]
        self.records += len(records)
        self.bar.update(sum(each["dynamodb"]["Keys"]["SK"]["S"].startswith(keys.ORDER_PREFIX) for each in records))
        self.moved = time.monotonic()
        return answer


@dataclass(frozen=True)
class Result:
    """How often each order was confirmed by mail and told as created, and how long that took."""

    orders: list[str]
    mails: Counter[str]
    events: Counter[str]
    records: int
    seconds: float

    @property
    def faults(self) -> list[str]:
        """The orders that have not exactly one of each."""
        return [each for each in self.orders if (self.mails[each], self.events[each]) != (1, 1)]


def measure(orders: int, state: Path) -> Result:
    """Place that many paid orders, and deliver what follows from them."""
    settings = LocalSettings(port=_free_port(), cloud_port=_free_port(), state=state)
    with ExitStack() as stack:
        stack.enter_context(shop.logging_to_file(settings))
        local.use_local_aws(settings)
        stack.enter_context(cloud.running(settings))
        found = resources.deploy(settings)
        loaded = shop.load({**local.aws_environment(settings), **found})
        placed = [_place(number) for number in tqdm(range(orders), "placed", unit=" orders", file=sys.stderr)]
        bar = stack.enter_context(tqdm(total=2 * orders, desc="delivered", unit=" changes", file=sys.stderr))
        counted = Counted(loaded.module.handle_table_stream, bar)
        arn, queue = found["TABLE_STREAM_ARN"], found["DEAD_LETTER_QUEUE_URL"]
        pump = Pump(counted, Checkpoint(settings.checkpoint), stream_arn=arn, queue_url=queue)
        started = time.monotonic()
        pump.start()
        while bar.n < 2 * orders and time.monotonic() - counted.moved < _QUIET_SECONDS:
            time.sleep(0.2)
        seconds = time.monotonic() - started
        pump.stop()
        return Result(placed, _mails(settings), _events(settings), counted.records, seconds)


def _place(number: int) -> str:
    """A new order, and the money for it: three records on the stream."""
    email = f"buyer{number}@example.com"
    buyer = Principal(user_id=f"usr_{number:026d}", email=email, roles=(Role.CUSTOMER,), session_id="ses_1")
    line = OrderLine(product_id="prd_00000000000000000000000001", product_name="Mug", quantity=1, price=1250)
    price = Price(lines=[line], subtotal=1250, discount=0, shipping=0, tax=0, shipping_tax=0, tax_included=False)
    order = Order.place(buyer, price, "USD", _ADDRESS, coupon=None, from_cart=False, locale="en")
    db.commit(order_store.create(order))
    captured = Outcome(state=AttemptState.CAPTURED, payment_id="pay_1")
    paid = order.settled(captured, ending=OrderStatus.CANCELLED, by=Actor.SYSTEM, actor="system")
    db.commit(order_store.update(order, paid, actor="system"))
    return order.order_id


def _mails(settings: LocalSettings) -> Counter[str]:
    """How many confirmations each order has."""
    accounts = _get(f"{settings.cloud_url}/_ministack/ses/messages")["messages"]
    subjects = [mail["Subject"] for mails in accounts.values() for mail in mails]
    return Counter(subject.split()[1] for subject in subjects if subject.endswith("confirmed"))


def _events(settings: LocalSettings) -> Counter[str]:
    """How often each order was told as created, each time under whatever id."""
    told = [json.loads(body)["detail"] for body in _bodies(_get(settings.events_url))]
    return Counter(event["data"]["orderId"] for event in told if event["type"] == "order.created.v1")


def _bodies(found: Any) -> list[str]:
    """Every message body, however deep the emulator's answer holds it."""
    if isinstance(found, dict):
        own = [found["Body"]] if isinstance(found.get("Body"), str) else []
        return own + [body for inner in found.values() for body in _bodies(inner)]
    return [body for inner in found for body in _bodies(inner)] if isinstance(found, list) else []


def _get(url: str) -> Any:
    return json.loads(urllib3.request("GET", url, timeout=120).data)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return int(free.getsockname()[1])


def main() -> int:
    """Measure and judge; the exit code."""
    parser = ArgumentParser(description="Paid orders through the pump of the local shop.")
    parser.add_argument("--orders", type=int, default=10_000)
    orders = parser.parse_args().orders
    with tempfile.TemporaryDirectory() as folder:
        result = measure(orders, Path(folder))
    records, each = result.records / result.seconds, orders / result.seconds
    say = sys.stdout.write
    say(f"{result.records:,} records in {result.seconds:.0f} s: {records:.0f} records/s, {each:.0f} orders/s\n")
    say(f"{orders:,} orders: {result.mails.total():,} confirmations, {result.events.total():,} order.created events; ")
    say(f"{len(result.faults):,} orders have not exactly one of each.\n")
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
