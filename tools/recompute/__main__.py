"""`python -m tools.recompute [--check]`: recompute what the stream keeps up to date, and repair what differs.

The shop is the local one; STAGE=dev or STAGE=prod names another, with your AWS credentials, which must allow
dynamodb:Scan. Exit codes: 0 all is right now, 1 something differs (with --check) or could not be judged, 2 it could
not be done or had to stop.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable

from chalicelib.aws import transport
from chalicelib.core.errors import Misconfigured, Unavailable
from tools import stage
from tools.recompute import categories, history, incidents, index, refunds, stock
from tools.recompute.run import Run
from tools.refusal import Refusal, complain

_ABOUT = """\
Recomputes what the stream keeps up to date: from the products the search index, the numbers of the categories and the
stock in lists, from the orders their steps in histories, the list of incidents and the refunds of each day. Repairs
what differs and says how much did. Safe while the shop is open, to interrupt, to repeat.
"""

_NAMED = 10  # things of one kind that are named

# In this order: to be indexed, a product needs a stock that can be read and a number that can be added to; and numbers
# are those of the notes that the index has by then.
RECOMPUTATIONS: tuple[Callable[[Run], None], ...] = (
    stock.recompute,
    categories.make_countable,
    index.recompute,
    categories.recompute,
    history.recompute,
    incidents.recompute,
    refunds.recompute,
)


def main(arguments: list[str]) -> int:
    """Recompute everything; the exit code."""
    run = Run(repairs=not _parser().parse_args(arguments).check)
    try:
        stage.enter()
        stage.require_table()
        for recompute in RECOMPUTATIONS:
            recompute(run)
    except (Refusal, Misconfigured) as error:
        return complain(str(error))
    except (Unavailable, transport.RequestError) as error:
        why = str(error.__cause__ or error).rstrip(".")
        return complain(f"It stopped: {why}. Run it again; what is repaired stays repaired.")
    except KeyboardInterrupt:
        return complain("It was interrupted; run it again, what is repaired stays repaired.", code=130)
    return _report(run)


def _report(run: Run) -> int:
    """Say what was found; the exit code."""
    for kind in run.differing:
        names = sorted(run.subjects[kind])
        sys.stderr.write(f"{kind}: {', '.join(names[:_NAMED])}{' …' if len(names) > _NAMED else ''}\n")
    for sentence in run.open:
        sys.stderr.write(f"{sentence}\n")
    counts = ", ".join(f"{count:,} {kind}" for kind, count in run.differing.items())
    print(f"{counts} {'differed and are right now' if run.repairs else 'differ'}." if counts else "Nothing differs.")
    return 1 if run.open or (counts and not run.repairs) else 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser("tools.recompute", description=_ABOUT)
    parser.add_argument("--check", action="store_true", help="change nothing, and exit with 1 if something differs")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
