"""The packages that tests look into, each made once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.infra.packaging import copied, run


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, so that packaging leaves no trace in this one."""
    return copied(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def out(project: Path) -> Path:
    run(project, "-m", "tools.package", "prod", "out")
    return project / "out"


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of a stage whose user management is for services that sign."""
    project = copied(tmp_path_factory.mktemp("signed"))
    file = project / "stages" / "prod.toml"
    file.write_text(file.read_text().replace('USER_MANAGEMENT_AUTH = "jwt"', 'USER_MANAGEMENT_AUTH = "iam"'))
    run(project, "-m", "tools.stages")
    run(project, "-m", "tools.package", "prod", "out")
    return project / "out"


@pytest.fixture(scope="session")
def template(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "sam.json").read_text()))
