"""A local AWS in a process of its own, and packages to deploy there, each made once for all tests of this folder.

Every client that a test of this folder makes talks to that AWS.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.client import BaseClient

from tests.infra.packaging import copied, run
from tests.support.hearing import sitecustomize
from tests.support.ports import free_port
from tools import stages
from tools.local import cloud as local_cloud
from tools.local import deployed
from tools.local import settings as local
from tools.local.settings import LocalSettings
from tools.package import runtime
from tools.stages import Stage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs here lives in other processes, and so in real time."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.real_time)
    items.sort(key=lambda item: item.path == here / "test_deployer.py")  # it looks back on the others


@pytest.fixture(scope="session", autouse=True)
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of what operators' tools and the smoke test ask of AWS, in this process and in those it starts."""
    file = tmp_path_factory.mktemp("heard") / "calls.jsonl"
    file.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(sitecustomize.FILE, str(file))
        patch.setenv("PYTHONPATH", str(Path(sitecustomize.__file__).parent), prepend=os.pathsep)
        patch.setattr(BaseClient, "_make_api_call", BaseClient._make_api_call)
        sitecustomize.hear(BaseClient)
        yield file


@pytest.fixture(scope="session")
def terraform_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of what Terraform asks of AWS, by its own log; empty where it has not worked."""
    file = tmp_path_factory.mktemp("terraform-log") / "calls.log"
    file.touch()
    return file


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSettings]:
    """An empty local AWS that runs on free ports; where it is, and where its state lies."""
    settings = LocalSettings(
        port=free_port(),
        cloud_port=free_port(),
        payment_port=free_port(),
        state=tmp_path_factory.mktemp("cloud"),
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local.aws_environment(settings).items():
            patch.setenv(name, value)
        with local_cloud.running(settings):
            yield settings


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds sam.json and deployment.zip of the stage dev, made by this interpreter for itself."""
    if "OFFLINE" in os.environ:
        pytest.skip("packaging fetches wheels, and OFFLINE is set")
    project = copied(tmp_path_factory.mktemp("project"))
    run(project, "-m", "tools.package", "dev", "out", "--python", runtime.own())
    return project / "out"


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
