"""`make fuzz-api`: does the shop keep to its document? 20,000 requests to a shop of the run's own.

COUNT and SEED say otherwise, QUICK=1 leaves out what covers the edges of each schema. Exit codes: 0 nothing was found,
1 something was, 2 no run.
"""

from __future__ import annotations

import argparse
import sys
import time

from tools.conformance import own_shop
from tools.refusal import Refusal, complain

DEFAULT_COUNT = 20_000
DEFAULT_EXAMPLES = 10


def main(arguments: list[str]) -> int:
    """Open a shop, run, and say what was found; the exit code."""
    parser = argparse.ArgumentParser(prog="make fuzz-api", description=__doc__)
    parser.add_argument("--count", type=int, default=DEFAULT_COUNT, help="how many requests, at least")
    parser.add_argument("--seed", type=int, default=1, help="the same requests for the same seed")
    parser.add_argument("--quick", action="store_true", help="at random and along links alone")
    parser.add_argument("--examples", type=int, default=DEFAULT_EXAMPLES, help="each operation, at one turn")
    said = parser.parse_args(arguments)
    try:
        return _run(said.count, said.seed, said.examples, is_quick=said.quick)
    except Refusal as refusal:
        return complain(str(refusal))
    except KeyboardInterrupt:
        return complain("Interrupted.", code=130)


def _run(count: int, seed: int, examples: int, *, is_quick: bool) -> int:
    try:
        from tools.conformance.run import Tally, run  # noqa: PLC0415 - heavy, and missing where the lock is old
    except ImportError as error:
        raise Refusal(f"{error.name} is missing; `make lock` and a new .venv bring it.") from error

    told: set[str] = set()

    def tell(tally: Tally) -> None:
        for each in [found for found in map(str, tally.found.values()) if found not in told]:
            told.add(each)
            print(f"\n{each}")
        sys.stdout.write(f"\r{tally.requests.total():,} of {max(count, tally.requests.total()):,}")
        sys.stdout.flush()

    began = time.monotonic()
    with own_shop.running() as url:
        print(f"The shop of this run is open at {url}; SEED={seed}.", flush=True)
        tally = run(url, count=count, seed=seed, examples=examples, covering=not is_quick, tell=tell)
    print(f"\n{tally}, in {time.monotonic() - began:.0f} s")
    if tally.found:
        return complain(f"The shop and its document differ in {len(tally.found)} ways (SEED={seed}).", code=1)
    print(f"Nothing was found (SEED={seed}).")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
