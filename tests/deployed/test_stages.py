"""Stages side by side in one account: dev, prod, and one that is made by copying a settings file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from msgspec.structs import replace

from tests.infra.packaging import copied, run
from tests.support import local_aws
from tools import stages
from tools.local import deployed, stacks
from tools.local import settings as local
from tools.refusal import Refusal
from tools.stages import Stage, changes, resources

NAMES = ("dev", "prod", "trial")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local.LocalSettings]:
    """An account of its own, in which nothing else is deployed."""
    with local_aws.empty(tmp_path_factory.mktemp("stages"), YES="1") as found:
        yield found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a third stage; nothing is installed for its packages, which would be the same for each."""
    made = copied(tmp_path_factory.mktemp("project"))
    text = (made / "stages" / "dev.toml").read_text()
    (made / "stages" / "trial.toml").write_text(
        text.replace("owns_mail_identity = true", "owns_mail_identity = false").replace("log_days = 7", "log_days = 3")
    )
    (made / "requirements.txt").write_text("")
    run(made, "-m", "tools.stages")
    return made


@pytest.fixture(scope="module")
def beside(settings: local.LocalSettings, project: Path) -> dict[str, Stage]:
    """The three stages, deployed."""
    found = {name: stages.read(name, project / "stages") for name in NAMES}
    for name, stage in found.items():
        run(project, "-m", "tools.stages.resources", name)
        run(project, "-m", "tools.package", name, f"out/{name}")
        deployed.deploy_package(stage, project / "out" / name)
    # Of prod, which is healthy only with one.
    key = {"apiKey": "sk_live_none", "webhookSecret": "whsec_0123456789abcdefghijklmnopqrstuv"}
    boto3.client("secretsmanager").put_secret_value(
        SecretId=found["prod"].payment_secret_name, SecretString=json.dumps(key)
    )
    return found


def physical(stack: str) -> set[tuple[str, str]]:
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [each for page in pages for each in page["StackResourceSummaries"]]
    return {(each["ResourceType"], each["PhysicalResourceId"]) for each in found}


def test_they_share_no_resource(beside: dict[str, Stage]) -> None:
    owned = {name: physical(stage.stack) | physical(stage.resources_stack) for name, stage in beside.items()}

    kinds = {name: {kind for kind, _ in found} for name, found in owned.items()}
    assert kinds["dev"] == kinds["prod"] == kinds["trial"] | {"AWS::SES::EmailIdentity"}
    assert owned["dev"] & owned["prod"] == owned["dev"] & owned["trial"] == owned["prod"] & owned["trial"] == set()


def test_each_has_its_own_exports(beside: dict[str, Stage]) -> None:
    pages = boto3.client("cloudformation").get_paginator("list_exports").paginate()
    exports = {each["Name"]: each["Value"] for page in pages for each in page["Exports"]}

    of_stages = [
        {name.removeprefix(f"ecommerce-{stage}-"): value for name, value in exports.items() if f"-{stage}-" in name}
        for stage in NAMES
    ]

    assert len(exports) == sum(map(len, of_stages))
    for name in of_stages[0].keys() - {"MailFrom", "MailIdentityName"}:
        assert len({found[name] for found in of_stages}) == len(NAMES), name


def test_each_function_works_with_what_its_stage_has(beside: dict[str, Stage]) -> None:
    functions = boto3.client("lambda").get_paginator("list_functions").paginate()
    environments = [each["Environment"]["Variables"] for page in functions for each in page["Functions"]]

    for name, stage in beside.items():
        of_stage = [each for each in environments if each["STAGE"] == name]
        assert of_stage
        assert {each["TABLE_NAME"] for each in of_stage} == {stage.table_name}
        assert {each["JWT_SECRET_NAME"] for each in of_stage} == {stage.jwt_secret_name}
        assert {each["BUCKET_NAME"] for each in of_stage} == {f"ecommerce-{name}-{local.ACCOUNT}"}


def test_each_listens_to_its_own_table(beside: dict[str, Stage]) -> None:
    mappings = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]

    tables = sorted(each["EventSourceArn"].split("table/")[1].split("/")[0] for each in mappings)

    assert tables == sorted(stage.table_name for stage in beside.values())


def test_each_is_set_as_its_file_says(beside: dict[str, Stage]) -> None:
    logs, stacks = boto3.client("logs"), boto3.client("cloudformation")
    for name, stage in beside.items():
        (group,) = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/ecommerce-{name}-authorize")["logGroups"]
        assert group["retentionInDays"] == stage.log_days
        described = stacks.describe_stacks(StackName=stage.resources_stack)["Stacks"][0]
        assert described["EnableTerminationProtection"] is stage.is_protected
        table = boto3.client("dynamodb").describe_table(TableName=stage.table_name)["Table"]
        assert table["DeletionProtectionEnabled"] is stage.is_protected


def test_the_second_time_nothing_would_change(beside: dict[str, Stage], project: Path) -> None:
    before = physical(beside["prod"].resources_stack)

    again = run(project, "-m", "tools.stages.resources", "prod")

    assert again.stdout == "Nothing would change in ecommerce-prod-resources.\n"
    assert physical(beside["prod"].resources_stack) == before
    assert "make-resources" not in json.dumps(change_sets("ecommerce-prod-resources"), default=str)


def change_sets(stack: str) -> Any:
    return boto3.client("cloudformation").list_change_sets(StackName=stack)["Summaries"]


def test_what_was_shown_is_not_done_without_a_yes(beside: dict[str, Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YES")
    changed = replace(beside["dev"], cors_origin="https://other.example.com")

    with pytest.raises(Refusal, match="say YES=1"):
        resources.bring_up(changed)

    assert change_sets(changed.resources_stack) == []
    assert cors_origins(changed) == ["*"]


def test_a_changed_setting_is_shown_and_done(beside: dict[str, Stage], capsys: pytest.CaptureFixture[str]) -> None:
    changed = replace(beside["trial"], cors_origin="https://other.example.com", table_name="restored")

    resources.bring_up(changed)

    assert "  Modify  Bucket (AWS::S3::Bucket)" in capsys.readouterr().out
    assert cors_origins(changed) == ["https://other.example.com"]
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    assert "ecommerce-trial" in tables
    assert "restored" not in tables


def cors_origins(stage: Stage) -> Any:
    rules = boto3.client("s3").get_bucket_cors(Bucket=f"ecommerce-{stage.name}-{local.ACCOUNT}")["CORSRules"]
    return rules[0]["AllowedOrigins"]


def test_a_secret_keeps_its_name(beside: dict[str, Stage]) -> None:
    with pytest.raises(Refusal, match=r"jwt_secret_name cannot change any more; the stack has ecommerce/dev/jwt/sec"):
        resources.bring_up(replace(beside["dev"], jwt_secret_name="ecommerce/other"))


def test_what_would_lose_data_is_refused(beside: dict[str, Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    dev = beside["dev"]
    lost = changes.ResourceChange("Modify", "Table", "AWS::DynamoDB::Table", "True")  # as AWS says it, who knows
    monkeypatch.setattr(
        changes, "propose", lambda *_, **__: changes.ChangeSet(dev.resources_stack, is_new=False, changes=(lost,))
    )

    with pytest.raises(Refusal, match=r"would lose what it has: Modify  Table .*, by a new one"):
        resources.bring_up(dev)


def test_a_stage_of_another_account_is_not_touched(beside: dict[str, Stage]) -> None:
    with pytest.raises(Refusal, match=r"stages/dev.toml says account 123456789012, and the credentials are of 0000"):
        resources.bring_up(replace(beside["dev"], account="123456789012"))


def test_each_answers_from_its_own_table(beside: dict[str, Stage], settings: local.LocalSettings) -> None:
    for name, stage in beside.items():
        outputs = stacks.outputs(stage.stack)
        answer = urllib3.request("GET", f"{deployed.api_url(settings, name, outputs)}/health", timeout=60)

        assert answer.status == 200, answer.data
        assert answer.json()["table"]["name"] == stage.table_name
