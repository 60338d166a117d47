"""How `make test` shares the suite out among its workers, so that both have work until the end.

What opens the whole shop, or packages it, does so once a worker: the files of each go to one worker. They come first,
and the unit tests, whose files are short, last.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parents[2]
# A test that takes what tests/infra/conftest.py packages.
PACKAGED = re.compile(r"^def test_\w+\([^)]*\b(?:out|project|signed|template): ", re.MULTILINE)
OPENED, OF_A_PACKAGE = "tests/e2e", "a package"
LAST = "tests/unit/"


@functools.cache
def together(file: str) -> str:
    """What the tests of a file, by its path from the project's folder, are run together with."""
    if file.startswith(f"{OPENED}/"):
        return OPENED
    is_packaged = file.startswith("tests/infra/") and PACKAGED.search((ROOT / file).read_text())
    return OF_A_PACKAGE if is_packaged else file


def place(node_id: str) -> int:
    """When a test's turn is, from the first on."""
    scope = together(node_id.partition("::")[0])
    return 0 if scope == OPENED else 1 if scope == OF_A_PACKAGE else 3 if scope.startswith(LAST) else 2


class Scheduling(LoadFileScheduling):
    """Gives a worker a file, or those files that share what takes long to make."""

    def _split_scope(self, nodeid: str) -> Any:
        return together(super()._split_scope(nodeid))
