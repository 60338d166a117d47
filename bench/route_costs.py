"""What each route costs in a small and in a large catalogue: calls and capacity, which must be equal, and latency.

Fills two files of dynoxide, makes the same requests of the app on both, and compares: first what each request reads
and writes, then how long the lists take, in turn on one engine and the other so that both see the same noise.

    python -m bench.route_costs [--sizes 1000 100000] [--rounds 200] [--keep] [--write docs/budgets.md]

Exit codes: 0 equal, 1 the cost or the latency depends on the size, 2 nothing could be measured.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from chalice.test import Client
from tqdm import tqdm

import app
from bench import catalogue, journey
from bench.meter import Cost, Meter
from chalicelib.core import quotas
from tools import dynoxide
from tools.local import settings as local
from tools.local.settings import PROJECT
from tools.refusal import Refusal
from tools.testing.shop import Shop

SLOWEST = 1.3
SMALLEST = 1_000  # products that fill all the pages of the journey
_SCRATCH = PROJECT / ".local" / "costs"
_BEGIN, _END = "<!-- costs:begin -->", "<!-- costs:end -->"
_WARM_UP = 10
ENVIRONMENT = {
    "STAGE": "costs",
    "TABLE_NAME": "ecommerce-costs",
    "JWT_SECRET_NAME": "costs",
    "PAYMENT_SECRET_NAME": "costs",
    "EVENT_BUS_NAME": "costs",
    "MAIL_FROM": "shop@example.com",
    "ALERT_TOPIC_ARN": "costs",
    "PAYMENT_PROVIDER": "simulator",
    "INDEX_SHARDS": "1",
    "PASSWORD_ROUNDS": "4",
    "RATE_LIMITS": ",".join(f"{name}=1000000/86400" for name in quotas.DEFAULTS),
}

Costs = dict[int, dict[str, Cost]]  # by size and request
Pairs = list[tuple[float, float]]  # milliseconds of the same request in the small and in the large catalogue
Times = dict[str, Pairs]


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and write the tables where they were asked for."""
    options = _parse(arguments)
    local.use_local_aws(local.read({}))  # so that nothing left in the terminal leads elsewhere
    os.environ.update(ENVIRONMENT)
    try:
        costs, times = _measure(options)
        text = f"{_cost_table(costs)}\n\n{_latency_table(times, options.sizes)}"
        sys.stdout.write(f"{text}\n")
        found = faults(costs, times)
        sys.stderr.writelines(f"{fault}\n" for fault in found)
        if options.write and not found:
            rewrite(options.write, text)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("The measurement was interrupted; nothing was written.\n")
        return 130
    return 1 if found else 0


@contextmanager
def engines(sizes: Sequence[int], folder: Path, *, kept: Path | None = None) -> Iterator[dict[int, str]]:
    """The addresses of engines with catalogues of these sizes, on files in a folder.

    With `kept`, copies of the files that are kept there, which are made when they are not there yet.
    """
    with ExitStack() as running:
        urls = {}
        for size in sizes:
            database = folder / f"{size}.db"
            if kept:
                shutil.copyfile(_file_of(kept, size), database)
            else:
                catalogue.fill(database, size)
            urls[size] = running.enter_context(dynoxide.running(database))
        yield urls


@contextmanager
def visitor() -> Iterator[tuple[Meter, Shop]]:
    """Somebody at the door of the app, and the meter that all calls to DynamoDB run through."""
    meter = Meter()
    with meter.attached(), Client(app.app, stage_name="costs", project_dir=str(PROJECT)) as client:
        yield meter, Shop(client)


def costs_at(url: str, meter: Meter, shop: Shop) -> dict[str, Cost]:
    """What every step costs on that engine."""
    meter.url = url
    return {step.name: meter.cost(step) for step in journey.steps(shop)}


def faults(costs: Costs, times: Times) -> list[str]:
    """Every way in which the size of the catalogue makes a difference, in a sentence."""
    small, large = costs.values()
    ratios = {name: _ratio(pairs) for name, pairs in times.items()}
    return [
        *(f"{name}: {one.numbers} becomes {large[name].numbers}." for name, one in small.items() if one != large[name]),
        *(f"{name}: takes {ratio:.2f} times as long." for name, ratio in ratios.items() if ratio > SLOWEST),
    ]


def rewrite(document: Path, text: str) -> None:
    """Put the text between the document's two marks."""
    before, begin, rest = document.read_text(encoding="utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise Refusal(f"{document} has no {_BEGIN} … {_END} to write between.")
    document.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def _measure(options: Namespace) -> tuple[Costs, Times]:
    _SCRATCH.mkdir(parents=True, exist_ok=True)
    kept = _SCRATCH if options.keep else None
    with (
        TemporaryDirectory(dir=_SCRATCH) as folder,
        engines(options.sizes, Path(folder), kept=kept) as urls,
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),  # the app's log
        visitor() as (meter, shop),
    ):
        costs = {size: costs_at(url, meter, shop) for size, url in urls.items()}
        return costs, _times(list(urls.values()), meter, shop, options.rounds)


def _file_of(folder: Path, size: int) -> Path:
    """The file of that size, made now unless it is there."""
    database = folder / f"{size}-{catalogue.fingerprint()}.db"
    if not database.exists():
        catalogue.fill(database, size)
    return database


def _times(urls: Sequence[str], meter: Meter, shop: Shop, rounds: int) -> Times:
    """How long each list takes on the one engine and right after or before on the other, so often."""
    small, large = (_lists_at(url, meter, shop) for url in urls)
    times: Times = {step.name: [] for step in small}
    for number in tqdm(range(_WARM_UP + rounds), unit=" rounds", desc="latency", disable=None):
        turn = 1 if number % 2 else -1
        for pair in zip(small, large, strict=True):
            took = {}
            for meter.url, step in list(zip(urls, pair, strict=True))[::turn]:
                took[meter.url] = _milliseconds(step)
            times[step.name].append((took[urls[0]], took[urls[1]]))
    return {name: pairs[_WARM_UP:] for name, pairs in times.items()}


def _lists_at(url: str, meter: Meter, shop: Shop) -> list[journey.Step]:
    meter.url = url
    return journey.lists(shop)


def _milliseconds(step: journey.Step) -> float:
    began = time.perf_counter()
    step()
    return (time.perf_counter() - began) * 1000


def _ratio(pairs: Pairs) -> float:
    """The median of the pairs' ratios: on a busy machine it is steadier than the ratio of the medians."""
    return statistics.median(large / small for small, large in pairs)


def _cost_table(costs: Costs) -> str:
    small, large = costs.values()
    sizes = " | ".join(f"at {size:,} products: calls | RCU | WCU" for size in costs)
    rows = [f"| {name} | {cost.operations} | {cost.numbers} | {large[name].numbers} |" for name, cost in small.items()]
    return "\n".join([f"| request | calls | {sizes} |", f"|{'---|' * 8}", *rows])


def _latency_table(times: Times, sizes: Sequence[int]) -> str:
    small, large = (f"median at {size:,}" for size in sizes)
    rows = [_latency_row(name, pairs) for name, pairs in times.items()]
    return "\n".join([f"| request | {small} | {large} | ratio |", "|---|---|---|---|", *rows])


def _latency_row(name: str, pairs: Pairs) -> str:
    small, large = (statistics.median(each) for each in zip(*pairs, strict=True))
    return f"| {name} | {small:.1f} ms | {large:.1f} ms | {_ratio(pairs):.2f} |"


def _parse(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser("bench.route_costs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs=2, default=[1_000, 100_000], help="products in the catalogues")
    parser.add_argument("--rounds", type=int, default=200, help="how often each list is timed")
    parser.add_argument("--keep", action="store_true", help="keep the filled files in .local/costs for the next time")
    parser.add_argument("--write", type=Path, help="the document whose table to rewrite, when all is well")
    options = parser.parse_args(arguments)
    if min(options.sizes) < SMALLEST or len(set(options.sizes)) == 1:
        parser.error(f"Compare two sizes, each of at least {SMALLEST:,} products.")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
