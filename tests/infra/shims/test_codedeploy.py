"""CodeDeploy on the local AWS: a stack's update moves an alias by hook, share and alarm, or not at all."""

from __future__ import annotations

import importlib.util
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.core.deadline import Deadline
from tests.support import local_aws
from tools.local import stacks
from tools.local.shims.codedeploy.deployment import steps
from tools.refusal import Refusal

pytestmark = [pytest.mark.real_time, pytest.mark.no_cover]

STACK = "moving"
BUCKET = "code-of-the-test"
FUNCTION = "AWS::Serverless::Function"
ALARM = "too-many-failures"
HOOK = """
import boto3
def handler(event, context):
    client = boto3.client("codedeploy")
    client.put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="{status}",
    )
"""


def zipped(source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("index.py", source)
    return packed.getvalue()


def uploaded(source: str) -> str:
    name = f"{abs(hash(source))}.zip"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=name, Body=zipped(source))
    return f"s3://{BUCKET}/{name}"


def template(answer: str, *, hook: str = "Succeeded", config: str = "AllAtOnce") -> str:
    functions: dict[str, Any] = {
        "Teller": {
            "FunctionName": "teller",
            "CodeUri": uploaded(f"def handler(event, context): return {answer!r}"),
            "AutoPublishAlias": "live",
            "DeploymentPreference": {
                "Type": config,
                "Alarms": [{"Ref": "Alarm"}],
                "Hooks": {"PreTraffic": {"Ref": "Zhook"}},
            },
        },
        "Zhook": {"FunctionName": "CodeDeployHook_test", "CodeUri": uploaded(HOOK.format(status=hook))},
    }
    common = {"Runtime": "python3.11", "Handler": "index.handler", "Timeout": 20}
    return json.dumps({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            **{name: {"Type": FUNCTION, "Properties": common | its} for name, its in functions.items()},
            "Alarm": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmName": ALARM, "Namespace": "Test", "MetricName": "Failures", "Statistic": "Sum",
                    "Period": 60, "EvaluationPeriods": 1, "Threshold": 0,
                    "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
                },
            },
        },
    })  # fmt: skip


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with local_aws.empty(tmp_path_factory.mktemp("aws"), CODEDEPLOY_MINUTE_SECONDS="1"):
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture
def stack(aws: None) -> None:
    """A stack whose alias tells "old"."""
    stacks.deploy(STACK, template("old"), {})


def told() -> str:
    answer = boto3.client("lambda").invoke(FunctionName="teller", Qualifier="live")
    return str(json.loads(answer["Payload"].read()))


def deployments() -> list[dict[str, Any]]:
    client = boto3.client("codedeploy")
    ids = client.list_deployments()["deployments"]
    return [dict(client.get_deployment(deploymentId=each)["deploymentInfo"]) for each in ids]


def in_background(body: str) -> tuple[threading.Thread, list[Refusal]]:
    refused: list[Refusal] = []

    def update() -> None:
        try:
            stacks.deploy(STACK, body, {})
        except Refusal as refusal:
            refused.append(refusal)

    thread = threading.Thread(target=update)
    thread.start()
    return thread, refused


def wait_for_share() -> None:
    deadline = Deadline(60)
    while not deadline.is_over:
        if boto3.client("lambda").get_alias(FunctionName="teller", Name="live").get("RoutingConfig"):
            return
    pytest.fail("The new version never had a share.")


def test_ministack_still_has_no_codedeploy() -> None:
    assert importlib.util.find_spec("ministack.services.codedeploy") is None


def test_an_alias_moves_once_its_hook_says_so(stack: None) -> None:
    before = told()

    stacks.deploy(STACK, template("new"), {})

    assert (before, told()) == ("old", "new")
    assert deployments()[-1]["status"] == "Succeeded"


def test_a_hook_that_fails_leaves_everything_as_it_was(stack: None) -> None:
    with pytest.raises(Refusal, match="BeforeAllowTraffic hook CodeDeployHook_test said Failed"):
        stacks.deploy(STACK, template("bad", hook="Failed"), {})

    assert told() == "old"
    assert deployments()[-1]["errorInformation"]["code"] == "HOOK_EXECUTION_FAILURE"


def test_a_share_of_the_requests_goes_to_the_new_version_meanwhile(stack: None) -> None:
    thread, refused = in_background(template("shared", config="Linear10PercentEvery3Minutes"))
    wait_for_share()

    deadline, heard = Deadline(60), {told()}
    while len(heard) == 1 and not deadline.is_over:
        heard.add(told())
    boto3.client("codedeploy").stop_deployment(deploymentId=deployments()[-1]["deploymentId"])
    thread.join()

    assert heard == {"old", "shared"}
    assert "was stopped" in str(refused[0])
    assert told() == "old"


def test_what_is_over_cannot_be_stopped(stack: None) -> None:
    stacks.deploy(STACK, template("over"), {})

    with pytest.raises(ClientError, match="DeploymentAlreadyCompleted"):
        boto3.client("codedeploy").stop_deployment(deploymentId=deployments()[-1]["deploymentId"])


def test_an_alarm_takes_everything_back(stack: None) -> None:
    thread, refused = in_background(template("alarming", config="Canary10Percent15Minutes"))
    wait_for_share()

    boto3.client("cloudwatch").put_metric_data(Namespace="Test", MetricData=[{"MetricName": "Failures", "Value": 1}])
    thread.join()

    assert ALARM in str(refused[0])
    assert deployments()[-1]["status"] == "Stopped"
    assert told() == "old"


def test_a_group_of_ones_own_moves_an_alias_by_an_appspec(stack: None) -> None:
    client, lambda_ = boto3.client("codedeploy"), boto3.client("lambda")
    client.create_application(applicationName="own", computePlatform="Lambda", tags=[{"Key": "Stage", "Value": "dev"}])
    client.create_deployment_group(
        applicationName="own", deploymentGroupName="own-group", serviceRoleArn="arn:aws:iam::000000000000:role/r",
        deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent15Minutes",
    )  # fmt: skip
    client.update_deployment_group(
        applicationName="own", currentDeploymentGroupName="own-group",
        deploymentConfigName="CodeDeployDefault.LambdaAllAtOnce",
    )  # fmt: skip
    lambda_.update_function_code(FunctionName="teller", ZipFile=zipped("def handler(event, context): return 'own'"))
    new = lambda_.publish_version(FunctionName="teller")["Version"]
    old = lambda_.get_alias(FunctionName="teller", Name="live")["FunctionVersion"]

    deployment = create_deployment(old, new)

    assert client.get_deployment_group(applicationName="own", deploymentGroupName="own-group")[
        "deploymentGroupInfo"
    ]["deploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"  # fmt: skip
    deadline = Deadline(60)
    while client.get_deployment(deploymentId=deployment)["deploymentInfo"]["status"] != "Succeeded":
        deadline.require()
    assert told() == "own"
    with pytest.raises(ClientError, match="InvalidRevision"):
        create_deployment(old, new)
    arn = "arn:aws:codedeploy:us-east-1:000000000000:application:own"
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "Stage", "Value": "dev"}]
    client.delete_deployment_group(applicationName="own", deploymentGroupName="own-group")
    client.delete_application(applicationName="own")
    with pytest.raises(ClientError, match="ApplicationDoesNotExist"):
        client.get_application(applicationName="own")


def create_deployment(old: str, new: str) -> str:
    function = {"Name": "teller", "Alias": "live", "CurrentVersion": old, "TargetVersion": new}
    resource = {"teller": {"Type": "AWS::Lambda::Function", "Properties": function}}
    said = {"version": 0.0, "Resources": [resource], "Hooks": [{"BeforeAllowTraffic": "CodeDeployHook_test"}]}
    made = boto3.client("codedeploy").create_deployment(
        applicationName="own",
        deploymentGroupName="own-group",
        revision={"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(said)}},
    )
    return str(made["deploymentId"])


@pytest.mark.parametrize(
    ("config", "shares"),
    [
        ("AllAtOnce", []),
        ("Canary10Percent5Minutes", [(0.1, 10.0)]),
        ("Linear25PercentEvery1Minute", [(0.25, 2.0), (0.5, 2.0), (0.75, 2.0)]),
    ],
)
def test_configurations_are_read_by_their_names(
    config: str, shares: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEDEPLOY_MINUTE_SECONDS", "2")

    assert list(steps(f"CodeDeployDefault.Lambda{config}")) == shares
