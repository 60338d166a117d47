"""What Terraform has asked of AWS, by its own log, in the words of IAM.

With TF_LOG=DEBUG the provider and the state's backend write a line for each request, with service and operation.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.hearing.heard import FREE

FIELDS = ("rpc.service", "rpc.method", "http.method")
_ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\dT\S+ \[)", re.MULTILINE)  # a body may have lines of its own
# As text, or as JSON where it is long.
_VALUES = {name: re.compile(rf'{re.escape(name)}"?[=:](?:"([^"]*)"|(\S+))') for name in FIELDS}
PREFIXES = {
    "API Gateway": "apigateway",
    "CloudWatch Logs": "logs",
    "EventBridge": "events",
    "SESv2": "ses",
    "Secrets Manager": "secretsmanager",
}
RENAMED = {
    "s3:DeleteBucketCors": "s3:PutBucketCORS",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:DeleteBucketOwnershipControls": "s3:PutBucketOwnershipControls",
    "s3:DeleteObjects": "s3:DeleteObjectVersion",
    "s3:DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketAccelerateConfiguration": "s3:GetAccelerateConfiguration",
    "s3:GetBucketCors": "s3:GetBucketCORS",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketCors": "s3:PutBucketCORS",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "cloudfront:CreateDistributionWithTags": "cloudfront:CreateDistribution",
}
# What AWS asks IAM about besides, by its documents: what is made with tags is tagged, and roles are handed over.
BESIDES = {
    "cloudfront:CreateDistribution": {"cloudfront:TagResource"},
    "cloudwatch:PutMetricAlarm": {"cloudwatch:TagResource"},
    "codedeploy:CreateApplication": {"codedeploy:TagResource"},
    "codedeploy:CreateDeploymentGroup": {"iam:PassRole"},
    "codedeploy:UpdateDeploymentGroup": {"iam:PassRole"},
    "dynamodb:CreateTable": {"dynamodb:TagResource"},
    "events:CreateEventBus": {"events:TagResource"},
    "events:PutRule": {"events:TagResource"},
    "iam:CreateRole": {"iam:TagRole"},
    "kms:CreateKey": {"kms:TagResource"},
    "lambda:CreateFunction": {"iam:PassRole", "lambda:TagResource", "s3:GetObject"},
    "lambda:UpdateFunctionCode": {"s3:GetObject"},
    "logs:CreateLogGroup": {"logs:TagResource"},
    "secretsmanager:CreateSecret": {"secretsmanager:TagResource"},
    "secretsmanager:RotateSecret": {"lambda:InvokeFunction"},
    "ses:CreateConfigurationSet": {"ses:TagResource"},
    "ses:CreateEmailIdentity": {"ses:TagResource"},
    "sns:CreateTopic": {"sns:TagResource"},
    "sqs:CreateQueue": {"sqs:TagQueue"},
}


# What Terraform asks for that the stage of the tests has not: an address for alarms, reserved concurrency, objects in a
# bucket that is destroyed, and of a private network its address, and the prefixes of its gateways. What else options
# need is what CloudFormation needs for them, too.
UNHEARD = {
    "ec2:DescribeAddressesAttribute",
    "ec2:DescribePrefixLists",
    "lambda:DeleteFunctionConcurrency",
    "lambda:PutFunctionConcurrency",
    "s3:DeleteObjectVersion",
    "s3:ListBucketVersions",
    "sns:GetSubscriptionAttributes",
    "sns:Subscribe",
    "sns:Unsubscribe",
}
# Of those, what is heard where the bucket that is taken away holds a report by then.
SOMETIMES = {"s3:DeleteObjectVersion", "s3:ListBucketVersions"}


def actions(log: Path) -> set[str]:
    """All that it needs to be allowed."""
    entries = _ENTRY.split(log.read_text(encoding="utf-8"))
    requests = [_fields(each) for each in entries if FIELDS[0] in each]
    found = {action(each) for each in requests if len(each) == len(FIELDS)} - FREE
    return found.union(*(BESIDES.get(each, ()) for each in found))


def action(fields: dict[str, str]) -> str:
    """The action of a request."""
    service = fields["rpc.service"]
    prefix = PREFIXES.get(service, service.lower())
    said = f"{prefix}:{fields['http.method'] if prefix == 'apigateway' else fields['rpc.method']}"
    return RENAMED.get(said, said)


def _fields(entry: str) -> dict[str, str]:
    """What an entry says of a request. An answer's has no method of HTTP, and a body of megabytes cuts off the rest."""
    found = {name: value.search(entry) for name, value in _VALUES.items()}
    return {name: match[1] or match[2] for name, match in found.items() if match}
