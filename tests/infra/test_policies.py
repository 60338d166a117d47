"""Least privilege, proven both ways: every call that a function makes is allowed, every allowance is used.

The calls are those of the real code against the emulated AWS, recorded where botocore has made up its mind about
operation and parameters. A transaction counts as the single writes that IAM sees in it.
"""

from __future__ import annotations

import functools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from chalice import Response
from chalice.app import Request

from chalicelib import authorizer
from chalicelib.api import health, http, permissions
from chalicelib.aws import clients, keyring, keys
from chalicelib.aws.keys import webhook_count
from chalicelib.core import log
from chalicelib.payments import credentials
from tests.infra import emitted, privileges
from tests.infra.day import live
from tests.infra.privileges import AwsCall, Statement
from tools import stages
from tools.testing.shop import Shop

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

CHALICE = Path(__file__).parents[2] / ".chalice"
CONFIG = json.loads((CHALICE / "config.json").read_text())
WITH_THE_PROVIDER = ("run_scheduled_work", "check_store")
SCHEDULED = (*WITH_THE_PROVIDER, "remind_of_carts", "summarise_sales", "deliver_webhooks")
WITHOUT_WAITING = (*SCHEDULED, "handle_mail_events")  # called by rules, which forget what they have called for
FUNCTIONS = ("api_handler", "authorize", "handle_table_stream", *WITHOUT_WAITING, "rotate_jwt_secret")
STAGES = ("dev", "prod")
EVERY_ROLE = [(stage, function) for stage in STAGES for function in FUNCTIONS]
_SERVED = http._serve
Poorer = Callable[[list[Statement]], Iterator[tuple[str, list[Statement]]]]
ONE_PARTITION_KEY = {"GetItem", "PutItem", "UpdateItem", "DeleteItem"}
# What a statement may leave open of a resource that it names.
PARTS = ("/products/*", "/reports/sales/*", "/stream/*", ":*")
# Partitions without an id of their own.
SINGLE = {
    each.pk
    for each in (
        keys.admins(), keys.category_count(), keys.store_report(""), keys.sales_report(""), keys.job("carts"),
        webhook_count(),
    )
}  # fmt: skip
WITHOUT_RESOURCES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


@dataclass
class Recorder:
    """Which function makes which calls."""

    calls: dict[str, set[AwsCall]] = field(default_factory=lambda: {function: set() for function in FUNCTIONS})
    running: list[str] = field(default_factory=lambda: ["api_handler"])
    routes: set[tuple[str, str]] = field(default_factory=set)
    written: str = ""

    @contextmanager
    def inside(self, function: str) -> Iterator[None]:
        """Count calls for that function, which like its own process knows no secrets yet."""
        forget_secrets()
        self.running.append(function)
        yield
        self.running.pop()
        forget_secrets()

    def around(self, function: str, code: Callable[..., Any]) -> Callable[..., Any]:
        """The code, whose calls count for that function."""

        @functools.wraps(code)
        def counted(*arguments: Any) -> Any:
            with self.inside(function):
                return code(*arguments)

        return counted

    def served(self, request: Request, *rest: Any) -> Response:
        """Take down which route is asked for, and serve it."""
        self.routes.add((str(request.method), request.context["resourcePath"]))
        return _SERVED(request, *rest)

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Take down one call; what a service is asked for and this does not know is a failure."""
        asked = {"dynamodb": dynamodb, "secretsmanager": secret, "sesv2": mail, "s3": bucket, "sns": alert,
                 "events": bus, "sqs": queue}  # fmt: skip
        self.calls[self.running[-1]].update(asked[model.service_model.service_name](model.name, params))

    def note_signature(self, request: Any, **_: Any) -> None:
        """Take down an upload that was signed: no call is made, but S3 judges it by the rights of who signed."""
        fields = request.context.get("s3-presign-post-fields")
        if fields is None:
            return  # a call, of which `note` has heard
        self.calls[self.running[-1]].update(bucket("PutObject", {"Key": fields["key"]}))


DAY = pytest.StashKey[Recorder]()


def forget_secrets() -> None:
    keyring.forget()
    credentials.forget()


def dynamodb(operation: str, params: dict[str, Any]) -> Iterator[AwsCall]:
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE_NAME}"
    if operation == "TransactWriteItems":
        for write in params["TransactItems"]:
            ((kind, request),) = write.items()
            action = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            yield AwsCall(f"dynamodb:{action}", table, (partition(request),))
    elif operation == "BatchGetItem":
        (request,) = params["RequestItems"].values()
        yield AwsCall(f"dynamodb:{operation}", table, tuple(key["PK"]["S"] for key in request["Keys"]))
    elif operation == "BatchWriteItem":
        (writes,) = params["RequestItems"].values()
        yield AwsCall(f"dynamodb:{operation}", table, tuple(partition(write["PutRequest"]) for write in writes))
    elif operation == "Query":
        index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
        yield AwsCall(f"dynamodb:{operation}", table + index, (params["ExpressionAttributeValues"][":pk"]["S"],))
    elif operation in ONE_PARTITION_KEY:
        yield AwsCall(f"dynamodb:{operation}", table, (partition(params),))
    else:
        yield AwsCall(f"dynamodb:{operation}", table)


def partition(request: dict[str, Any]) -> str:
    return str((request.get("Key") or request["Item"])["PK"]["S"])


def secret(operation: str, params: dict[str, Any]) -> Iterator[AwsCall]:
    variables = ("JWT_SECRET_NAME", "PAYMENT_SECRET_NAME")
    variable = next(name for name in variables if os.environ[name] in params["SecretId"])
    secrets = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
    yield AwsCall(f"secretsmanager:{operation}", f"{secrets}{{{variable}}}-a1B2c3")


def mail(operation: str, params: dict[str, Any]) -> Iterator[AwsCall]:
    assert params["FromEmailAddress"] == os.environ["MAIL_FROM"]
    yield AwsCall(f"ses:{operation}", "arn:aws:ses:us-east-1:123456789012:identity/{MAIL_IDENTITY}")
    assert params["ConfigurationSetName"] == "ecommerce-test"
    yield AwsCall(f"ses:{operation}", "arn:aws:ses:us-east-1:123456789012:configuration-set/ecommerce-{STAGE}")


def alert(operation: str, params: dict[str, Any]) -> Iterator[AwsCall]:
    assert params["TopicArn"] == os.environ["ALERT_TOPIC_ARN"]
    yield AwsCall(f"sns:{operation}", "arn:aws:sns:us-east-1:123456789012:{ALERT_TOPIC}")


def bus(operation: str, params: dict[str, Any]) -> Iterator[AwsCall]:
    assert {entry["EventBusName"] for entry in params["Entries"]} == {os.environ["EVENT_BUS_NAME"]}
    yield AwsCall(f"events:{operation}", "arn:aws:events:us-east-1:123456789012:event-bus/{EVENT_BUS_NAME}")


def queue(operation: str, params: dict[str, Any]) -> Iterator[AwsCall]:
    assert params["QueueUrl"] == os.environ["DEAD_LETTER_QUEUE_URL"]
    yield AwsCall(f"sqs:{operation}", "arn:aws:sqs:us-east-1:123456789012:{DEAD_LETTERS}")


def bucket(operation: str, params: dict[str, Any]) -> Iterator[AwsCall]:
    arn = "arn:aws:s3:::{BUCKET_NAME}"
    if operation == "ListObjectsV2":
        yield AwsCall("s3:ListBucket", arn, (params["Prefix"],))
    elif "Key" in params:  # what is only signed says its key to `note_signature`
        yield AwsCall(f"s3:{operation}", f"{arn}/{params['Key']}")


@pytest.fixture
def recorder(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    made = Recorder()
    session = boto3.session.Session()
    session.events.register("provide-client-params", made.note)
    session.events.register("before-sign.s3.PutObject", made.note_signature)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    monkeypatch.setattr(authorizer.authorize, "func", made.around("authorize", authorizer.authorize.func))
    monkeypatch.setattr(http, "_serve", made.served)
    log._count_start.cache_clear()
    health.forget()
    clients.forget()
    yield made
    clients.forget()


@pytest.fixture
def new_day(
    recorder: Recorder, shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Recorder:
    """What the functions call, and write into the log, in a day that leaves out nothing they can do."""
    live(shop, recorder.inside, monkeypatch)
    recorder.written = capsys.readouterr().out
    return recorder


@pytest.fixture
def day(request: pytest.FixtureRequest) -> Recorder:
    """The same day for all who look at what came of it."""
    module = request.node.getparent(pytest.Module)
    if DAY not in module.stash:
        module.stash[DAY] = request.getfixturevalue("new_day")
    lived: Recorder = module.stash[DAY]
    return lived


def policy_file(stage: str, function: str) -> str:
    return str(CONFIG["stages"][stage]["lambda_functions"][function]["iam_policy_file"])


def statements(stage: str, function: str) -> list[dict[str, Any]]:
    document = json.loads((CHALICE / policy_file(stage, function)).read_text())
    assert document["Version"] == "2012-10-17"
    return list(document["Statement"])


def made_by(function: str, stage: str, calls: dict[str, set[AwsCall]]) -> set[AwsCall]:
    """The function's calls in that stage, those in its name among them.

    The simulator's ledger is none of prod's, which refuses the simulator.
    """
    made = {call.on(stage) for call in calls[function]}
    heard = {call for call in made if stage != "prod" or not any(k.startswith("SIMULATOR#") for k in call.leading_keys)}
    return heard | set(privileges.by_the_service(function, stage, heard))


def test_every_call_is_allowed_and_every_allowance_is_used(day: Recorder) -> None:
    judged = {role: (statements(*role), made_by(role[1], role[0], day.calls)) for role in EVERY_ROLE}

    assert {role: found for role, each in judged.items() if (found := privileges.refused(*each))} == {}
    assert {role: found for role, each in judged.items() if (found := privileges.unused(*each))} == {}
    assert all(day.calls.values())
    assert day.routes == set(permissions.ROUTES)


@pytest.mark.parametrize("poorer_by_one", [privileges.without_one_action, privileges.without_one_key])
def test_without_any_one_of_what_it_may_a_function_is_refused(day: Recorder, poorer_by_one: Poorer) -> None:
    """Each action of each policy in turn, and each kind of key: nothing is allowed twice, or by chance."""
    missed, tried = [], Counter[str]()

    for stage, function in EVERY_ROLE:
        made = made_by(function, stage, day.calls)
        for taken, rest in poorer_by_one(statements(stage, function)):
            tried[function] += 1
            missed += [] if privileges.refused(rest, made) else [(stage, function, taken)]

    assert missed == []
    assert set(FUNCTIONS) - set(tried) <= {"rotate_jwt_secret"}  # which reaches no items


def test_with_any_one_action_more_a_function_has_what_it_does_not_use(day: Recorder) -> None:
    """Each action that another function has, added in turn to each statement about the same service."""
    granted = {role: statements(*role) for role in EVERY_ROLE}
    known = {action for each in granted.values() for statement in each for action in statement["Action"]}
    missed, tried = [], Counter[str]()

    for (stage, function), mine in granted.items():
        made = made_by(function, stage, day.calls)
        for added, more in privileges.with_one_more(mine, known):
            tried[function] += 1
            missed += [] if privileges.unused(more, made) else [(stage, function, added)]

    assert missed == []
    assert len(tried) > 1


@pytest.mark.parametrize("stage", STAGES)
def test_what_gives_up_into_the_dead_letter_queue_may_and_nothing_else(stage: str) -> None:
    """The Lambda service puts a failed run there in the name of its function."""
    may = {
        function
        for function in FUNCTIONS
        if any("sqs:SendMessage" in statement["Action"] for statement in statements(stage, function))
    }

    assert may == {"handle_table_stream", *WITHOUT_WAITING}


def test_every_metric_that_is_watched_is_written_under_these_dimensions(day: Recorder) -> None:
    assert "\n".join(emitted.missing(day.written)) == ""


def test_a_metric_under_other_dimensions_does_not_count() -> None:
    told = "Ecommerce StoreDrift by Stage"

    assert told in emitted.missing("")
    assert told in emitted.missing(emitted.line_of("StoreDrift", "Stage", "Kind"))
    assert told not in emitted.missing(emitted.line_of("StoreDrift", "Stage"))


def test_the_simulator_is_refused_in_prod() -> None:
    assert CONFIG["stages"]["prod"]["environment_variables"]["PAYMENT_PROVIDER"] != "simulator"


def test_every_function_of_every_stage_has_a_policy_of_its_own() -> None:
    files = [policy_file(stage, function) for stage, function in EVERY_ROLE]

    assert len(set(files)) == len(EVERY_ROLE)
    assert {f"policy-{stage}.json" for stage in STAGES} <= set(files)
    assert set(files) == {path.name for path in CHALICE.glob("policy-*.json")}


@pytest.mark.parametrize(("stage", "function"), EVERY_ROLE)
def test_actions_and_resources_are_named(stage: str, function: str) -> None:
    for statement in statements(stage, function):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action or "?" in action for action in statement["Action"])
        if not WITHOUT_RESOURCES.issuperset(statement["Action"]):
            named = name_of(statement)
            for part in PARTS:
                named = named.removesuffix(part)
            assert "*" not in named
            assert f"-{stage}" in named or named.endswith(names_of(stage))


def name_of(statement: dict[str, Any]) -> str:
    """The resource's own name; a key, whose id nobody can choose, is named by its alias."""
    aliases = statement.get("Condition", {}).get("ForAnyValue:StringEquals", {}).get("kms:ResourceAliases")
    return str(aliases or statement["Resource"].split(":", 5)[5])


def names_of(stage: str) -> tuple[str, ...]:
    """What does not carry the stage in its name: the sender, and prod's secrets."""
    found = stages.read(stage)
    return found.mail_identity, f"{found.jwt_secret_name}-??????", f"{found.payment_secret_name}-??????"


@pytest.mark.parametrize(("stage", "function"), EVERY_ROLE)
def test_items_are_reached_by_their_kind_of_key_and_a_call_without_keys_is_refused(stage: str, function: str) -> None:
    of_items = [each for each in statements(stage, function) if is_about_items(each)]

    for statement in of_items:
        condition = statement["Condition"]
        assert set(condition) == {"ForAllValues:StringLike", "Null"}
        assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}
        for key in condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]:
            assert key.endswith("#*") or key in SINGLE


def is_about_items(statement: dict[str, Any]) -> bool:
    about_streams = {f"dynamodb:{action}" for action in privileges.OF_THE_STREAM}
    actions = {action for action in statement["Action"] if action.startswith("dynamodb:")} - about_streams
    return bool(actions - {"dynamodb:DescribeTable"})


def test_the_authorizer_reads_sessions_and_nothing_else_of_the_table() -> None:
    (statement,) = [each for each in statements("prod", "authorize") if is_about_items(each)]

    assert statement["Action"] == ["dynamodb:GetItem"]
    assert statement["Condition"]["ForAllValues:StringLike"] == {"dynamodb:LeadingKeys": ["USER#*"]}


def test_the_payment_secret_is_read_by_those_who_talk_to_the_provider() -> None:
    readers = {
        (stage, function)
        for stage, function in EVERY_ROLE
        for each in statements(stage, function)
        if "secretsmanager:GetSecretValue" in each["Action"] and "/payment/" in each["Resource"]
    }

    assert readers == {(stage, function) for stage in STAGES for function in ("api_handler", *WITH_THE_PROVIDER)}


def test_only_the_rotation_may_change_a_secret() -> None:
    for stage, function in EVERY_ROLE:
        actions = {action for each in statements(stage, function) for action in each["Action"]}
        secrets = {action for action in actions if action.startswith("secretsmanager:")}
        assert function == "rotate_jwt_secret" or secrets <= {"secretsmanager:GetSecretValue"}
