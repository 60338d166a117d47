"""`python -m bench.rate_limits`: what limiting costs, and what a client that is refused costs everybody else.

Makes requests of the app on an engine that reports capacity as DynamoDB does, each as an instance makes it that knows
nothing of its caller, as one that holds a lease, and as one that refuses. Then it times the searches of a calm client,
alone, beside a client that is refused a hundred times a second, and beside one that is answered.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import catalogue, route_costs
from bench.meter import Cost, Meter
from chalicelib.aws import rate_limits
from chalicelib.core import quotas, settings
from tools.local import settings as local
from tools.refusal import Refusal
from tools.testing.shop import PASSWORD, Shop, ShopAnswer

_PRODUCTS, _ROUNDS, _SEARCHES = 1_000, 30, 10
_NARROW, _WIDE = quotas.Quota(40, 86_400), quotas.Quota(1_000_000, 86_400)
_LIMITED = ("search", "guest_cart", "login", "order")
_ADDRESS_HEADER = "True-Client-IP"
_REFUSED = 429
_PACE = 0.01  # seconds between two requests

Attempt = Callable[[], ShopAnswer]


def main() -> int:
    """Measure and print; 2 where nothing can be measured."""
    local.use_local_aws(local.read({}))  # so that nothing left in the terminal leads elsewhere
    wide = dict.fromkeys(quotas.DEFAULTS, _WIDE)
    said = quotas.spell(wide | dict.fromkeys(_LIMITED, _NARROW))
    os.environ.update({**route_costs.ENVIRONMENT, "RATE_LIMITS": said, "CLIENT_ADDRESS_HEADER": _ADDRESS_HEADER})
    settings.current.cache_clear()
    try:
        with (
            TemporaryDirectory() as folder,
            route_costs.engines([_PRODUCTS], Path(folder)) as urls,
            Path(os.devnull).open("w", encoding="utf-8") as nowhere,
            route_costs.visitor() as (meter, shop),
        ):
            meter.url = urls[_PRODUCTS]
            with redirect_stdout(nowhere):  # the app's log
                lines = [*_costs(meter, shop), "", *_latencies(shop)]
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _costs(meter: Meter, shop: Shop) -> Iterator[str]:
    yield "| request | as | calls | RCU | WCU | ms |"
    yield f"|{'---|' * 6}"
    for name, attempt in _attempts(shop).items():
        for stage, (cost, milliseconds) in _measured(meter, attempt).items():
            yield f"| {name} | {stage} | {cost.numbers} | {milliseconds:.1f} |"


def _measured(meter: Meter, attempt: Attempt) -> dict[str, tuple[Cost, float]]:
    """What a request costs in each state of its caller; the first of all loads what it needs, and is not looked at."""
    attempt()
    found = {"an instance's first": _timed(meter, attempt, knowing=False)}
    found["on a lease"] = min((_timed(meter, attempt) for _ in range(4)), key=lambda each: each[0].written)
    if found["on a lease"][0] == found["an instance's first"][0]:
        del found["on a lease"]  # what travels with a transaction takes none
    while attempt().status != _REFUSED:
        pass
    found["refused, not known"] = _timed(meter, attempt, knowing=False)
    found["refused, known"] = _timed(meter, attempt)
    return found


def _timed(meter: Meter, attempt: Attempt, *, knowing: bool = True) -> tuple[Cost, float]:
    if not knowing:
        rate_limits.memory.forget()
    began = time.perf_counter()
    cost = meter.cost(attempt, knowing=knowing)
    return cost, (time.perf_counter() - began) * 1000


def _attempts(shop: Shop) -> dict[str, Attempt]:
    """What is tried, each by a caller of its own."""
    numbers = count()
    product = catalogue.product(0).product_id
    ada = shop.customer()
    searcher, guest, stranger = (_by(shop, f"192.0.2.{number}") for number in range(3))
    line = {"productId": product, "quantity": 1}

    def log_in_wrongly() -> ShopAnswer:
        return stranger("POST", "/auth/login", {"email": f"n{next(numbers)}@example.com", "password": PASSWORD})

    return {
        "`GET /products?q=`": lambda: searcher("GET", "/products?q=outdoors"),
        "`POST /cart/items` of a guest": lambda: guest("POST", "/cart/items", line),
        "`POST /auth/login`, wrong": log_in_wrongly,
        "`POST /orders`, one line": lambda: ada.order((product, 1)),
    }


def _by(shop: Shop, address: str) -> Shop:
    return Shop(shop.client, {**shop.headers, _ADDRESS_HEADER: address})


def _latencies(shop: Shop) -> Iterator[str]:
    """The median of a calm client's searches, beside others, in turn so that all see the same noise."""
    refused = _by(shop, "198.51.100.1")
    while refused("GET", "/products?q=outdoors").status != _REFUSED:
        pass
    yield "| a calm client's `GET /products?q=` | median | 95 of 100 within | others' requests meanwhile |"
    yield f"|{'---|' * 4}"
    others = {"alone": None, "beside one who is refused": refused, "beside one who is answered": shop}
    times, made, numbers = defaultdict[str, list[float]](list), Counter[str](), count()
    for _ in range(_ROUNDS):
        for name, other in others.items():
            with _hammering(other) as asked:
                times[name] += [_calm(shop, next(numbers)) for _ in range(_SEARCHES)]
            made[name] += len(asked)
    for name, each in times.items():
        late = sorted(each)[len(each) * 95 // 100]
        yield f"| {name} | {statistics.median(each):.1f} ms | {late:.1f} ms | {made[name]:,} |"


def _calm(shop: Shop, number: int) -> float:
    visitor = _by(shop, f"203.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    began = time.perf_counter()
    visitor("GET", "/products?q=outdoors")
    elapsed = (time.perf_counter() - began) * 1000
    time.sleep(_PACE)
    return elapsed


@contextmanager
def _hammering(other: Shop | None) -> Iterator[list[int]]:
    """Somebody else who asks up to a hundred times a second, each time from another address where they are answered.

    All share one process here, as behind API Gateway they do not: faster, and Python's own lock would be measured.
    """
    made, over = list[int](), threading.Event()

    def ask(who: Shop) -> None:
        numbers = count()
        while not over.is_set():
            number = next(numbers)
            is_refused = _ADDRESS_HEADER in who.headers
            asking = who if is_refused else _by(who, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
            made.append(asking("GET", "/products?q=outdoors").status)
            time.sleep(_PACE)

    threads = [threading.Thread(target=ask, args=(other,))] if other else []
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        over.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
