"""`make fuzz-api`: does the shop keep to its document? 20,000 requests to a shop of the run's own.

COUNT and SEED say otherwise, QUICK=1 leaves out what covers the edges of each schema, ONLY='POST /orders' all else.
Exit codes: 0 nothing was found, 1 something was, 2 no run.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from tools.conformance import own_shop
from tools.conformance.principals import Asker
from tools.refusal import Refusal, complain

if TYPE_CHECKING:
    from tools.conformance.run import Tally

DEFAULT_COUNT = 20_000
DEFAULT_EXAMPLES = 10


def main(arguments: list[str]) -> int:
    """Open a shop, run, and say what was found; the exit code."""
    parser = argparse.ArgumentParser(prog="make fuzz-api", description=__doc__)
    parser.add_argument("--count", type=int, default=DEFAULT_COUNT, help="how many requests, at least")
    parser.add_argument("--seed", type=int, default=1, help="the same requests for the same seed")
    parser.add_argument("--quick", action="store_true", help="at random and along links alone")
    parser.add_argument("--examples", type=int, default=DEFAULT_EXAMPLES, help="each operation, at one turn")
    parser.add_argument("--only", default="", help="the operations whose method and path fit this expression")
    parser.add_argument("--asker", action="append", choices=[*Asker], help="as whom; all without")
    try:
        return _run(parser.parse_args(arguments))
    except Refusal as refusal:
        return complain(str(refusal))
    except KeyboardInterrupt:
        return complain("Interrupted.", code=130)


def _run(said: argparse.Namespace) -> int:
    try:
        from tools.conformance.document import FuzzPlan  # noqa: PLC0415 - heavy, and missing where the lock is old
        from tools.conformance.run import run  # noqa: PLC0415 - as above
    except ImportError as error:
        raise Refusal(f"{error.name} is missing; remove .venv, and any target of make prepares it anew.") from error
    began, askers = time.monotonic(), tuple(Asker(each) for each in said.asker or Asker)
    with own_shop.running() as url:
        print(f"The shop of this run is open at {url}; SEED={said.seed}.", flush=True)
        plan = FuzzPlan(
            url, said.count, said.seed, said.examples, covering=not said.quick, askers=askers, only=said.only
        )
        tally = run(plan, Progress(said.count))
    print(f"\n{tally}, in {time.monotonic() - began:.0f} s")
    if tally.found:
        return complain(f"The shop and its document differ in {len(tally.found)} ways (SEED={said.seed}).", code=1)
    print(f"Nothing was found (SEED={said.seed}).")
    return 0


class Progress:
    """Tells how far a run is, and each finding once."""

    def __init__(self, count: int) -> None:
        """`count` is how many requests are wanted."""
        self._count, self._told = count, 0

    def __call__(self, tally: Tally) -> None:
        """Write the line anew, and what was found since the last time."""
        for each in [*tally.found.values()][self._told :]:
            print(f"\n{each}")
        self._told, sent = len(tally.found), tally.requests.total()
        sys.stdout.write(f"\r{sent:,} of {max(self._count, sent):,}")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
