"""What `make clients` writes: whole packages, of which the layers written by hand do what they promise."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.support import client_packages
from tools.clients import __main__ as command
from tools.clients import python, sources, typescript

SHARED = ("dependencies", "devDependencies", "license")


def test_every_operation_of_the_document_is_a_method_of_both_clients() -> None:
    document = json.loads(sources.DOCUMENT.read_text("utf-8"))
    names = {each["operationId"] for methods in document["paths"].values() for each in methods.values()}
    asked = """
import inspect, json, ecommerce_client
kinds = ecommerce_client.Shop, ecommerce_client.AsyncShop
print(json.dumps([[name for name, _ in inspect.getmembers(kind, inspect.isfunction)] for kind in kinds]))
"""

    ran = subprocess.run(
        [sys.executable, "-c", asked], cwd=client_packages.python_client(), capture_output=True, text=True, check=True
    )

    blocking, asynchronous = (set(each) for each in json.loads(ran.stdout))
    assert {snake(name) for name in names} <= blocking
    assert blocking == asynchronous - {"__aenter__", "__aexit__"} | {"__enter__", "__exit__"}


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_the_layer_in_typescript_does_what_that_in_python_does() -> None:
    client_packages.require_npm()
    package = client_packages.typescript_client()

    ran = subprocess.run(
        ["node", str(package / "dist" / "layer.js")], capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = re.findall(r'^  "(.+)": async \(', client_packages.TESTS.read_text(), re.MULTILINE)
    assert ran.stdout.splitlines() == told


def test_without_npm_only_the_python_client_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(python, "write", lambda target: None)
    monkeypatch.setenv("PATH", "")

    assert command.main() == 0

    assert capsys.readouterr().out.splitlines()[1:] == [
        "The TypeScript client was skipped: there is no node on the PATH."
    ]


def test_what_npm_reads_says_the_same_of_what_is_needed() -> None:
    said, lock = (json.loads((typescript.LAYER / f"{name}.json").read_text()) for name in ("package", "package-lock"))
    own, needed = lock["packages"][""], said["dependencies"] | said["devDependencies"]

    assert said["dependencies"].keys() == {"openapi-fetch"}
    assert [own[name] for name in SHARED] == [said[name] for name in SHARED]
    assert {name: lock["packages"][f"node_modules/{name}"]["version"] for name in needed} == needed
