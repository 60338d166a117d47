"""The quickstarts of docs/clients.md, run as they are written against the whole shop."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.e2e.conftest import OpenShop
from tests.support import client_packages

TOLD = ["the same order: {true}", "ordered: {true} processing", "refused: 422 empty_cart"]


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


def test_the_quickstart_in_python_runs_as_written(open_shop: OpenShop) -> None:
    package = client_packages.python_client()

    told = run([sys.executable, "-c", client_packages.quickstart("python")], open_shop, PYTHONPATH=str(package))

    assert told == [line.format(true=True) for line in TOLD]


def test_the_quickstart_in_typescript_runs_as_written(open_shop: OpenShop) -> None:
    client_packages.require_npm()
    package = client_packages.typescript_client()

    told = run(["node", str(package / "dist" / "quickstart.js")], open_shop)

    assert told == [line.format(true="true") for line in TOLD]
