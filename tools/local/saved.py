"""The files in which the local AWS keeps its state, looked at before it starts: it would replace what it cannot read.

What can be read is also kept under a second name. A save puts a new file in the first one's place, so the second name
goes on to mean the state at the last start, and costs nothing.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

from tools.refusal import Refusal

LAST_START = ".last-start"


def look_after(state: Path) -> None:
    """Keep the files of a state directory under their second names. Refuses when one cannot be read.

    One that goes meanwhile holds nothing any more.
    """
    files = sorted((state / "aws").glob("*.json"))
    for file in files:
        _require_readable(file)
    for file in files:
        _keep(file, _second_name(file))


def _require_readable(file: Path) -> None:
    try:
        json.loads(file.read_bytes())
    except FileNotFoundError:
        return
    except (ValueError, OSError) as error:
        copy = _second_name(file)
        way = f"put {copy.name} beside it in its place, or " if copy.exists() else ""
        raise Refusal(f"{file} cannot be read ({error}); {way}let `make clean` forget the demo shop.") from error


def _keep(file: Path, name: Path) -> None:
    beside = name.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with suppress(FileNotFoundError):  # a local AWS that was killed may have others of its processes end after it
        os.link(file, beside)
        beside.replace(name)


def _second_name(file: Path) -> Path:
    return file.with_name(file.name + LAST_START)
