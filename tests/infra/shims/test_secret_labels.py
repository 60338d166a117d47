"""A secret that is made before its value, and a version with a label of its own, on the local AWS."""

from __future__ import annotations

import json
import uuid
from types import ModuleType
from typing import Any

from ministack.services import secretsmanager as secrets

from tests.support.mended import ministack
from tools.local.shims import secret_labels


def labels(name: str) -> list[list[str]]:
    """The labels of each version, the oldest first."""
    return list(json.loads(secrets._describe_secret({"SecretId": name})[2])["VersionIdsToStages"].values())


def put(name: str, value: str, **more: Any) -> None:
    status, *_ = secrets._put_secret_value({"SecretId": name, "SecretString": value, **more})
    assert status == 200


def labelled(*shims: ModuleType) -> list[list[list[str]]]:
    """The labels as a secret is made, gets its first value with a label of its own, and two others."""
    with ministack(*shims):
        secrets._create_secret({"Name": (name := str(uuid.uuid4()))})
        found = [labels(name)]
        put(name, "first", VersionStages=["AWSCURRENT", "FIRST"])
        found.append(labels(name))
        put(name, "second")
        put(name, "third")
        return [*found, labels(name)]


def test_ministack_still_makes_a_version_of_nothing_and_drops_labels() -> None:
    empty, first, _ = labelled()

    assert empty == [["AWSCURRENT"]]
    assert first == [["AWSPREVIOUS"], ["AWSCURRENT"]]


def test_a_secret_without_a_value_has_no_version_and_a_label_keeps_one() -> None:
    empty, first, third = labelled(secret_labels)

    assert empty == []
    assert first == [["AWSCURRENT", "FIRST"]]
    assert third == [["FIRST"], ["AWSPREVIOUS"], ["AWSCURRENT"]]


def test_a_secret_made_with_a_value_has_it() -> None:
    with ministack(secret_labels):
        secrets._create_secret({"Name": (name := str(uuid.uuid4())), "SecretString": "first"})

        assert labels(name) == [["AWSCURRENT"]]


def test_a_label_goes_to_the_version_that_gets_it_last() -> None:
    with ministack(secret_labels):
        secrets._create_secret({"Name": (name := str(uuid.uuid4())), "SecretString": "first"})
        put(name, "second", VersionStages=["AWSCURRENT", "MINE"])
        put(name, "third", VersionStages=["AWSCURRENT", "MINE"])

        assert labels(name) == [["AWSPREVIOUS"], ["AWSCURRENT", "MINE"]]
