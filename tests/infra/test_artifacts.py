"""The bucket that packages go through: it lints, and keeps what a stack may go back to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint
from cfnlint.decode import decode

from tests.infra.packaging import properties
from tools.package import artifacts


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    decoded, problems = decode(str(artifacts.TEMPLATE))
    assert not problems
    return dict(json.loads(json.dumps(decoded)))


def test_the_template_lints() -> None:
    assert lint(artifacts.TEMPLATE.read_text(), config=ManualArgs(regions=["us-east-1", "eu-west-1"])) == []


def test_nobody_outside_reads_it_and_nobody_by_plain_http(template: dict[str, Any]) -> None:
    bucket = properties(template, "Artifacts")
    (statement,) = properties(template, "ArtifactsTlsOnly")["PolicyDocument"]["Statement"]

    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_what_a_stack_may_go_back_to_is_kept(template: dict[str, Any]) -> None:
    bucket = properties(template, "Artifacts")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]

    assert template["Resources"]["Artifacts"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "ExpirationInDays" not in rule
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
