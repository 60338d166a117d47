"""`python -m tools.catalogue import|export FILE`: the catalogue in and out of a shop.

Exit codes: 0 done, 1 some lines were faulty (the others are loaded), 2 nothing could be done or it had to stop.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from chalicelib.aws import transport
from chalicelib.core import clock
from chalicelib.core.errors import Unavailable
from tools import stage
from tools.catalogue import exporter, files, importer
from tools.catalogue.importer import ImportOutcome, ImportReport
from tools.catalogue.lines import LineFault
from tools.refusal import Refusal, complain

_MAX_NAMES = 20
_MAX_NAME_LENGTH = 60

_ABOUT = """\
Reads a catalogue into a shop, or writes it to a file: JSON Lines (.jsonl, .ndjson) or CSV (.csv), in UTF-8. A CSV
may have semicolons or tabs between its cells as well.
The shop is the local one; STAGE=dev or STAGE=prod names another, with your AWS credentials.

Fields: sku, name, category and price are required; description, currency (DEFAULT_CURRENCY for a new product when left
out), stock, imageUrl and isActive are not. A price is a decimal such as 19.99. Other fields are named at the end.

Every line is loaded, unchanged or faulty, but for those of the header and blank ones, and all are counted. A record
that cannot be one, such as after a quote that is never closed, ends at the next line that can be one.

An import compares each line with the product of that SKU:
  - A new product is created with the stock of the file.
  - An existing product gets the file's name, description, category, price, currency, imageUrl and isActive;
    of these, description, currency, imageUrl and isActive stay as they are where the file leaves them out.
  - The stock of an existing product is left alone, whatever the file says: it counts what has been sold.
  - Products that the file does not name are left alone.
Killing an import does no harm: run the same command again, and it goes on.

An export has every product, also those not for sale. A product whose id does not follow from its SKU, such as one
created through the API, carries a further field productId; an import finds it again by that.
"""


def main(arguments: list[str]) -> int:
    """Run a command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return read(options.file) if options.command == "import" else write(options.file)
    except Refusal as refusal:
        return complain(str(refusal))
    except (Unavailable, transport.RequestError) as error:
        return complain(f"The {options.command} stopped: {_why(error)}. Run it again to go on.")
    except KeyboardInterrupt:
        return complain(f"The {options.command} was interrupted; run it again to go on.", code=130)


def read(path: Path) -> int:
    """Import the file."""
    total = files.count_lines(path)
    stage.enter()
    stage.require_table()
    started = clock.monotonic()
    with tqdm(total=total, unit=" lines", desc="import", disable=None, file=sys.stderr) as bar:

        def tell(fault: LineFault) -> None:
            bar.write(f"{path}:{fault.number}: {fault}", file=sys.stderr)

        report = importer.load(path, on_fault=tell, on_progress=lambda line: bar.update(line - bar.n))
        bar.update(total - bar.n)
    if not report.lines:
        raise Refusal(f"{path} holds no products.")
    print(_summary(report, clock.monotonic() - started))
    if unused := list(_unused(report)):
        print(f"Not used: {'; '.join(unused)}.")
    return 1 if report.counts[ImportOutcome.FAULTY] else 0


def write(path: Path) -> int:
    """Export to the file."""
    files.require_writable(path)
    stage.enter()
    stage.require_table()
    started = clock.monotonic()
    with tqdm(unit=" products", desc="export", disable=None, file=sys.stderr) as bar:
        records = exporter.records(lambda count: bar.update(count - bar.n))
    files.write(records, path)
    print(f"{len(records):,} products exported to {path} ({_rate(len(records), clock.monotonic() - started)}).")
    return 0


def _summary(report: ImportReport, seconds: float) -> str:
    """What became of every line of the file (F2)."""
    of = {outcome: f"{report.counts[outcome]:,} {outcome}" for outcome in ImportOutcome}
    loaded = f"{report.loaded:,} loaded ({of[ImportOutcome.CREATED]}, {of[ImportOutcome.UPDATED]})"
    told = f"{report.lines:,} lines = {loaded} + {of[ImportOutcome.UNCHANGED]} + {of[ImportOutcome.FAULTY]}"
    besides = f"besides {of[ImportOutcome.HEADER]} and {of[ImportOutcome.BLANK]}"
    return f"{told}, {besides} ({_rate(report.lines, seconds)})."


def _unused(report: ImportReport) -> Iterator[str]:
    """What the file says and the import did not use (F21)."""
    names = sorted(report.ignored)
    shown = ", ".join(_shown(name) for name in names[:_MAX_NAMES])
    if names:
        more = f" and {len(names) - _MAX_NAMES:,} more" if len(names) > _MAX_NAMES else ""
        yield f"{shown}{more} (products have no such field)"
    if report.unused_stock:
        yield f"stock of products that exist ({report.unused_stock:,} of them; it counts what has been sold)"


def _shown(name: str) -> str:
    """A name of the file's choice, fit for a terminal."""
    printable = name if name.isprintable() else name.encode("unicode_escape", "backslashreplace").decode()
    return printable[:_MAX_NAME_LENGTH] or "''"


def _rate(lines: int, seconds: float) -> str:
    return f"{seconds:.1f} s, {lines / max(seconds, 0.001):,.0f} lines/s"


def _parser() -> ArgumentParser:
    parser = ArgumentParser("tools.catalogue", description=_ABOUT, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["import", "export"])
    parser.add_argument("file", type=Path)
    return parser


def _why(error: Exception) -> str:
    """The cause in the words of whoever refused; the shop's own sentences are for its customers."""
    return str(error.__cause__ or "the table is too busy").rstrip(".")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
