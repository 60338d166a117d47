"""How the template ends: versions behind an alias that everything calls, in few bytes."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tests.infra.packaging import network
from tools import stages
from tools.package import finishing

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

ROOM = 0.5  # of CloudFormation's limit, that later work may fill
CALLED = "functions/${APIHandlerAliaslive}/invocations"


@pytest.fixture(scope="module")
def translated(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The resources that SAM makes of the template."""
    given = copy.deepcopy(template)
    for properties in finishing.functions(given).values():
        properties["CodeUri"] = "s3://artifacts/code.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        resources: dict[str, dict[str, Any]] = Translator({}, Parser()).translate(given, {"Stage": "prod"})["Resources"]
    return resources


def of_type(resources: dict[str, dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each["Properties"] for each in resources.values() if each["Type"] == kind]


@network
def test_each_function_has_one_version_behind_its_alias(translated: dict[str, dict[str, Any]]) -> None:
    aliases = of_type(translated, "AWS::Lambda::Alias")

    functions = {name for name, each in translated.items() if each["Type"] == "AWS::Lambda::Function"}
    assert {alias["FunctionName"]["Ref"] for alias in aliases} == functions
    assert {alias["Name"] for alias in aliases} == {finishing.ALIAS}
    assert len(of_type(translated, "AWS::Lambda::Version")) == len(functions)
    kept = [each for each in translated.values() if each["Type"] == "AWS::Lambda::Version"]
    assert all(each["DeletionPolicy"] == "Retain" for each in kept)  # going back needs them


@network
def test_whoever_calls_a_function_calls_its_alias(translated: dict[str, dict[str, Any]]) -> None:
    permitted = [each["FunctionName"] for each in of_type(translated, "AWS::Lambda::Permission")]
    scheduled = [target["Arn"] for each in of_type(translated, "AWS::Events::Rule") for target in each["Targets"]]
    streamed = [each["FunctionName"] for each in of_type(translated, "AWS::Lambda::EventSourceMapping")]
    rotating = [each["RotationLambdaARN"] for each in of_type(translated, "AWS::SecretsManager::RotationSchedule")]

    called = [*permitted, *scheduled, *streamed, *rotating]
    assert called
    assert all(each["Ref"].endswith(f"Alias{finishing.ALIAS}") and each["Ref"] in translated for each in called)


@network
def test_the_api_hands_every_request_and_token_to_an_alias(translated: dict[str, dict[str, Any]]) -> None:
    (api,) = of_type(translated, "AWS::ApiGateway::RestApi")
    definition = json.dumps(api["Body"])

    called = set(re.findall(r"functions/\$\{[^}]*\}/invocations", definition))

    assert called == {CALLED, "functions/${AuthorizeAliaslive}/invocations"}
    assert ".Arn}" not in definition


@network
def test_the_template_is_compact(out: Path, template: dict[str, Any]) -> None:
    written = (out / "sam.json").read_text()

    assert written == finishing.written(template)
    assert len(written.encode()) < (1 - ROOM) * finishing.MAX_TEMPLATE_BYTES
    assert {each["Runtime"] for each in [template["Globals"]["Function"]]} == {f"python{stages.read('prod').python}"}


def function(**properties: Any) -> dict[str, Any]:
    usual = {"Runtime": "python3.13", "Timeout": 28, "Tags": {"Stage": "prod"}, "CodeUri": "./deployment.zip"}
    environment = {"Environment": {"Variables": {"STAGE": "prod", "LOG_LEVEL": "INFO"}}}
    return {"Type": finishing.FUNCTION, "Properties": copy.deepcopy({**usual, **environment, **properties})}


def test_what_all_functions_have_stands_once() -> None:
    other = {"Environment": {"Variables": {"STAGE": "prod", "LOG_LEVEL": "DEBUG"}}}
    template = {"Resources": {"One": function(), "Two": function(Runtime="python3.12", **other)}}

    finishing.share_settings(template)

    everywhere = template["Globals"]["Function"]  # type: ignore[index]
    assert everywhere == {"Tags": {"Stage": "prod"}, "Environment": {"Variables": {"STAGE": "prod"}}}
    one, two = finishing.functions(template).values()
    assert (one["Runtime"], two["Runtime"]) == ("python3.13", "python3.12")
    assert one["Environment"] == {"Variables": {"LOG_LEVEL": "INFO"}}
    assert two["Environment"] == {"Variables": {"LOG_LEVEL": "DEBUG"}}


def test_a_function_without_settings_of_its_own_has_none() -> None:
    template = {"Resources": {"One": function(), "Two": function()}}

    finishing.share_settings(template)

    assert not any("Environment" in properties for properties in finishing.functions(template).values())


CHANGES: dict[str, tuple[dict[str, Any], str, bool]] = {
    "nothing": ({}, "code", False),
    "code": ({}, "other code", True),
    "setting": ({"Environment": {"Variables": {"STAGE": "prod"}}}, "code", True),
    "timeout": ({"Timeout": 29}, "code", True),
    "runtime": ({"Runtime": "python3.12"}, "code", True),
    "where the code lies": ({"CodeUri": "s3://artifacts/code.zip"}, "code", False),
    "tags, of which no version can be made": ({"Tags": {"Stage": "prod", "Team": "shop"}}, "code", False),
    "what is kept warm": ({"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2}}, "code", False),
    "what calls it": ({"Events": {"Nightly": {"Type": "Schedule"}}}, "code", False),
}


@pytest.mark.parametrize(("properties", "code", "published"), CHANGES.values(), ids=list(CHANGES))
def test_a_version_is_published_for_other_code_or_configuration_only(
    properties: dict[str, Any],
    code: str,
    published: bool,  # noqa: FBT001 - a case's outcome
) -> None:
    before = {"Resources": {"One": function()}}
    after = {"Resources": {"One": function(**properties)}}

    finishing.publish_what_changed(before, "code")
    finishing.publish_what_changed(after, code)

    (one,), (other,) = finishing.functions(before).values(), finishing.functions(after).values()
    assert (one["AutoPublishCodeSha256"] != other["AutoPublishCodeSha256"]) is published
