"""Which table a stage uses: said in its settings file, followed by what is deployed from it."""

from __future__ import annotations

import re

from tools.refusal import Refusal
from tools.restore import gate
from tools.stages import Stage, files, generated

_LINE = re.compile(r"^(# *)?table_name = .*$", re.MULTILINE)


def point(stage: Stage, table: str) -> None:
    """Say in the stage's settings that its table is that one, and write what is generated from them.

    What is deployed follows with the next release.
    """
    file = files.FOLDER / f"{stage.name}.toml"
    text, line = file.read_text(encoding="utf-8"), f'table_name = "{table}"'
    if not _LINE.search(text):
        raise Refusal(f"stages/{file.name} has no line table_name; write {line} above its first [table].")
    file.write_text(_LINE.sub(line, text, count=1), encoding="utf-8")
    generated.write()


def find_behind(stage: Stage) -> list[str]:
    """What is deployed of the stage and stands at another table than its settings say, in a sentence each."""
    return [
        f"{what} is at {table}, and the stage at {stage.table_name}"
        for what, table in gate.positions(stage)
        if table != stage.table_name
    ]
