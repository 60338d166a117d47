"""What the translation to Terraform decides, writes, and refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tools.package.terraform import hcl, parts
from tools.package.terraform.evaluation import Evaluation, snake
from tools.package.terraform.hcl import Block
from tools.package.terraform.kind import Made, TemplateResource, arguments
from tools.package.terraform.kinds import KINDS
from tools.package.terraform.modules import Module, Stack
from tools.package.terraform.values import Encoded, Interpolated, Reference
from tools.refusal import Refusal

QUEUE = Reference("aws_sqs_queue.letters.arn", "aws_sqs_queue.letters")


def evaluation(template: dict[str, Any], **parameters: str) -> Evaluation:
    return Evaluation(
        template,
        parameters,
        "ecommerce-dev",
        attribute=lambda name, asked: Reference(f"{name}.{asked or 'id'}"),
        imported=lambda export: Reference(f"var.{export}"),
        variable=lambda name: Reference(f"var.{snake(name)}"),
    )


def translated(*resources: dict[str, Any], is_protected: bool = False) -> Module:
    module = Module("resources")
    template = {"Resources": {f"Letters{number or ''}": each for number, each in enumerate(resources)}}
    Stack(template, "ecommerce-dev", {}, is_protected, {"resources": module}).translate()
    return module


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"Fn::If": ["IsProd", 1, 2]}, 2),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]}]}, {"b": []}),
        ({"Fn::Sub": "shop-${Stage}-${!Literal}"}, "shop-dev-${Literal}"),
        ({"Fn::Sub": ["${Stage}:${Own}", {"Own": "x"}]}, "dev:x"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}]]}, "a-dev"),
        ({"Fn::Sub": "${Queue.Arn}/*"}, Interpolated((Reference("Queue.Arn"), "/*"))),
        ({"Fn::Sub": "${Queue}"}, Reference("Queue.id")),
        ({"Ref": "Other"}, Reference("var.other")),
        ({"Fn::ImportValue": {"Fn::Sub": "${Stage}-Key"}}, Reference("var.dev-Key")),
        ({"Condition": {"Bool": {"a": "b"}}}, {"Condition": {"Bool": {"a": "b"}}}),
    ],
)  # fmt: skip
def test_conditions_are_decided_and_functions_become_expressions(given: Any, value: Any) -> None:
    template = {
        "Parameters": {"Stage": {}, "Other": {}},
        "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
    }

    assert evaluation(template, Stage="dev").value(given) == value


def test_a_function_that_nobody_translated_is_named() -> None:
    with pytest.raises(Refusal, match=r"^Fn::Cidr has no translation"):
        evaluation({}).value({"Fn::Cidr": ["10.0.0.0/16", 2, 8]})


def test_a_type_that_nobody_translated_is_named() -> None:
    with pytest.raises(Refusal, match=r"^Letters is a AWS::MSK::Cluster, of which"):
        translated({"Type": "AWS::MSK::Cluster"})


@pytest.mark.parametrize(
    ("kind", "properties", "named"),
    [
        ("AWS::SQS::Queue", {"Colour": "red"}, "aws_sqs_queue has no colour, which Colour would be"),
        (
            "AWS::Lambda::EventSourceMapping",
            {"FunctionName": "f", "DestinationConfig": {"OnFailure": {"Colour": "red"}}},
            "has no colour, which DestinationConfig.OnFailure.Colour would be",
        ),
    ],
)
def test_a_property_without_a_place_is_named_and_never_left_out(
    kind: str, properties: dict[str, Any], named: str
) -> None:
    (made,) = translated({"Type": kind, "Properties": properties}).resources[kind.split("::")[1].lower()]

    with pytest.raises(Refusal, match=named.replace(".", r"\.")):
        arguments(made)


def test_values_take_the_form_that_the_provider_wants() -> None:
    given = {
        "BatchSize": "100",
        "BisectBatchOnFunctionError": "true",
        "FunctionResponseTypes": "ReportBatchItemFailures",
        "Tags": [{"Key": "Stage", "Value": "dev"}],
        "FilterCriteria": {"Filters": [{"Pattern": "{}"}, {"Pattern": "[]"}]},
    }
    made = Made("aws_lambda_event_source_mapping", "stream", given, KINDS["AWS::Lambda::EventSourceMapping"].renamed)

    assert arguments(made) == {
        "batch_size": 100,
        "bisect_batch_on_function_error": True,
        "function_response_types": ["ReportBatchItemFailures"],
        "tags": {"Stage": "dev"},
        "filter_criteria": [{"filter": [{"pattern": "{}"}, {"pattern": "[]"}]}],
    }


def test_a_document_is_json_with_its_references() -> None:
    made = Made("aws_iam_role_policy", "stream", {"role": "r", "policy": {"Resource": QUEUE}})

    assert arguments(made)["policy"] == Encoded({"Resource": QUEUE})


@pytest.mark.parametrize(("is_protected", "lifecycle"), [(True, {"prevent_destroy": True}), (False, {})])
def test_what_outlives_its_stack_cannot_be_destroyed_where_the_stage_is_protected(
    is_protected: bool,  # noqa: FBT001
    lifecycle: dict[str, Any],
) -> None:
    kept = {"Type": "AWS::SQS::Queue", "DeletionPolicy": "RetainExceptOnCreate", "Properties": {"QueueName": "letters"}}

    (queue,) = translated(kept, is_protected=is_protected).resources["sqs"]

    assert queue.lifecycle == lifecycle


@pytest.mark.parametrize(("is_protected", "window"), [(True, None), (False, 0)])
def test_a_secret_that_may_go_goes_at_once_and_its_first_value_never_comes_back(
    is_protected: bool,  # noqa: FBT001
    window: int | None,
) -> None:
    generated = {
        "SecretStringTemplate": '{"kid": "initial"}',
        "GenerateStringKey": "secret",
        "PasswordLength": 64,
        "ExcludePunctuation": True,
    }
    secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "key", "GenerateSecretString": generated}}

    own, password, version = translated(secret, is_protected=is_protected).resources["secretsmanager"]

    assert own.arguments.get("recovery_window_in_days") == window
    assert password.is_data
    assert version.lifecycle == {"ignore_changes": Reference("all")}
    assert "FIRST" in version.arguments["version_stages"]


def test_it_is_written_as_terraform_formats_it() -> None:
    block = Block(
        "resource",
        ("aws_sqs_queue", "letters"),
        {
            "name": Interpolated(("a-", Reference("var.stage"), '-"${x}"\n')),
            "fifo_queue": False,
            "tags": {"Stage": "dev", "aws:x": 1},
            "policy": Encoded({"Resource": [QUEUE]}),
        },
        [Block("lifecycle", (), {"ignore_changes": Reference("all")})],
    )

    assert hcl.document([block]) == (
        'resource "aws_sqs_queue" "letters" {\n'
        '  name       = "a-${var.stage}-\\"$${x}\\"\\n"\n'
        "  fifo_queue = false\n"
        "  tags = {\n"
        '    Stage   = "dev"\n'
        '    "aws:x" = 1\n'
        "  }\n"
        "  policy = jsonencode({\n"
        "    Resource = [aws_sqs_queue.letters.arn]\n"
        "  })\n"
        "\n"
        "  lifecycle {\n"
        "    ignore_changes = all\n"
        "  }\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("path", "method", "label", "method_path"),
    [
        ("/*", "*", "stage", "*/*"),
        ("/~1products~1{product_id}", "GET", "stage_products_product_id_get", "~1products~1{product_id}/GET"),
    ],
)
def test_what_is_set_for_a_method_has_the_name_that_api_gateway_gives_it(
    path: str, method: str, label: str, method_path: str
) -> None:
    said = {"RestApiId": "a1b2c3", "MethodSettings": [{"ResourcePath": path, "HttpMethod": method}]}
    source = TemplateResource(
        "Stage",
        "AWS::ApiGateway::Stage",
        "stage",
        "aws_api_gateway_stage.stage",
        said,
        is_protected=False,
        physical_name="",
    )

    (made,) = parts.method_settings(source, said["MethodSettings"])

    assert (made.label, made.arguments["method_path"]) == (label, method_path)
