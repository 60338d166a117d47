"""The Python package: what openapi-python-client makes by our templates, and the layer beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.clients import sources
from tools.refusal import Refusal

LAYER = sources.ROOT / "clients" / "python"
PACKAGE = "ecommerce_client"


def write(target: Path) -> None:
    """Write the package anew into that folder. Raises `Refusal` for a document that does not become a client."""
    shutil.rmtree(target, ignore_errors=True)
    package = target / PACKAGE
    target.mkdir(parents=True)
    _generate(package)
    sources.copy(LAYER / "calling", package / "calling")
    (package / "py.typed").touch()
    shutil.copy(LAYER / "pyproject.toml", target)
    shutil.copy(LAYER / "README.md", target)
    shutil.copy(sources.LICENCE, target)


def _generate(package: Path) -> None:
    tools = Path(sys.executable).parent  # ruff is there, by which the generator orders and formats
    ran = subprocess.run(  # noqa: S603 - a module of our own environment
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"),
            *("--path", str(sources.DOCUMENT), "--output-path", str(package)),
            *("--config", str(LAYER / "config.yml"), "--custom-template-path", str(LAYER / "templates")),
        ],
        env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise Refusal(f"The document does not become a client of Python:\n{ran.stdout}{ran.stderr}")
