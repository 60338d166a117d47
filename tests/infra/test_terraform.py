"""The Terraform form of prod: what Terraform itself says of it, and that nothing of the templates is left out."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.infra.packaging import network
from tests.support import terraform
from tests.support.conditions import decided
from tests.support.terraform import Terraform
from tools import stages
from tools.package import translated
from tools.package.terraform import modules, packaging
from tools.package.terraform.kinds import KINDS
from tools.release.terraform import program
from tools.stages import parameters
from tools.stages.edge import Edge
from tools.templates import options

pytestmark = [network, pytest.mark.no_cover]


@pytest.fixture(scope="module")
def folder(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        return packaging.translate("prod", out, tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="module")
def texts(folder: Path) -> str:
    return "\n".join(file.read_text() for file in sorted(folder.glob("modules/*/*.tf")))


@pytest.fixture(scope="module")
def by_sam(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every resource of the stage as CloudFormation has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        resources: dict[str, dict[str, Any]] = translated.translate(template, "prod")["Resources"]
    return resources


def test_terraform_would_format_nothing_otherwise(folder: Path) -> None:
    assert Terraform(folder)("fmt", "-check", "-recursive", "-no-color").stdout == ""


def test_terraform_finds_it_valid(folder: Path) -> None:
    terraform.program()
    run = Terraform(folder)

    run("init", "-backend=false", "-no-color")

    assert json.loads(run("validate", "-json").stdout)["diagnostics"] == []


@pytest.mark.parametrize("edge", [options.EDGE, options.COUNTING], ids=["all", "counting"])
def test_terraform_finds_a_stage_with_every_option_valid(
    template: dict[str, Any], folder: Path, tmp_path: Path, edge: Edge
) -> None:
    terraform.program()
    made = packaging.written(options.stage("prod", edge), options.with_options(template, "prod", edge))
    for path, text in made.items():
        (tmp_path / "root" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / path).write_text(text)
    for archive in folder.glob("*.zip"):
        (tmp_path / "root" / archive.name).symlink_to(archive)
    run = Terraform(tmp_path / "root")

    run("init", "-backend=false", "-no-color")

    assert run("fmt", "-check", "-recursive", "-no-color").stdout == ""
    assert json.loads(run("validate", "-json").stdout)["diagnostics"] == []


def test_every_resource_of_both_templates_is_there(by_sam: dict[str, dict[str, Any]], texts: str) -> None:
    template = yaml_parse(packaging.TEMPLATE.read_text())
    there = decided(template, parameters.of_resources(stages.read("prod")))["Resources"]
    kinds = [KINDS[each["Type"]].terraform for each in (*by_sam.values(), *there.values())]

    found = Counter(re.findall(r'^resource "(\w+)"', texts, re.MULTILINE))

    wanted = Counter(kind for kind in kinds if kind)
    assert {kind: found[kind] for kind in wanted} == wanted


def test_what_must_never_be_lost_cannot_be_destroyed(texts: str) -> None:
    blocks = re.split(r"^(?=resource )", texts, flags=re.MULTILINE)

    kept = {re.findall(r'"(\w+)"', each)[0] for each in blocks if "prevent_destroy = true" in each}

    assert kept == {
        "aws_dynamodb_table",
        "aws_s3_bucket",
        "aws_secretsmanager_secret",
        "aws_sqs_queue",
        "aws_sesv2_email_identity",
    }
    assert "force_destroy" not in texts
    assert "recovery_window_in_days" not in texts


def test_what_a_stack_would_leave_behind_is_let_go_of(template: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    key, identity = "module.application.aws_kms_key.application_key", "module.resources.aws_sesv2_email_identity"
    borrows = msgspec.structs.replace(stages.read("prod"), owns_mail_identity=False)

    prod, with_all, without_identity = (
        re.findall(r"^removed \{\n  from = (\S+)\n+  lifecycle \{\n    destroy = false", text, re.MULTILINE)
        for text in (
            (folder / "main.tf").read_text(),
            packaging.written(options.stage("prod"), options.with_options(template, "prod"))["main.tf"],
            packaging.written(borrows, template)["main.tf"],
        )
    )

    assert (prod, with_all, without_identity) == ([key], [], [f"{identity}.mail_identity", key])


def test_the_keys_of_a_protected_stages_distribution_go_at_once_and_its_other_secrets_do_not(
    template: dict[str, Any],
) -> None:
    made = packaging.written(options.stage("prod"), options.with_options(template, "prod"))

    found = {
        label: "recovery_window_in_days" in body
        for text in made.values()
        for label, body in re.findall(
            r'^resource "aws_secretsmanager_secret" "(\w+)" \{(.*?)^\}', text, re.MULTILINE | re.DOTALL
        )
    }

    assert found == {"jwt_secret": False, "payment_secret": False, "origin_key": True, "origin_key2": True}


def test_no_release_destroys_what_the_apps_stack_would_leave_behind(template: dict[str, Any]) -> None:
    retained = {
        KINDS[each["Type"]].terraform
        for each in options.with_options(template, "prod")["Resources"].values()
        if modules.outlives_its_stack(each)
    }

    assert retained == program.HOLDS_DATA["module.application"]


def test_the_api_is_defined_as_for_sam(by_sam: dict[str, dict[str, Any]], folder: Path) -> None:
    body = by_sam["RestAPI"]["Properties"]["Body"]

    definition = json.loads((folder / "modules" / "application" / "definition.json").read_text())

    assert {path: set(methods) for path, methods in definition["paths"].items()} == {
        path: set(methods) for path, methods in body["paths"].items()
    }
    answers = "x-amazon-apigateway-gateway-responses"
    assert set(definition[answers]) == set(body[answers])
    assert stages.read("prod").cors_origin in json.dumps(definition)


def test_code_deploy_alone_moves_the_aliases_that_customers_meet(texts: str) -> None:
    aliases = re.findall(r'^resource "aws_lambda_alias" "(\w+)" \{(.*?)^\}', texts, re.MULTILINE | re.DOTALL)

    left = {name for name, text in aliases if "ignore_changes = [function_version, routing_config]" in text}

    assert left == {"api_handler", "authorize"}


def test_a_file_of_ones_own_outlives_the_next_package(folder: Path, out: Path) -> None:
    (folder / "backend.tf").write_text("")
    stale = folder / "modules" / "application" / "gone.tf"
    stale.write_text("")

    packaging.translate("prod", out, folder.parents[1])

    assert (folder / "backend.tf").exists()
    assert not stale.exists()


def test_all_that_is_packaged_is_known_as_such(template: dict[str, Any], folder: Path) -> None:
    made = {
        *packaging.written(stages.read("prod"), template),
        *packaging.written(options.stage("prod"), options.with_options(template, "prod")),
        *(each.name for each in folder.glob("*.zip")),
    }

    at_root = {name for name in made if "/" not in name}
    assert at_root <= set(packaging.AT_ROOT)
    assert {name.split("/")[1] for name in made - at_root} == set(packaging.MODULES)


def test_a_variable_says_where_the_code_lies(texts: str) -> None:
    functions = re.findall(r'^resource "aws_lambda_function" "\w+" \{(.*?)^\}', texts, re.MULTILINE | re.DOTALL)
    archive = r'"\$\{path\.root\}/(?:deployment|smoke)\.zip"'

    assert functions
    for each in functions:
        assert re.search(rf"filename += var\.code_bucket == null \? {archive} : null$", each, re.MULTILINE)
        assert re.search(r"s3_bucket += var\.code_bucket$", each, re.MULTILINE)
        key = rf'"prod/\$\{{filesha256\({archive}\)\}}\.zip"'
        assert re.search(rf"s3_key += var\.code_bucket == null \? null : {key}$", each, re.MULTILINE)


def test_a_variable_shuts_what_closing_shuts(texts: str) -> None:
    asked = r'var\.is_closed == "true" \? '
    rules = re.findall(r'^resource "aws_cloudwatch_event_rule" "\w+" \{(.*?)^\}', texts, re.MULTILINE | re.DOTALL)
    scheduled = [each for each in rules if "schedule_expression" in each]

    assert scheduled
    assert all(re.search(rf'state += {asked}"DISABLED" : "ENABLED"', each) for each in scheduled)
    assert len(re.findall(rf"throttling_(?:rate|burst)_limit += {asked}0 : \d+$", texts, re.MULTILINE)) == 2
