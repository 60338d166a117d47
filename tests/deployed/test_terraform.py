"""The stage dev by Terraform, with the real provider: as by SAM, released while customers order, and gone again.

The tests share one shop and stand in the order of a story; each leaves a version that serves.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from chalicelib.core import clock
from tests.deployed.releases import (
    BREAKS_CHECKOUT,
    CANARY,
    STAGE,
    Customers,
    fill,
    greeting,
    greeting_as,
    packaged_with,
    require_sound_books,
    say,
)
from tests.deployed.terraform_releases import address, environment, planned, ship, terraform
from tests.support import local_aws, roles, times
from tests.support import terraform as here
from tests.support.inventories import Facts, differences, everything, in_any_account
from tests.support.roles import BY_LAMBDA
from tools.local import deployed, resources
from tools.package import canary, translated
from tools.package.terraform import packaging
from tools.refusal import Refusal
from tools.release import shipping
from tools.release.terraform import program, releasing, removal, returning
from tools.restore import gate
from tools.stages import policies

SECRET = "ecommerce/dev/jwt/secret"
PAYMENTS = "ecommerce/dev/payment/api-key"
# What differs from SAM, and why it does.
LEFT = {
    r"APIs/0/(endpoint|stages/dev/accessLogSettings/.*)": "the local AWS takes neither from a template",
    r"rotation/versions": "either first rotation may be under way still",
}
PAUSE_SECONDS = 6.0  # an apply takes long here, and the stream has to follow all the while


@dataclass(frozen=True)
class Shop:
    """The first release: the folder that packages are written to, what was planned, and what is told."""

    out: Path
    planned: list[dict[str, Any]]
    told: dict[str, Any]

    def values(self, kind: str) -> list[dict[str, Any]]:
        """What was planned of a type."""
        return [each["values"] for each in self.planned if each["type"] == kind]


@pytest.fixture(scope="module")
def by_sam(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """What SAM makes of the same code and stage, at its first deployment."""
    with local_aws.empty(tmp_path_factory.mktemp("cloud-by-sam")):
        deployed.deploy_resources(STAGE)
        deployed.deploy_package(STAGE, packaged)
        return everything(SECRET)


@pytest.fixture(scope="module", autouse=True)
def shop(packaged: Path, terraform_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop in an AWS of its own, whose first release serves."""
    here.program()
    out = tmp_path_factory.mktemp("terraform")
    told = environment(out, terraform_log)
    with local_aws.empty(tmp_path_factory.mktemp("aws"), **told), pytest.MonkeyPatch.context() as patch:
        patch.setattr(shipping, "OUT", out)
        with times.standard():
            resources.apply_what_the_emulator_leaves_out({"MailIdentityName": STAGE.mail_identity})
            ship(packaged)
        yield Shop(out, planned(), terraform().outputs())


def test_what_is_deployed_is_what_sam_deploys(shop: Shop, by_sam: Facts) -> None:
    assert shop.told["table_name"] == "ecommerce-dev"

    found = dict(differences(in_any_account(by_sam), in_any_account(everything(SECRET))))

    unexplained = [
        f"{path}: {both}" for path, both in found.items() if not any(re.fullmatch(left, path) for left in LEFT)
    ]
    assert not unexplained, "\n".join(unexplained)


@pytest.fixture(scope="module")
def template(packaged: Path) -> dict[str, list[dict[str, Any]]]:
    """The properties of the resources of SAM's template, after its translation, by type."""
    resources = translated.translate(json.loads((packaged / "sam.json").read_text()), "dev")["Resources"].values()
    found: dict[str, list[dict[str, Any]]] = {}
    for each in resources:
        found.setdefault(each["Type"], []).append(each["Properties"])
    return found


def comparable(value: Any) -> Any:
    """A number as a number of one kind, and nothing for an empty text."""
    return float(value) if isinstance(value, int | float) else value or None


@pytest.mark.parametrize(
    ("kind", "terraform_kind", "compared"),
    [
        (
            "AWS::Lambda::Function",
            "aws_lambda_function",
            {"Handler": "handler", "MemorySize": "memory_size", "Timeout": "timeout", "Runtime": "runtime",
             "Description": "description"},
        ),
        ("AWS::Logs::LogGroup", "aws_cloudwatch_log_group", {"RetentionInDays": "retention_in_days"}),
        (
            "AWS::CloudWatch::Alarm",
            "aws_cloudwatch_metric_alarm",
            {"Threshold": "threshold", "EvaluationPeriods": "evaluation_periods",
             "AlarmDescription": "alarm_description", "TreatMissingData": "treat_missing_data",
             "ComparisonOperator": "comparison_operator"},
        ),
        ("AWS::Events::Rule", "aws_cloudwatch_event_rule", {"ScheduleExpression": "schedule_expression"}),
        ("AWS::Logs::QueryDefinition", "aws_cloudwatch_query_definition", {"QueryString": "query_string"}),
        (
            "AWS::Lambda::EventSourceMapping",
            "aws_lambda_event_source_mapping",
            {"BatchSize": "batch_size", "MaximumRetryAttempts": "maximum_retry_attempts",
             "BisectBatchOnFunctionError": "bisect_batch_on_function_error", "StartingPosition": "starting_position",
             "FunctionResponseTypes": "function_response_types"},
        ),
        (
            "AWS::Lambda::EventInvokeConfig",
            "aws_lambda_function_event_invoke_config",
            {"MaximumRetryAttempts": "maximum_retry_attempts",
             "MaximumEventAgeInSeconds": "maximum_event_age_in_seconds"},
        ),
    ],
)  # fmt: skip
def test_the_plan_says_what_the_template_says(
    shop: Shop,
    template: dict[str, list[dict[str, Any]]],
    kind: str,
    terraform_kind: str,
    compared: dict[str, str],
) -> None:
    wanted = [[comparable(each.get(name)) for name in compared] for each in template[kind]]

    found = [[comparable(each[name]) for name in compared.values()] for each in shop.values(terraform_kind)]

    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_the_plan_throttles_as_the_template_does(shop: Shop, template: dict[str, list[dict[str, Any]]]) -> None:
    ((wanted,),) = (each["MethodSettings"] for each in template["AWS::ApiGateway::Stage"])

    (found,) = shop.values("aws_api_gateway_method_settings")

    (settings,) = found["settings"]
    assert found["method_path"] == "*/*"
    assert (settings["throttling_rate_limit"], settings["throttling_burst_limit"], settings["data_trace_enabled"]) == (
        wanted["ThrottlingRateLimit"],
        wanted["ThrottlingBurstLimit"],
        wanted["DataTraceEnabled"],
    )


def test_the_code_comes_from_the_bucket(shop: Shop) -> None:
    functions = shop.values("aws_lambda_function")

    assert {(each["s3_bucket"], each["filename"]) for each in functions} == {(releasing.artifacts.bucket(), None)}


def test_it_answers(shop: Shop) -> None:
    answer = urllib3.request("GET", f"{address()}/health", retries=False, timeout=120)

    assert answer.status == 200, answer.data


@pytest.mark.parametrize("function", policies.functions())
def test_a_function_has_a_role_of_its_own_by_which_it_may_what_its_description_says(shop: Shop, function: str) -> None:
    logical = "APIHandler" if function == policies.MAIN else "".join(word.capitalize() for word in function.split("_"))
    assert shop.told["versions"][f"ecommerce-dev-{logical}"] == "1"

    role = roles.of_function(f"ecommerce-dev-{logical}")

    assert list(role.statements) == roles.statements(policies.policy(STAGE, function))
    assert (role.trust, role.managed, role.boundary) == (BY_LAMBDA, (), None)


def test_no_role_is_of_two_functions_and_none_is_of_nobody(shop: Shop) -> None:
    used = [roles.of_function(name).name for name in shop.told["versions"]]

    all_ = {each["RoleName"] for each in boto3.client("iam").list_roles()["Roles"]}

    assert len(used) == len(set(used)) == len(policies.functions()) + 1
    assert all_ - set(used) == {"ecommerce-dev-CodeDeployServiceRole"}


def test_the_smoke_test_may_call_two_functions_report_and_read_one_log(shop: Shop) -> None:
    here = "us-east-1:000000000000"

    role = roles.of_function(f"{canary.PREFIX}ecommerce-dev-smoke")

    granted = {str(each["Action"]): each["Resource"] for each in role.statements}
    assert granted["lambda:InvokeFunction"] == [
        f"arn:aws:lambda:{here}:function:{shop.told[f'{name}_name']}:*" for name in ("api_handler", "authorize")
    ]
    assert granted["codedeploy:PutLifecycleEventHookExecutionStatus"] == (
        f"arn:aws:codedeploy:{here}:deploymentgroup:ecommerce-dev-ServerlessDeploymentApplication/*"
    )
    assert granted["logs:FilterLogEvents"] == (
        f"arn:aws:logs:{here}:log-group:/aws/lambda/ecommerce-dev-handle_table_stream:*"
    )
    assert len(granted) == 5


def test_a_release_fails_no_request_of_four_customers(packaged: Path, tmp_path: Path) -> None:
    fill(tmp_path)
    customers, started = Customers(address(), pause=PAUSE_SECONDS), clock.monotonic()

    with customers.ordering():
        said = ship(packaged_with(packaged, tmp_path / "next", greeting_as("second"), config=CANARY))

    assert customers.failures == []
    assert greeting(address()) == "second"
    require_sound_books(customers)
    say(f"Released while {len(customers.placed)} orders went through, 0 failed: {said}")
    say(f"{clock.monotonic() - started:.0f} seconds in all.")


def test_a_version_whose_smoke_test_fails_serves_nobody(packaged: Path, tmp_path: Path) -> None:
    broken = packaged_with(packaged, tmp_path / "next", greeting_as("broken"), BREAKS_CHECKOUT)

    with pytest.raises(Refusal, match=r"said Failed[^$]*The version before serves"):
        ship(broken)

    assert greeting(address()) == "second"
    assert terraform().plan() is None


def test_a_rollback_takes_seconds_and_no_plan_undoes_it(shop: Shop) -> None:
    customers, heard = Customers(address(), pause=PAUSE_SECONDS), list[str]()
    shutil.rmtree(shop.out / packaging.FORM / STAGE.name)

    with customers.ordering():
        said = returning.roll_back(STAGE, heard.append)

    assert customers.failures == []
    assert greeting(address()) == "Hello from Lambda"
    assert terraform().plan() is None
    say("\n".join([*heard, said]))
    with pytest.raises(Refusal, match="no release of dev by Terraform before"):
        returning.roll_back(STAGE, say)


def test_it_can_be_closed_and_is_neither_released_nor_taken_back_then(packaged: Path) -> None:
    gate.close(STAGE)

    with pytest.raises(Refusal, match="closed, and a release is tried by buying"):
        ship(packaged)
    with pytest.raises(Refusal, match="closed, and a rollback by Terraform would open it"):
        returning.roll_back(STAGE, say)

    gate.open_again(STAGE)
    assert greeting(address()) == "Hello from Lambda"


def test_a_plan_changes_nothing_whatever_was_put_into_a_secret_or_opened_since() -> None:
    for key in ("sk_1", "sk_2", "sk_3"):
        boto3.client("secretsmanager").put_secret_value(SecretId=PAYMENTS, SecretString=json.dumps({"apiKey": key}))

    assert terraform().plan() is None


def test_who_comes_while_somebody_works_hears_of_it() -> None:
    bucket, key = releasing.artifacts.bucket(), f"{STAGE.name}/terraform.tfstate.tflock"
    held = b'{"ID":"7","Operation":"OperationTypeApply","Who":"ada@desk","Created":"2026-11-28T09:00:00Z"}'
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=held)

    with pytest.raises(Refusal, match=r"ada@desk changes the stage since 2026-11-28.*force-unlock 7"):
        terraform().plan()

    boto3.client("s3").delete_object(Bucket=bucket, Key=key)


def test_destroyed_it_leaves_its_packages_and_nothing_else() -> None:
    program.require_program()

    said = removal.destroy(terraform(), say)

    assert "is gone" in said
    left = [
        boto3.client("lambda").list_functions()["Functions"],
        boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"],
        boto3.client("iam").list_roles()["Roles"],
        boto3.client("events").list_rules()["Rules"],
        boto3.client("apigateway").get_rest_apis()["items"],
        boto3.client("logs").describe_log_groups()["logGroups"],
        boto3.client("cloudwatch").describe_alarms()["MetricAlarms"],
        boto3.client("dynamodb").list_tables()["TableNames"],
        boto3.client("secretsmanager").list_secrets()["SecretList"],
        boto3.client("sqs").list_queues().get("QueueUrls", []),
        boto3.client("sns").list_topics()["Topics"],
        boto3.client("cloudfront").list_distributions()["DistributionList"].get("Items", []),
    ]
    assert left == [[]] * len(left)
    buckets = [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]
    assert buckets == [releasing.artifacts.bucket()]
    assert removal.destroy(terraform(), say) == "There is nothing of dev by Terraform."
