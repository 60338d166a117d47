"""`python -m bench.cost_units`: measure what `make cost` computes with, and write tools/cost/units.toml.

Visitors come one after the other to the app on an engine that reports capacity as DynamoDB does. Of each request it
is noted what it reads and writes, what it logs and answers, and how long it computes; then the same of the stream's
function, which is handed what the request has changed, until nothing follows any more. Before, each scheduled function
runs in a shop where nothing is due. What is written is the median over the visitors. The drawback: computing takes as
long as on this machine, with the meter.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

import app
from bench import catalogue, route_costs
from bench.meter import Meter
from chalicelib.aws import clients
from chalicelib.core import clock
from tools.local import filters, functions, schedule
from tools.local import settings as local
from tools.local.settings import PROJECT
from tools.refusal import Refusal
from tools.testing.shop import ADDRESS, PASSWORD, Shop, ShopAnswer

FILE = PROJECT / "tools" / "cost" / "units.toml"
PRODUCTS = 1_000
VISITORS = 5
SCHEDULED = ("run_scheduled_work", "deliver_webhooks", "check_store", "remind_of_carts", "summarise_sales")
STREAM = "handle_table_stream"
_ENVIRONMENT = {
    **route_costs.ENVIRONMENT,
    "BUCKET_NAME": "costs",
    "IMAGE_BASE_URL": "https://images.example.com",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/costs",
    "PASSWORD_ROUNDS": "12",  # as deployed, for it is most of what a login computes
}
_MAX_ROUNDS = 10  # of changes that follow changes
_ORDER = {"shippingAddress": ADDRESS, "paymentMethod": {"type": "card", "token": "tok_success"}}
_HEADING = """\
# What requests and functions take, measured by `make cost-units` on {day}, with {products:,} products; do not edit.
# Capacity is that of table and indexes. Milliseconds are what this machine computed, without waiting for anybody.
# `metrics_idle` and `metrics` are how many the shop's log made CloudWatch keep, without and with visitors.
"""


class Units(NamedTuple):
    """What one request or one call of a function takes."""

    calls: float
    reads: float
    writes: float
    milliseconds: float
    log_bytes: float
    answer_bytes: float = 0
    mails: float = 0
    events: float = 0
    records: float = 0
    runs: float = 1


Taken = defaultdict[str, list[Units]]


class Outside:
    """All of AWS but the table: takes everything, and counts mails and events."""

    def __init__(self) -> None:
        self.mails = self.events = 0

    def attach(self) -> None:
        """Answer the calls of the app's clients, as long as these live."""
        clients.ses().meta.events.register("before-call.sesv2", self._take_mail)
        clients.events().meta.events.register("before-call.eventbridge", self._take_events)
        for client in (clients.sns(), clients.sqs(), clients.s3()):
            client.meta.events.register("before-call", _take)

    def _take_mail(self, **_: Any) -> Any:
        self.mails += 1
        return AWSResponse("", 200, {}, None), {"MessageId": "one"}

    def _take_events(self, params: dict[str, Any], **_: Any) -> Any:
        entries = json.loads(params["body"])["Entries"]
        self.events += len(entries)
        return AWSResponse("", 200, {}, None), {"FailedEntryCount": 0, "Entries": [{"EventId": "one"} for _ in entries]}


class Observer:
    """Looks on while something is done."""

    def __init__(self, meter: Meter, shop: Shop, url: str) -> None:
        meter.url = url
        self.shop = shop
        self.outside = Outside()
        self.metrics: set[str] = set()
        self._meter = meter
        self._changes = _changes(url)

    def observe(self, work: Callable[[], Any]) -> Units:
        """What it takes."""
        log, answers, outside = io.StringIO(), list[Any](), self.outside
        mails, events, began = outside.mails, outside.events, time.process_time()
        with redirect_stdout(log):
            cost = self._meter.cost(lambda: answers.append(work()))
        elapsed = (time.process_time() - began) * 1000
        self.metrics |= set(_metrics(log.getvalue()))
        size = len(answers[0].text.encode()) if isinstance(answers[0], ShopAnswer) else 0
        return Units(
            len(cost.calls), cost.read, cost.written, elapsed, len(log.getvalue().encode()), size,
            outside.mails - mails, outside.events - events,
        )  # fmt: skip

    def changes(self) -> list[dict[str, Any]]:
        """What the stream's function is told that it was not told before."""
        found, wanted = next(self._changes), filters.patterns()
        return [record for record in found if filters.passes(record, wanted)]

    def follow(self) -> Iterator[Units]:
        """What the stream's function takes for each batch of changes, also for those that it makes itself."""
        for _ in range(_MAX_ROUNDS):
            records = self.changes()
            if not records:
                return
            taken = self.observe(lambda batch=records: self.shop.client.lambda_.invoke(STREAM, {"Records": batch}))
            yield taken._replace(records=len(records))


def main() -> int:
    """Measure, and write the file."""
    local.use_local_aws(local.read({}))  # so that nothing left in the terminal leads elsewhere
    os.environ.update(_ENVIRONMENT)
    try:
        FILE.write_text(_text(*measure()), "utf-8")
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    return 0


def measure(visitors: int = VISITORS) -> tuple[dict[str, Units], int, int]:
    """The medians by name, and how many metrics there are without visitors, and with them."""
    with (
        TemporaryDirectory() as folder,
        route_costs.engines([PRODUCTS], Path(folder)) as urls,
        route_costs.visitor() as (meter, shop),
    ):
        observer, taken = Observer(meter, shop, urls[PRODUCTS]), Taken(list)
        observer.outside.attach()
        _run_schedules(observer, taken)
        idle = len(observer.metrics)
        for number in range(visitors):
            _visit(observer, shop, taken, f"visitor{number}@example.com")
    return {name: _median(units) for name, units in taken.items()}, idle, len(observer.metrics)


def _run_schedules(observer: Observer, taken: Taken) -> None:
    for name in SCHEDULED:
        run = partial(_run, name)
        observer.observe(run)  # the first run loads what it needs
        taken[name].append(observer.observe(run))
        list(observer.follow())


def _run(name: str) -> None:
    getattr(app, name)(schedule.event(clock.now()), functions.context(name))


def _visit(observer: Observer, shop: Shop, taken: Taken, email: str) -> None:
    for name, request in _requests(shop, email):
        taken[name].append(observer.observe(request))
        taken[f"{STREAM} after {name}"].append(_sum(observer.follow()))


def _requests(shop: Shop, email: str) -> Iterator[tuple[str, Callable[[], ShopAnswer]]]:
    """What a visitor does who becomes a customer, each with its name in the mix."""
    answers: dict[str, ShopAnswer] = {}
    customer = shop

    def step(method: str, path: str, body: Any = None, name: str = "", **headers: str) -> Any:
        said = name or f"{method} {path}"

        def request() -> ShopAnswer:
            answers[said] = customer(method, path, body, **headers)
            if answers[said].status >= HTTPStatus.BAD_REQUEST:
                raise Refusal(f"Nothing was measured: {said} answered {answers[said]}.")
            return answers[said]

        return said, request

    product = catalogue.product(0).product_id
    account = {"email": email, "password": PASSWORD}
    for path in ("/products", "/products/category/outdoors", "/products?q=outdoors", "/categories"):
        yield step("GET", path, name=f"GET {path.replace('outdoors', '…')}")
    yield step("GET", f"/products/{product}", name="GET /products/{productId}")
    yield step("POST", "/auth/register", {**account, "firstName": "Ada", "lastName": "Lovelace"})
    yield step("POST", "/auth/login", account)
    opened = answers["POST /auth/login"].body
    yield step("POST", "/auth/refresh", {"refreshToken": opened["refreshToken"]})
    customer = Shop(shop.client, {"Authorization": f"Bearer {answers['POST /auth/refresh'].body['accessToken']}"})
    yield step("POST", "/cart/items", {"productId": product, "quantity": 1})
    yield step("GET", "/cart")
    yield step("POST", "/orders", _ORDER, Idempotency_Key=email)
    order = answers["POST /orders"].body["orderId"]
    yield step("GET", "/orders")
    yield step("GET", f"/orders/{order}", name="GET /orders/{orderId}")
    yield step("PUT", f"/orders/{order}/cancel", name="PUT /orders/{orderId}/cancel")


def _changes(url: str) -> Iterator[list[dict[str, Any]]]:
    """At each look what came to the table's stream since the one before, as Lambda would deliver it."""
    loose = Config(parameter_validation=False)  # the engine's sequence numbers are short
    streams = boto3.client("dynamodbstreams", endpoint_url=url, region_name="us-east-1", config=loose)
    arn = streams.list_streams()["Streams"][0]["StreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    place = {"StreamArn": arn, "ShardId": shard["ShardId"]}
    position: dict[str, str] = {"ShardIteratorType": "TRIM_HORIZON"}
    while True:
        iterator = streams.get_shard_iterator(**place, **position)["ShardIterator"]
        found = streams.get_records(ShardIterator=iterator)["Records"]
        if found:
            last = found[-1]["dynamodb"]["SequenceNumber"]
            position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": last}
        yield [_delivered(record, arn) for record in found]


def _delivered(record: dict[str, Any], arn: str) -> dict[str, Any]:
    at = int(record["dynamodb"]["ApproximateCreationDateTime"].timestamp())
    return {**record, "eventSourceARN": arn, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": at}}


def _take(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
    return AWSResponse("", 200, {}, None), {"MessageId": "one"}


def _metrics(log: str) -> Iterator[str]:
    """Each metric that lines of the log make, with the values of its dimensions."""
    for line in filter(None, log.splitlines()):
        said = json.loads(line)
        for described in said.get("_aws", {}).get("CloudWatchMetrics", []):
            for dimensions in described["Dimensions"]:
                values = [f"{name}={said[name]}" for name in dimensions]
                yield from (" ".join([metric["Name"], *values]) for metric in described["Metrics"])


def _sum(units: Iterator[Units]) -> Units:
    """All together."""
    each = list(units)
    return Units(*map(sum, zip(*each, strict=True))) if each else Units(*[0] * len(Units._fields))


def _median(units: list[Units]) -> Units:
    return Units(*map(statistics.median, zip(*units, strict=True)))


def _text(units: dict[str, Units], idle: int, metrics: int) -> str:
    """The file, in the words of TOML."""
    heading = _HEADING.format(day=clock.timestamp()[:10], products=PRODUCTS)
    lines = [f"{heading}measured = {clock.timestamp()[:10]}", f"metrics_idle = {idle}", f"metrics = {metrics}"]
    for name, each in units.items():
        values = [f"{field} = {round(value, 1):.10g}" for field, value in each._asdict().items() if value]
        if not values:
            continue
        lines += ["", f"[units.{json.dumps(name, ensure_ascii=False)}]", *values]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
