"""The quickstarts of docs/clients.md, run as they are written against the whole shop."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, OpenShop
from tests.support import client_packages
from tools.clients import typescript
from tools.refusal import Refusal

PAGE = ROOT / "docs" / "clients.md"
TOLD = ["the same order: {true}", "ordered: {true} processing", "refused: 422 empty_cart"]


def quickstart(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return found


def run(command: list[str], shop: OpenShop, **environment: str) -> list[str]:
    ran = subprocess.run(
        command,
        env={**os.environ, "SHOP": shop.url, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()


def built_typescript(script: str) -> Path:
    if reason := typescript.missing():
        pytest.skip(f"The TypeScript client was skipped: {reason}")
    try:
        typescript.install()
    except Refusal as refusal:
        if "CI" in os.environ:
            raise
        pytest.skip(f"The TypeScript client was skipped: npm could not fetch what it needs: {refusal}")
    return client_packages.typescript_client(script)


def test_the_quickstart_in_python_runs_as_written(open_shop: OpenShop) -> None:
    package = client_packages.python_client()

    told = run([sys.executable, "-c", quickstart("python")], open_shop, PYTHONPATH=str(package))

    assert told == [line.format(true=True) for line in TOLD]


def test_the_quickstart_in_typescript_runs_as_written(open_shop: OpenShop) -> None:
    package = built_typescript(quickstart("typescript"))

    told = run(["node", str(package / "dist" / "script.js")], open_shop)

    assert told == [line.format(true="true") for line in TOLD]
