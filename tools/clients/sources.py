"""What the clients are made of, and a name for it, by which a package that was made of the same can be found."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "chalicelib" / "api" / "documents" / "openapi.json"
LICENCE = ROOT / "LICENSE"
_APART = ("__pycache__", "node_modules", "dist", "tests")


def version() -> str:
    """The version of the project, which the clients have too."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def name(layer: Path, *more: str) -> str:
    """A name for a client of this document with that layer, made by these tools, with `more` in it."""
    makers = sorted(Path(__file__).parent.glob("*.py"))
    found = [DOCUMENT, LICENCE, ROOT / "pyproject.toml", *makers, *files(layer)]
    said = hashlib.sha256()
    for file in found:
        said.update(f"{file.relative_to(ROOT)}\0{file.stat().st_size}\0".encode())
        said.update(file.read_bytes())
    said.update("\0".join(more).encode())
    return said.hexdigest()[:16]


def files(layer: Path) -> list[Path]:
    """The files of a layer, without what is made of them, and their tests."""
    return sorted(
        file for file in layer.rglob("*") if file.is_file() and not set(file.relative_to(layer).parts) & {*_APART}
    )


def copy(source: Path, target: Path) -> None:
    """Copy a folder, without what is made of it, and its tests."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_APART), dirs_exist_ok=True)
