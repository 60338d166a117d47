"""The stage dev by Terraform, with the real provider, on a local AWS of its own: as by SAM, and gone again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from tests.deployed.test_chalice import differences, in_any_account
from tests.support import roles, terraform
from tests.support.inventories import Facts, inventory
from tests.support.ports import free_port
from tests.support.roles import BY_LAMBDA
from tests.support.terraform import Terraform
from tools import stages
from tools.local import cloud as local_cloud
from tools.local import deployed
from tools.local import settings as local
from tools.local.settings import LocalSettings
from tools.package import canary, translated
from tools.package.terraform import packaging
from tools.stages import policies

SECRET = "ecommerce/dev/jwt/secret"
PAYMENTS = "ecommerce/dev/payment/api-key"
NO_CHANGES, CHANGES = 0, 2  # of terraform plan -detailed-exitcode
# What differs from SAM, and why it does.
LEFT = {
    r"APIs/0/(endpoint|stages/dev/accessLogSettings/.*)": "the local AWS takes neither from a template",
    r"rotation/versions": "either first rotation may be under way still",
}
OF_AN_ALARM = (
    "AlarmName", "AlarmDescription", "AlarmActions", "OKActions", "MetricName", "Namespace", "Statistic",
    "ExtendedStatistic", "Dimensions", "Period", "EvaluationPeriods", "DatapointsToAlarm", "Threshold",
    "ComparisonOperator", "TreatMissingData", "Metrics",
)  # fmt: skip


@dataclass(frozen=True)
class ByTerraform:
    """The folder that was applied, what it told, and where the API answers."""

    run: Terraform
    planned: list[dict[str, Any]]
    told: dict[str, Any]
    url: str

    def values(self, kind: str) -> list[dict[str, Any]]:
        """What was planned of a type."""
        return [each["values"] for each in self.planned if each["type"] == kind]


@contextmanager
def another_cloud(state: Path) -> Iterator[LocalSettings]:
    """A local AWS that holds nothing of the other tests', for the time of the block."""
    settings = LocalSettings(free_port(), free_port(), state, free_port())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local.aws_environment(settings).items():
            patch.setenv(name, value)
        with local_cloud.running(settings):
            yield settings


@pytest.fixture(scope="module")
def by_sam(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """What SAM makes of the same code and stage, at its first deployment."""
    with another_cloud(tmp_path_factory.mktemp("cloud-by-sam")):
        deployed.deploy_resources(stages.read("dev"))
        deployed.deploy_package(stages.read("dev"), packaged)
        return facts()


@pytest.fixture(scope="module")
def applied(by_sam: Facts, packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByTerraform]:
    """The stage as Terraform brings it up."""
    terraform.program()
    run = Terraform(packaging.translate("dev", packaged, tmp_path_factory.mktemp("by-terraform")))
    with another_cloud(tmp_path_factory.mktemp("cloud-by-terraform")) as settings:
        run.init()
        planned, told = run.plan(), run.apply()
        yield ByTerraform(run, planned, told, deployed.api_url(settings, "dev", {"RestAPIId": told["rest_api_id"]}))


def facts() -> Facts:
    """All that can be compared of the account."""
    found = inventory(SECRET) | {"alarms": alarms(), "dashboards": dashboards(), "saved queries": saved_queries()}
    found["triggers"] = in_order(found["triggers"])
    text = by_handler(json.dumps(found, default=str))
    for chance in (r"(?<=http://)(localhost|127\.0\.0\.1):\d+", r"(?<=:deploymentgroup:)[\w-]+"):
        text = re.sub(chance, "…", text)
    return dict(json.loads(text))


def by_handler(text: str) -> str:
    """The text with handlers for the names of functions, which SAM makes up."""
    for each in boto3.client("lambda").list_functions()["Functions"]:
        text = re.sub(rf"{re.escape(each['FunctionName'])}(?![\w-])", each["Handler"], text)
    return text


def alarms() -> dict[str, Any]:
    found = boto3.client("cloudwatch").describe_alarms(MaxRecords=100)["MetricAlarms"]
    told = [{name: each.get(name) for name in OF_AN_ALARM} for each in found]
    return {each["AlarmName"]: each for each in in_order(told)}


def in_order(value: Any) -> Any:
    """The value with each list in an order that does not hang on who made it."""
    if isinstance(value, dict):
        return {name: in_order(each) for name, each in sorted(value.items())}
    return sorted((in_order(each) for each in value), key=str) if isinstance(value, list) else value


def dashboards() -> dict[str, Any]:
    client = boto3.client("cloudwatch")
    names = [each["DashboardName"] for each in client.list_dashboards()["DashboardEntries"]]
    return {name: json.loads(client.get_dashboard(DashboardName=name)["DashboardBody"]) for name in names}


def saved_queries() -> dict[str, Any]:
    found = boto3.client("logs").describe_query_definitions()["queryDefinitions"]
    return {each["name"]: (each["queryString"], sorted(each["logGroupNames"])) for each in found}


def test_what_is_deployed_is_what_sam_deploys(applied: ByTerraform, by_sam: Facts) -> None:
    assert applied.told["table_name"] == "ecommerce-dev"

    found = dict(differences(in_any_account(by_sam), in_any_account(facts())))

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
    applied: ByTerraform,
    template: dict[str, list[dict[str, Any]]],
    kind: str,
    terraform_kind: str,
    compared: dict[str, str],
) -> None:
    wanted = [[comparable(each.get(name)) for name in compared] for each in template[kind]]

    found = [[comparable(each[name]) for name in compared.values()] for each in applied.values(terraform_kind)]

    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_the_plan_throttles_as_the_template_does(
    applied: ByTerraform, template: dict[str, list[dict[str, Any]]]
) -> None:
    ((wanted,),) = (each["MethodSettings"] for each in template["AWS::ApiGateway::Stage"])

    (found,) = applied.values("aws_api_gateway_method_settings")

    (settings,) = found["settings"]
    assert found["method_path"] == "*/*"
    assert (settings["throttling_rate_limit"], settings["throttling_burst_limit"], settings["data_trace_enabled"]) == (
        wanted["ThrottlingRateLimit"],
        wanted["ThrottlingBurstLimit"],
        wanted["DataTraceEnabled"],
    )


def test_it_answers(applied: ByTerraform) -> None:
    answer = urllib3.request("GET", f"{applied.url}/health", retries=False, timeout=120)

    assert answer.status == 200, answer.data


@pytest.mark.parametrize("function", policies.functions())
def test_a_function_has_a_role_of_its_own_by_which_it_may_what_its_description_says(
    applied: ByTerraform, function: str
) -> None:
    logical = "APIHandler" if function == policies.MAIN else "".join(word.capitalize() for word in function.split("_"))
    assert applied.told["versions"][f"ecommerce-dev-{logical}"] == "1"

    role = roles.of_function(f"ecommerce-dev-{logical}")

    assert list(role.statements) == roles.statements(policies.policy(stages.read("dev"), function))
    assert (role.trust, role.managed, role.boundary) == (BY_LAMBDA, (), None)


def test_no_role_is_of_two_functions_and_none_is_of_nobody(applied: ByTerraform) -> None:
    used = [roles.of_function(name).name for name in applied.told["versions"]]

    all_ = {each["RoleName"] for each in boto3.client("iam").list_roles()["Roles"]}

    assert len(used) == len(set(used)) == len(policies.functions()) + 1
    assert all_ - set(used) == {"ecommerce-dev-CodeDeployServiceRole"}


def test_the_smoke_test_may_call_two_functions_report_and_read_one_log(applied: ByTerraform) -> None:
    here = "us-east-1:000000000000"

    role = roles.of_function(f"{canary.PREFIX}ecommerce-dev-smoke")

    granted = {str(each["Action"]): each["Resource"] for each in role.statements}
    assert granted["lambda:InvokeFunction"] == [
        f"arn:aws:lambda:{here}:function:{applied.told[f'{name}_name']}:*" for name in ("api_handler", "authorize")
    ]
    assert granted["codedeploy:PutLifecycleEventHookExecutionStatus"] == (
        f"arn:aws:codedeploy:{here}:deploymentgroup:ecommerce-dev-ServerlessDeploymentApplication/*"
    )
    assert granted["logs:FilterLogEvents"] == (
        f"arn:aws:logs:{here}:log-group:/aws/lambda/ecommerce-dev-handle_table_stream:*"
    )
    assert len(granted) == 5


def test_a_second_plan_changes_nothing_whatever_was_put_into_a_secret_since(applied: ByTerraform) -> None:
    for key in ("sk_1", "sk_2", "sk_3"):
        boto3.client("secretsmanager").put_secret_value(SecretId=PAYMENTS, SecretString=json.dumps({"apiKey": key}))

    plan = applied.run("plan", "-detailed-exitcode", "-no-color", expected=(NO_CHANGES, CHANGES))

    assert plan.returncode == NO_CHANGES, plan.stdout


def test_a_stage_that_is_destroyed_leaves_nothing(applied: ByTerraform) -> None:
    applied.run("destroy", "-auto-approve", "-no-color", "-parallelism=30")

    left = [
        boto3.client("lambda").list_functions()["Functions"],
        boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"],
        boto3.client("iam").list_roles()["Roles"],
        boto3.client("events").list_rules()["Rules"],
        boto3.client("apigateway").get_rest_apis()["items"],
        boto3.client("logs").describe_log_groups()["logGroups"],
        boto3.client("cloudwatch").describe_alarms()["MetricAlarms"],
        boto3.client("dynamodb").list_tables()["TableNames"],
        boto3.client("s3").list_buckets()["Buckets"],
        boto3.client("secretsmanager").list_secrets()["SecretList"],
        boto3.client("sqs").list_queues().get("QueueUrls", []),
        boto3.client("sns").list_topics()["Topics"],
        boto3.client("cloudfront").list_distributions()["DistributionList"].get("Items", []),
    ]
    assert left == [[]] * len(left)
