"""The package of a stage is the same bytes, whichever Python makes it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from platform import machine
from typing import Any

import pytest

from tests.infra.packaging import ROOT, copied, network
from tools import dated, stages
from tools.package import runtime

pytestmark = [
    network,
    pytest.mark.skipif((sys.platform, machine()) != ("linux", "x86_64"), reason="the wheels are those of the runtime"),
]
HOSTS = ("3.11", "3.12", "3.13")
FOUND = {host: python for host in HOSTS if (python := runtime.interpreter(host))}
PYTHON = stages.read("prod").python


def run(command: list[str], **options: Any) -> None:
    ran = subprocess.run(command, **options, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def install(python: str, libraries: Path) -> None:
    """What packaging needs, as it is locked."""
    uv = str(Path(sys.executable).with_name("uv"))
    locked = ["-r", str(ROOT / "requirements.txt"), "-c", str(ROOT / "requirements-dev.txt"), "chalice", "boto3"]
    run([uv, "pip", "install", "--quiet", "--target", str(libraries), "--python", python, *locked], env=dated.real())


def packaged(host: str, work: Path) -> dict[str, str]:
    """The hashes of what that Python packages."""
    work.mkdir()
    project, libraries = copied(work), work / "libraries"
    python, environment = FOUND[host], dated.real()
    if host != runtime.own():
        install(python, libraries)
        environment = {**environment, "PYTHONPATH": str(libraries)}
    run([python, "-m", "tools.package", "prod", "out"], cwd=project, env=environment)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (project / "out").iterdir()}


@pytest.mark.skipif(len(FOUND) < 2, reason="there is one Python only on this host")
@pytest.mark.skipif(PYTHON not in FOUND, reason=f"there is no python{PYTHON} on this host")
def test_every_host_makes_the_same_package(tmp_path: Path) -> None:
    with ThreadPoolExecutor(len(FOUND)) as hosts:
        made = dict(zip(FOUND, hosts.map(lambda host: packaged(host, tmp_path / host), FOUND), strict=True))

    assert set(made[PYTHON]) == {"deployment.zip", "sam.json", "smoke.zip"}
    assert all(package == made[PYTHON] for package in made.values()), made


def test_no_requirement_depends_on_the_host() -> None:
    pins = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line[:1].isalnum()]

    assert pins
    assert not [pin for pin in pins if ";" in pin]  # pip asks the Python that runs it, not that of the runtime
