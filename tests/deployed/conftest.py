"""A local AWS in a process of its own, and packages to deploy there, for the tests of this folder.

Every client that a test of this folder makes talks to that AWS. Processes that share a folder, which SHARED names,
put together what they hear, and share the package; each has an AWS of its own.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.client import BaseClient

from tests.infra.packaging import copied, run
from tests.support import local_aws
from tests.support.hearing import sitecustomize
from tools import stages
from tools.local import deployed
from tools.local.settings import LocalSettings
from tools.package import runtime
from tools.stages import Stage

SHARED = "DEPLOYED_TESTS"
RAN = "ran"  # the folder of the names of files whose tests were run
# Several processes take a file after the other in this order, and the long ones that wait much should not come last.
LONG = ("test_terraform", "test_workflows", "test_releases", "test_chalice", "test_deploying_page", "test_restore")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs here lives in other processes, and so in real time."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.real_time)
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """Long files come first, and last the one that looks back on the others."""
    name = item.path.stem
    return LONG.index(name) if name in LONG else len(LONG) + (name == "test_deployer")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell who looks back that tests of the file were run."""
    if SHARED in os.environ and report.when == "call" and not report.skipped:
        (Path(os.environ[SHARED]) / RAN).mkdir(exist_ok=True)
        (Path(os.environ[SHARED]) / RAN / Path(report.location[0]).name).touch()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the processes share; one of this process alone where none is named."""
    return Path(os.environ[SHARED]) if SHARED in os.environ else tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="session", autouse=True)
def heard(shared: Path) -> Iterator[Path]:
    """The file of what operators' tools and the smoke test ask of AWS, in this process and in those it starts."""
    file = shared / "calls.jsonl"
    file.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(sitecustomize.FILE, str(file))
        patch.setenv("PYTHONPATH", str(Path(sitecustomize.__file__).parent), prepend=os.pathsep)
        patch.setattr(BaseClient, "_make_api_call", BaseClient._make_api_call)
        sitecustomize.hear(BaseClient)
        yield file


@pytest.fixture(scope="session")
def terraform_log(shared: Path) -> Path:
    """The file of what Terraform asks of AWS, by its own log; empty where it has not worked."""
    file = shared / "terraform.log"
    file.touch()
    return file


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSettings]:
    """An empty local AWS that runs on free ports; where it is, and where its state lies."""
    with local_aws.empty(tmp_path_factory.mktemp("cloud")) as settings:
        yield settings


@pytest.fixture(scope="session")
def packaged(shared: Path) -> Path:
    """The folder that holds sam.json and deployment.zip of the stage dev, made by this interpreter for itself."""
    if "OFFLINE" in os.environ:
        pytest.skip("packaging fetches wheels, and OFFLINE is set")
    project, out = shared / f"project-{os.getpid()}", shared / "packaged"
    with (shared / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not out.exists():
            project.mkdir()
            run(copied(project), "-m", "tools.package", "dev", "out", "--python", runtime.own())
            (project / "out").rename(out)
    return out


@dataclass(frozen=True)
class DeployedStage:
    """A stage that answers, and what its stack tells."""

    stage: Stage
    url: str
    outputs: dict[str, str]

    def __call__(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """Ask its API."""
        return urllib3.request(method, self.url + path, retries=False, timeout=120, **options)


@pytest.fixture(scope="session")
def dev(cloud: LocalSettings, packaged: Path) -> DeployedStage:
    """The stage dev as it is packaged, deployed once; tests leave it as it was."""
    stage = stages.read("dev")
    deployed.deploy_resources(stage)
    outputs = deployed.deploy_package(stage, packaged)
    return DeployedStage(stage, deployed.api_url(cloud, "dev", outputs), outputs)
