"""What has to be in an account before a stage is released to it: one function a subject, each of which only looks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tools.package import artifacts, runtime
from tools.stages import changes, generated, parameters, resources
from tools.stages.findings import Finding, note
from tools.stages.settings import Stage

NEEDED = ("BucketName", "ImageBaseUrl", "AlertTopicArn", "DeadLetterQueueUrl", "DeadLetterQueueArn", "JwtSecretArn")
EXPIRY_ATTRIBUTE = "expiresAt"
UNRESERVED = 100  # of the concurrency, what Lambda keeps for functions without a reserve
NOT_FOUND = 404
SIGNING_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{24,}")
USUAL_CONCURRENCY = 100  # new accounts have 10, which a single busy minute uses up


def files(_stage: Stage) -> Iterator[Finding]:
    """Does what Chalice reads say what the settings say?"""
    for file in generated.stale():
        yield Finding(f"{file.relative_to(generated.PROJECT)} does not say what stages/ says", "run `make stages`")


def python(stage: Stage) -> Iterator[Finding]:
    """Is there the Python that the functions run on?"""
    if runtime.interpreter(stage.python) is None:
        yield note(
            f"there is no python{stage.python} here", "without it a package has no bytecode; install it, or go on"
        )


def stack(stage: Stage) -> Iterator[Finding]:
    """Are the resources there, and as the settings and the template say?"""
    found, remedy = changes.describe(stage.resources_stack), f"run `make resources STAGE={stage.name}`"
    if found is None or found["StackStatus"] in changes.ABSENT:
        yield Finding(f"there is no stack {stage.resources_stack}", remedy)
        return
    if not found["StackStatus"].endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE", "ROLLBACK_COMPLETE")):
        yield Finding(f"the stack {stage.resources_stack} is {found['StackStatus']}", "wait, or read its events")
    outputs = changes.outputs_of(found)
    for name in NEEDED:
        if name not in outputs:
            yield Finding(f"the stack {stage.resources_stack} exports no {name}", remedy)
    if differs(stage, found):
        yield note(f"the stack {stage.resources_stack} is not as stages/ and infra/template.yaml say", remedy)


def differs(stage: Stage, found: Mapping[str, Any]) -> bool:
    """Would `make resources` change something?"""
    has = {each["ParameterKey"]: each.get("ParameterValue", "") for each in found.get("Parameters", [])}
    wanted = parameters.of_resources(stage, changes.outputs_of(found).get("TableName"))
    body = boto3.client("cloudformation").get_template(StackName=stage.resources_stack)["TemplateBody"]
    return bool(has != wanted or str(body).strip() != resources.TEMPLATE.read_text(encoding="utf-8").strip())


def app(stage: Stage) -> Iterator[Finding]:
    """Can the stack of the functions be changed now?"""
    status = changes.status(stage.stack)
    if status and (status.endswith(("_IN_PROGRESS", "_FAILED")) or status == "ROLLBACK_COMPLETE"):
        remedy = "wait" if status.endswith("_IN_PROGRESS") else "read its events, and mend or delete it"
        yield Finding(f"the stack {stage.stack} is {status}", remedy)


def table(stage: Stage) -> Iterator[Finding]:
    """Is the table that the stage uses there, with a stream, expiry, recovery, and protection if it is to have it?"""
    dynamodb, name = boto3.client("dynamodb"), stage.table_name
    try:
        found = dynamodb.describe_table(TableName=name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        yield Finding(f"there is no table {name}", f"run `make resources STAGE={stage.name}`, or mend table_name")
        return
    if found["TableStatus"] != "ACTIVE":
        yield Finding(f"the table {name} is {found['TableStatus']}", "wait until it is ACTIVE")
    if found.get("StreamSpecification", {}).get("StreamViewType") != "NEW_AND_OLD_IMAGES":
        yield Finding(f"the table {name} has no stream of new and old images", "switch it on, or no mail is sent")
    if stage.is_protected and not found.get("DeletionProtectionEnabled"):
        yield Finding(f"the table {name} can be deleted", "switch its deletion protection on")
    expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if expiry.get("AttributeName") != EXPIRY_ATTRIBUTE or expiry["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
        yield Finding(f"the table {name} keeps what has expired", f"switch expiry on, by {EXPIRY_ATTRIBUTE}")
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        yield Finding(f"the table {name} cannot be restored", "switch point-in-time recovery on")


def identity(stage: Stage) -> Iterator[Finding]:
    """Does SES know who sends the mail, by this stage or another but not by both, and is it confirmed?"""
    name, ses = stage.mail_identity, boto3.client("sesv2")
    try:
        found = ses.get_email_identity(EmailIdentity=name)
    except ses.exceptions.NotFoundException:
        here = "run `make resources`" if stage.owns_mail_identity else "say owns_mail_identity = true in one stage"
        yield Finding(f"SES does not know {name}", here)
        return
    if not found["VerifiedForSendingStatus"]:
        yield Finding(f"{name} is not confirmed", _to_confirm(stage, found))
    if stage.owns_mail_identity and not _has_identity(stage):
        yield Finding(
            f"SES knows {name} from another stage, or by hand",
            f"say owns_mail_identity = false in stages/{stage.name}.toml",
        )


def _to_confirm(stage: Stage, found: Mapping[str, Any]) -> str:
    """What is left to do for an identity; a domain's records are those by which its mail is signed."""
    if not stage.signs_mail:
        return "follow the link in SES' mail"
    tokens, domain = found.get("DkimAttributes", {}).get("Tokens", []), stage.mail_identity
    zone = found.get("DkimAttributes", {}).get("SigningHostedZone") or "dkim.amazonses.com"  # another in some regions
    records = (f"{token}._domainkey.{domain} CNAME {token}.{zone}" for token in tokens)
    return f"put into its DNS: {', '.join(records)}" if tokens else "wait until SES has made its DKIM keys"


def _has_identity(stage: Stage) -> bool:
    try:
        boto3.client("cloudformation").describe_stack_resource(
            StackName=stage.resources_stack, LogicalResourceId="MailIdentity"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return False
    return True


def sandbox(_stage: Stage) -> Iterator[Finding]:
    """May the account write to anybody?"""
    if not boto3.client("sesv2").get_account().get("ProductionAccessEnabled"):
        yield note("SES sends to confirmed addresses only", "ask AWS to let the account out of the sandbox")


def payment(stage: Stage) -> Iterator[Finding]:
    """Is the key of the payment provider there, and one that moves real money in prod alone?"""
    if stage.payment_provider != "stripe":
        return
    secrets, name = boto3.client("secretsmanager"), stage.payment_secret_name
    try:
        text = secrets.get_secret_value(SecretId=name)["SecretString"]
    except secrets.exceptions.ResourceNotFoundException:
        yield Finding(f"there is no secret {name}", f"run `make resources STAGE={stage.name}`")
        return
    yield from judge_credentials(stage, text)


def judge_credentials(stage: Stage, text: str) -> Iterator[Finding]:
    """Is that what the payment secret has to hold?"""
    name, given = stage.payment_secret_name, fields(text)
    key = str(given.get("apiKey", ""))
    if not key.startswith(("sk_", "rk_")):
        yield Finding(f"the secret {name} holds no key of Stripe's", 'put {"apiKey": "…", "webhookSecret": "…"} in')
    elif stage.name == "prod" and "_test_" in key:
        yield Finding(f"the secret {name} holds a key of Stripe's test mode", "put the live one in")
    elif "_live_" in key and not stage.is_protected:
        yield Finding(f"the secret {name} holds a live key, and {stage.name} is not protected", "put a test key in")
    if not are_signing_secrets(given.get("webhookSecret")):
        yield Finding(f"the secret {name} holds no signing secret of Stripe's webhook", "put it in as webhookSecret")


def are_signing_secrets(given: Any) -> bool:
    """Is that one signing secret of Stripe's, or several, and none that somebody could guess?"""
    listed = given if isinstance(given, list) else [given]
    return bool(listed) and all(isinstance(each, str) and SIGNING_SECRET.fullmatch(each) for each in listed)


def fields(text: str) -> dict[str, Any]:
    """What a secret holds, nothing if it is no object of JSON."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def alerts(stage: Stage) -> Iterator[Finding]:
    """Does somebody hear the alarms?"""
    if not stage.alert_email:
        yield note("nobody is told of alarms", f"put an alert_email into stages/{stage.name}.toml")
        return
    found = changes.describe(stage.resources_stack)
    topic = changes.outputs_of(found).get("AlertTopicArn") if found else None
    if topic is None:
        return  # said of the stack already
    pages = boto3.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    arns = [each["SubscriptionArn"] for page in pages for each in page["Subscriptions"] if _is_of(each, stage)]
    if not arns:
        yield Finding(f"{stage.alert_email} is not subscribed to alarms", f"run `make resources STAGE={stage.name}`")
    elif not any(_is_confirmed(arn) for arn in arns):
        yield Finding(f"{stage.alert_email} has not confirmed to be told of alarms", "follow the link in SNS' mail")


def _is_of(subscription: Mapping[str, str], stage: Stage) -> bool:
    return subscription["Protocol"] == "email" and subscription["Endpoint"] == stage.alert_email


def _is_confirmed(arn: str) -> bool:
    if not arn.startswith("arn:"):
        return False  # SNS says "PendingConfirmation" in its place
    attributes = boto3.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return bool(attributes.get("PendingConfirmation") != "true")


def concurrency(stage: Stage) -> Iterator[Finding]:
    """Does the account let as many functions run at once as the stage sets aside, and more?"""
    limit = boto3.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    reserve = sum(stage.reserved_concurrency.values())
    if reserve and reserve + UNRESERVED > limit:
        yield Finding(
            f"{reserve} of {limit} functions at once are to be set aside, and {UNRESERVED} have to stay free",
            "ask AWS for a higher quota, or set less aside",
        )
    elif limit < USUAL_CONCURRENCY:
        yield note(f"the account lets only {limit} functions run at once", "ask AWS for a higher quota")


def gateway(_stage: Stage) -> Iterator[Finding]:
    """May API Gateway write access logs? It is one role an account and region."""
    if not boto3.client("apigateway").get_account().get("cloudwatchRoleArn"):
        yield Finding(
            "API Gateway has no role to write logs with",
            "run `make account`",
        )


def bucket(_stage: Stage) -> Iterator[Finding]:
    """Is the bucket of packages ours, and does it keep what was there?"""
    sts, store = boto3.client("sts"), boto3.client("s3")
    owner = sts.get_caller_identity()["Account"]
    name = f"{artifacts.STACK}-{owner}-{sts.meta.region_name}"
    try:
        store.head_bucket(Bucket=name, ExpectedBucketOwner=owner)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != NOT_FOUND:
            yield Finding(f"the bucket {name} is not this account's", "find out who took its name")
        else:
            yield note(f"there is no bucket {name} yet", "the first release makes it")
        return
    if store.get_bucket_versioning(Bucket=name).get("Status") != "Enabled":
        yield Finding(f"the bucket {name} keeps no versions", "switch versioning on")
