"""Creates the shop's resources in the local AWS from the template that production uses."""

import json
from urllib.parse import urlsplit, urlunsplit

import boto3
from botocore.exceptions import ClientError

from tools.local import stacks
from tools.local.settings import ACCOUNT, EVENT_QUEUE, PROJECT, REGION, STAGE, LocalSettings
from tools.refusal import Refusal

TEMPLATE = PROJECT / "infra" / "template.yaml"
STACK = f"ecommerce-{STAGE}-data"
PARAMETERS = {
    "Stage": STAGE,
    "TableName": "ecommerce-local",
    "IsProtected": "false",
    "JwtSecretName": "ecommerce/local/jwt/secret",
    "PaymentSecretName": "ecommerce/local/payment/api-key",
    "MailFrom": "shop@example.com",
    "SesIdentity": "shop@example.com",
    "OwnsMailIdentity": "true",
}
EXPIRY_ATTRIBUTE = "expiresAt"


def deploy(settings: LocalSettings) -> dict[str, str]:
    """Bring the resources up to the template, keeping their data; the app's environment for them."""
    try:
        outputs = _deploy_stack()
        apply_what_the_emulator_leaves_out(outputs)
        listen_to_the_bus(outputs, EVENT_QUEUE)
    except ClientError as error:
        raise Refusal(
            f"The local AWS did not take infra/template.yaml: {error} (`make clean` forgets its state)."
        ) from error
    return environment(outputs, settings)


def _deploy_stack() -> dict[str, str]:
    return stacks.deploy(STACK, TEMPLATE.read_text(), PARAMETERS)


def apply_what_the_emulator_leaves_out(outputs: dict[str, str]) -> None:
    """Confirm the sender, who on AWS clicks a link."""
    boto3.client("ses").verify_email_identity(EmailAddress=outputs["MailIdentityName"])


def listen_to_the_bus(outputs: dict[str, str], queue: str) -> None:
    """Keep the shop's events in a queue, to be looked at; on AWS everybody makes rules of their own."""
    attributes = {"MessageRetentionPeriod": "86400"}
    boto3.client("sqs").create_queue(QueueName=queue, Attributes=attributes)
    events, bus = boto3.client("events"), outputs["EventBusName"]
    events.put_rule(Name=queue, EventBusName=bus, EventPattern=json.dumps({"source": ["ecommerce"]}))
    target = {"Id": queue, "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"}
    events.put_targets(Rule=queue, EventBusName=bus, Targets=[target])


def environment(outputs: dict[str, str], settings: LocalSettings) -> dict[str, str]:
    """The variables by which the app finds its resources."""
    queue = urlsplit(outputs["DeadLetterQueueUrl"])
    return {
        "STAGE": STAGE,
        "TABLE_NAME": outputs["TableName"],
        "TABLE_STREAM_ARN": outputs["TableStreamArn"],
        "BUCKET_NAME": outputs["BucketName"],
        "IMAGE_BASE_URL": f"{settings.cloud_url}/{outputs['BucketName']}",
        "JWT_SECRET_NAME": outputs["JwtSecretName"],
        "PAYMENT_SECRET_NAME": outputs["PaymentSecretName"],
        "EVENT_BUS_NAME": outputs["EventBusName"],
        "ALERT_TOPIC_ARN": outputs["AlertTopicArn"],
        "DEAD_LETTER_QUEUE_URL": urlunsplit(queue._replace(netloc=urlsplit(settings.cloud_url).netloc)),
        "MAIL_FROM": outputs["MailFrom"],
    }
