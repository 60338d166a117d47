"""What `make preflight` says: nothing of a stage that is ready, and one line for each single thing that is not.

The stage stands on the local AWS. Each thing is broken in the answer that AWS gives about it, or in the settings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from msgspec.structs import replace

from tools import stages
from tools.local import settings as local
from tools.refusal import Refusal
from tools.stages import Stage, checks, place, preflight, resources

MAIL = "preflight@example.com"
SIGNING = "whsec_0123456789abcdefghijklmnopqrstuv"
CREDENTIALS = json.dumps(
    {
        "apiKey": "rk_live_1",
        "webhookSecret": [SIGNING, f"{SIGNING}wxyz"],
    }
)


@pytest.fixture(scope="module")
def ready(cloud: local.LocalSettings) -> Iterator[Stage]:
    """A stage that is made as the documents say, and everything that an account needs beside it."""
    stage = replace(
        stages.read("prod"),
        name="ready",
        table_name="ecommerce-ready",
        jwt_secret_name="ecommerce/ready/jwt/secret",
        payment_secret_name="ecommerce/ready/payment/api-key",
        mail_from=MAIL,
        mail_identity=MAIL,
        alert_email=MAIL,
        python="{}.{}".format(*sys.version_info),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YES", "1")
        resources.bring_up(stage)
    prepare(stage)
    yield stage
    boto3.client("cloudformation").update_termination_protection(
        StackName=stage.resources_stack, EnableTerminationProtection=False
    )


def prepare(stage: Stage) -> None:
    """What people do by hand, and what the local AWS' CloudFormation leaves out."""
    dynamodb, gateway = boto3.client("dynamodb"), boto3.client("apigateway")
    dynamodb.update_time_to_live(
        TableName=stage.table_name,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": checks.EXPIRY_ATTRIBUTE},
    )
    dynamodb.update_continuous_backups(
        TableName=stage.table_name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    boto3.client("secretsmanager").put_secret_value(SecretId=stage.payment_secret_name, SecretString=CREDENTIALS)
    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": f"arn:aws:iam::{local.ACCOUNT}:role/logs"}
    gateway.update_account(patchOperations=[role])
    bucket = f"ecommerce-artifacts-{local.ACCOUNT}-{local.REGION}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    boto3.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def said(stage: Stage) -> list[str]:
    """What is wrong, and in brackets what is only worth knowing."""
    return [each.what if each.stops else f"({each.what})" for each in preflight.examine(stage)]


def test_of_a_stage_that_is_ready_there_is_nothing_to_say(ready: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    preflight.require(ready)

    assert capsys.readouterr().out == "12 subjects: 0 to mend, 0 worth knowing.\n"


class Aws:
    """What AWS says, changed for the clients that are asked for from now on."""

    def __init__(self) -> None:
        self.make, self.hooks = boto3.client, dict[str, tuple[str, Callable[..., Any]]]()

    def changes(self, operation: str, change: Callable[[Any], object]) -> None:
        """Its answers to the operation are changed so before anybody sees them."""
        self._hook("after-call", operation, lambda parsed, **_: change(parsed))

    def answers(self, operation: str, answer: dict[str, Any], status: int = 200) -> None:
        """Its answer to the operation is this."""
        self._hook("before-call", operation, lambda **_: (SimpleNamespace(status_code=status), answer))

    def refuses(self, operation: str, code: str, status: int = 400) -> None:
        """It refuses the operation."""
        about = {"HTTPStatusCode": status, "HTTPHeaders": {}}
        self.answers(operation, {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": about}, status)

    def client(self, service: str, **options: Any) -> Any:
        """The client, with the changes to what it hears."""
        made = self.make(service, **options)
        if service in self.hooks:
            made.meta.events.register(*self.hooks[service])
        return made

    def _hook(self, point: str, operation: str, handler: Callable[..., Any]) -> None:
        service, _, name = operation.strip().partition(".")
        called = self.make(service).meta.service_model.service_id.hyphenize()
        self.hooks[service] = (f"{point}.{called}.{name}", handler)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    told = Aws()
    monkeypatch.setattr(boto3, "client", told.client)
    return told


def outputs_without(name: str) -> Callable[[Any], object]:
    def change(answer: Any) -> None:
        for stack in answer.get("Stacks", []):
            stack["Outputs"] = [each for each in stack.get("Outputs", []) if each["OutputKey"] != name]

    return change


def secret(text: str) -> Callable[[Any], object]:
    return lambda answer: answer.update(SecretString=text)


def table(**changed: Any) -> Callable[[Any], object]:
    return lambda answer: answer["Table"].update(changed)


KEY = "the secret ecommerce/ready/payment/api-key holds no"
BUCKET = f"the bucket ecommerce-artifacts-{local.ACCOUNT}-{local.REGION}"
CHANGED_ANSWERS: dict[str, tuple[Callable[[Any], object], str]] = {
    "cloudformation.DescribeStacks": (
        outputs_without("ImageBaseUrl"),
        "the stack ecommerce-ready-resources exports no ImageBaseUrl",
    ),
    "cloudformation.GetTemplate": (
        lambda answer: answer.update(TemplateBody="of last year"),
        "(the stack ecommerce-ready-resources is not as stages/ and infra/template.yaml say)",
    ),
    "dynamodb.DescribeTable": (table(TableStatus="CREATING"), "the table ecommerce-ready is CREATING"),
    "dynamodb.DescribeTable ": (
        table(StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}),
        "the table ecommerce-ready has no stream of new and old images",
    ),
    "dynamodb.DescribeTable  ": (table(DeletionProtectionEnabled=False), "the table ecommerce-ready can be deleted"),
    "dynamodb.DescribeTimeToLive": (
        lambda answer: answer.update(TimeToLiveDescription={"TimeToLiveStatus": "DISABLED"}),
        "the table ecommerce-ready keeps what has expired",
    ),
    "dynamodb.DescribeContinuousBackups": (
        lambda answer: answer.update(ContinuousBackupsDescription={"ContinuousBackupsStatus": "ENABLED"}),
        "the table ecommerce-ready cannot be restored",
    ),
    "sesv2.GetEmailIdentity": (
        lambda answer: answer.update(VerifiedForSendingStatus=False),
        f"{MAIL} is not confirmed",
    ),
    "sesv2.GetAccount": (
        lambda answer: answer.update(ProductionAccessEnabled=False),
        "(SES sends to confirmed addresses only)",
    ),
    "secretsmanager.GetSecretValue": (
        secret(json.dumps({"apiKey": "not-set", "webhookSecret": SIGNING})),
        f"{KEY} key of Stripe's",
    ),
    "secretsmanager.GetSecretValue ": (
        secret('{"apiKey": "sk_live_1", "webhookSecret": "made by AWS"}'),
        f"{KEY} signing secret of Stripe's webhook",
    ),
    "sns.ListSubscriptionsByTopic": (
        lambda answer: answer.update(Subscriptions=[]),
        f"{MAIL} is not subscribed to alarms",
    ),
    "sns.ListSubscriptionsByTopic ": (
        lambda answer: answer["Subscriptions"][0].update(SubscriptionArn="PendingConfirmation"),
        f"{MAIL} has not confirmed to be told of alarms",
    ),
    "lambda.GetAccountSettings": (
        lambda answer: answer["AccountLimit"].update(ConcurrentExecutions=10),
        "(the account lets only 10 functions run at once)",
    ),
    "apigateway.GetAccount": (
        lambda answer: answer.pop("cloudwatchRoleArn"),
        "API Gateway has no role to write logs with",
    ),
    "s3.GetBucketVersioning": (lambda answer: answer.pop("Status"), f"{BUCKET} keeps no versions"),
}


@pytest.mark.parametrize("operation", CHANGED_ANSWERS)
def test_one_thing_that_is_wrong_is_one_line(ready: Stage, aws: Aws, operation: str) -> None:
    change, finding = CHANGED_ANSWERS[operation]
    aws.changes(operation, change)

    assert said(ready) == [finding]


REFUSED = {
    "dynamodb.DescribeTable": ("ResourceNotFoundException", 400, "there is no table ecommerce-ready"),
    "sesv2.GetEmailIdentity": ("NotFoundException", 404, f"SES does not know {MAIL}"),
    "cloudformation.DescribeStackResource": (
        "ValidationError",
        400,
        f"SES knows {MAIL} from another stage, or by hand",
    ),
    "secretsmanager.GetSecretValue": (
        "ResourceNotFoundException",
        400,
        "there is no secret ecommerce/ready/payment/api-key",
    ),
    "s3.HeadBucket": ("404", 404, f"({BUCKET.replace('the', 'there is no', 1)} yet)"),
    "s3.HeadBucket ": ("403", 403, f"{BUCKET} is not this account's"),
    "sesv2.GetAccount": ("AccessDeniedException", 403, "SES sandbox could not be looked at"),
}


@pytest.mark.parametrize("operation", REFUSED)
def test_what_is_not_there_is_one_line(ready: Stage, aws: Aws, operation: str) -> None:
    code, status, finding = REFUSED[operation]
    aws.refuses(operation, code, status)

    assert said(ready) == [finding]


CHANGED_STACK = "(the stack ecommerce-ready-resources is not as stages/ and infra/template.yaml say)"
SETTINGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nobody to tell": ({"alert_email": ""}, [CHANGED_STACK, "(nobody is told of alarms)"]),
    "a changed setting": ({"cors_origin": "https://new.example.com"}, [CHANGED_STACK]),
    "too much set aside": (
        {"reserved_concurrency": {"api_handler": 901}},
        ["901 of 1000 functions at once are to be set aside, and 100 have to stay free"],
    ),
    "no such table": ({"table_name": "restored"}, ["there is no table restored"]),
    "another Python": ({"python": "3.99"}, ["(there is no python3.99 here)"]),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_does_not_fit_is_said(ready: Stage, aws: Aws, name: str) -> None:
    changed, findings = SETTINGS[name]
    aws.answers("lambda.GetAccountSettings", {"AccountLimit": {"ConcurrentExecutions": 1000}})

    assert said(replace(ready, **changed)) == findings


def test_of_a_stage_that_is_not_there_yet_everything_is_made_by_one_command(ready: Stage) -> None:
    new = {"name": "new", "table_name": "ecommerce-new", "payment_secret_name": "new", "mail_identity": "example.net"}

    found = preflight.examine(replace(ready, **new))

    assert [each.what for each in found] == [
        "there is no stack ecommerce-new-resources",
        "there is no table ecommerce-new",
        "SES does not know example.net",
        "there is no secret new",
    ]
    assert str(found[0]) == "WRONG there is no stack ecommerce-new-resources: run `make resources STAGE=new`."
    assert all("make resources" in each.remedy for each in found)


def test_a_domain_that_is_not_confirmed_says_what_its_dns_needs(ready: Stage, aws: Aws) -> None:
    tokens = ["one", "two", "three"]
    aws.answers("sesv2.GetEmailIdentity", {"VerifiedForSendingStatus": False, "DkimAttributes": {"Tokens": tokens}})

    found = list(checks.identity(replace(ready, mail_identity="example.com", owns_mail_identity=False)))

    records = ", ".join(f"{each}._domainkey.example.com CNAME {each}.dkim.amazonses.com" for each in tokens)
    assert [each.remedy for each in found] == [f"put into its DNS: {records}"]


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE"])
def test_a_stack_that_cannot_be_changed_is_said(ready: Stage, aws: Aws, status: str) -> None:
    aws.answers("cloudformation.DescribeStacks", {"Stacks": [{"StackStatus": status}]})

    assert [str(each).split(":")[0] for each in checks.app(ready)] == [f"WRONG the stack ecommerce-ready is {status}"]


def test_a_test_key_is_none_for_prod(ready: Stage, aws: Aws) -> None:
    trial = {"apiKey": "sk_test_1", "webhookSecret": SIGNING}
    aws.changes("secretsmanager.GetSecretValue", secret(json.dumps(trial)))

    assert list(checks.payment(ready)) == []
    (found,) = checks.payment(replace(ready, name="prod"))
    assert "holds a key of Stripe's test mode: put the live one in" in str(found)


def test_nothing_is_paid_by_a_simulator(ready: Stage) -> None:
    assert list(checks.payment(replace(ready, app_settings={"PAYMENT_PROVIDER": "simulator"}))) == []


def test_credentials_that_lead_nowhere_end_it_at_once(ready: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise NoCredentialsError

    monkeypatch.setattr(place, "account", none)

    with pytest.raises(Refusal, match="do not lead into an account"):
        preflight.examine(ready)


def test_another_region_or_none_ends_it_at_once(ready: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refusal, match=r"stages/ready.toml says region eu-west-1, and AWS_DEFAULT_REGION us-east-1"):
        preflight.examine(replace(ready, region="eu-west-1"))

    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(Refusal, match="No region is set"):
        preflight.examine(ready)


def test_the_command_lists_and_its_exit_code_says_whether_anything_is_wrong(
    cloud: local.LocalSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    code = preflight.main(["prod"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert "WRONG there is no stack ecommerce-prod-resources: run `make resources STAGE=prod`." in lines
    assert lines[-1].startswith("12 subjects: ")
    assert preflight.main(["staging"]) == 2
    assert preflight.main([]) == 2
