"""The project as a reader has it: cloned, prepared, and a stage's file written."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.infra.packaging import ROOT, copied
from tools.package import runtime

# What is written into the stage's file: the Python that this AWS has, and where it lies.
WRITTEN = {
    'python = "3.13"': f'python = "{runtime.own()}"',
    'alert_email = ""': 'alert_email = "ops@example.com"',
    'region = ""': 'region = "us-east-1"',
}


def checkout(place: Path) -> Path:
    """A copy of the project whose virtual environment is that of the tests, and whose stage dev is this AWS'."""
    project = copied(place)
    for name in ("Makefile", "requirements-dev.txt", "CHANGELOG.md"):
        (project / name).write_bytes((ROOT / name).read_bytes())
    (project / ".venv").mkdir()
    for each in Path(sys.prefix).iterdir():
        if each.name != "ready":
            (project / ".venv" / each.name).symlink_to(each)
    (project / ".venv" / "ready").touch()  # newer than the locks, so that make does not renew it
    edit(project / "stages" / "dev.toml", *((f"\n{old}\n", f"\n{new}\n") for old, new in WRITTEN.items()))
    return project


def edit(file: Path, *changes: tuple[str, str]) -> None:
    """Write into a file what stands once for what stood once."""
    text = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{file.name} has {old!r} {text.count(old)} times"
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
