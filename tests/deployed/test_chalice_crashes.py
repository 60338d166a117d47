"""A deployment by Chalice that dies after any call that changes something."""

from __future__ import annotations

import json

import pytest

from tests.infra.packaging import copied, run


def test_a_deployment_that_dies_anywhere_is_mended_by_the_next(tmp_path_factory: pytest.TempPathFactory) -> None:
    project = copied(tmp_path_factory.mktemp("crashes"))

    found = json.loads(run(project, "-m", "tests.support.chalice_crashes").stdout)

    assert found["different"] == {}
    assert {"CreateFunction", "CreateEventSourceMapping", "ImportRestApi", "RotateSecret"} <= set(found["deaths"])
