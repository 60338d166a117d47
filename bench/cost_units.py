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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import partial
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from msgspec.structs import asdict

import app
from bench import catalogue, route_costs
from bench.meter import Meter
from chalicelib.aws import clients
from chalicelib.core import clock, ids
from tools.cost.functions import runs_in_a_month
from tools.cost.units import MEASURED, STREAM, Units
from tools.local import filters, functions, schedule
from tools.local import settings as local
from tools.refusal import Refusal
from tools.testing.shop import ADDRESS, PASSWORD, Shop, ShopAnswer

PRODUCTS = 1_000
VISITORS = 5
ENVIRONMENT = {
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
            calls=len(cost.calls), reads=cost.read, writes=cost.written, milliseconds=elapsed, runs=1,
            log_bytes=len(log.getvalue().encode()), answer_bytes=size,
            mails=outside.mails - mails, events=outside.events - events,
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
            yield self.observe(partial(self.shop.client.lambda_.invoke, STREAM, {"Records": records}))


def main() -> int:
    """Measure, and write the file."""
    local.use_local_aws(local.read({}))  # so that nothing left in the terminal leads elsewhere
    os.environ.update(ENVIRONMENT)
    try:
        MEASURED.write_text(_text(*measure()), "utf-8")
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    return 0


def measure(visitors: int = VISITORS) -> tuple[dict[str, Units], int, int]:
    """The medians by name, and how many metrics there are without visitors, and with them."""
    with (
        TemporaryDirectory() as folder,
        route_costs.engines([PRODUCTS], Path(folder)) as urls,
        watch(urls) as observer,
    ):
        taken = Taken(list)
        _run_schedules(observer, taken)
        idle = len(observer.metrics)
        return _medians(taken) | requests_at(observer, visitors), idle, len(observer.metrics)


@contextmanager
def watch(urls: Mapping[int, str]) -> Iterator[Observer]:
    """Somebody who looks on in the shop on the engine with as many products as are measured."""
    with route_costs.visitor() as (meter, shop):
        observer = Observer(meter, shop, urls[PRODUCTS])
        observer.outside.attach()
        yield observer


def requests_at(observer: Observer, visitors: int) -> dict[str, Units]:
    """The medians of requests and of what follows them; another visitor comes first, for whom things are made ready."""
    taken = Taken(list)
    _visit(observer, Taken(list), "first@example.com")
    for number in range(visitors):
        _visit(observer, taken, f"visitor{number}@example.com")
    return _medians(taken)


def _medians(taken: Taken) -> dict[str, Units]:
    return {name: _folded(units, statistics.median) for name, units in taken.items()}


def _run_schedules(observer: Observer, taken: Taken) -> None:
    for name in runs_in_a_month():
        run = partial(_run, name)
        observer.observe(run)  # the first run loads what it needs
        taken[name].append(observer.observe(run))
        list(observer.follow())


def _run(name: str) -> None:
    getattr(app, name)(schedule.event(clock.now()), functions.context(name))


def _visit(observer: Observer, taken: Taken, email: str) -> None:
    for name, request in _Visitor(observer.shop, email).requests():
        taken[name].append(observer.observe(request))
        taken[f"{STREAM} after {name}"].append(_sum(observer.follow()))


class _Visitor:
    """What somebody does who becomes a customer, each request with its name in the mix."""

    def __init__(self, shop: Shop, email: str) -> None:
        self._shop = shop
        self._account = {"email": email, "password": PASSWORD}
        self._answers: dict[str, ShopAnswer] = {}

    def requests(self) -> Iterator[tuple[str, Callable[[], ShopAnswer]]]:
        """One after the other, each to be made before the next is asked for."""
        product = catalogue.product(0).product_id
        for path in ("/products", "/products/category/outdoors", "/products?q=outdoors", "/categories"):
            yield self._request("GET", path, name=path.replace("outdoors", "…"))
        yield self._request("GET", f"/products/{product}", name="/products/{productId}")
        yield self._request("POST", "/auth/register", {**self._account, "firstName": "Ada", "lastName": "Lovelace"})
        yield self._request("POST", "/auth/login", self._account)
        yield self._request("POST", "/auth/refresh", {"refreshToken": self._said("POST /auth/login", "refreshToken")})
        token = self._said("POST /auth/refresh", "accessToken")
        self._shop = Shop(self._shop.client, {"Authorization": f"Bearer {token}"})
        yield self._request("POST", "/cart/items", {"productId": product, "quantity": 1})
        yield self._request("GET", "/cart")
        yield self._request("POST", "/orders", _ORDER)
        order = self._said("POST /orders", "orderId")
        yield self._request("GET", "/orders")
        yield self._request("GET", f"/orders/{order}", name="/orders/{orderId}")
        yield self._request("PUT", f"/orders/{order}/cancel", name="/orders/{orderId}/cancel")

    def _request(
        self, method: str, path: str, body: Any = None, *, name: str = ""
    ) -> tuple[str, Callable[[], ShopAnswer]]:
        called = f"{method} {name or path}"
        headers = {"Idempotency_Key": ids.secret()} if called == "POST /orders" else {}

        def make() -> ShopAnswer:
            answer = self._answers[called] = self._shop(method, path, body, **headers)
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise Refusal(f"Nothing was measured: {called} answered {answer}.")
            return answer

        return called, make

    def _said(self, called: str, field: str) -> str:
        return str(self._answers[called].body[field])


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
    return _folded(list(units), sum)


def _folded(units: list[Units], fold: Callable[[list[float]], float]) -> Units:
    values = [asdict(each) for each in units]
    return Units(**{name: fold([each[name] for each in values]) for name in asdict(Units())}) if units else Units()


def _text(units: dict[str, Units], idle: int, metrics: int) -> str:
    """The file, in the words of TOML."""
    heading = _HEADING.format(day=clock.timestamp()[:10], products=PRODUCTS)
    lines = [f"{heading}measured = {clock.timestamp()[:10]}", f"metrics_idle = {idle}", f"metrics = {metrics}"]
    for name, each in units.items():
        values = [f"{field} = {round(value, 1):.10g}" for field, value in asdict(each).items() if value]
        if not values:
            continue
        lines += ["", f"[units.{json.dumps(name, ensure_ascii=False)}]", *values]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
