"""What the tools ask for where no test of the deployed shop can hear it, as calls of clients."""

from __future__ import annotations

from typing import Any

from tests.support.hearing.heard import HERE, Asked, asked

TABLE = f"arn:aws:dynamodb:{HERE}:table/ecommerce-dev"
FUNCTION = f"arn:aws:lambda:{HERE}:function:ecommerce-dev"
STACK = {"StackName": "ecommerce-dev"}
CALLS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    # A table to S3 and back, which the local AWS has not: tests/infra/test_restore.py and tests/infra/test_archive.py.
    ("dynamodb", "ListExports", {"TableArn": TABLE}),
    ("dynamodb", "ExportTableToPointInTime", {"TableArn": TABLE, "S3Bucket": "ecommerce-backups"}),
    ("dynamodb", "DescribeExport", {"ExportArn": f"{TABLE}/export/1"}),
    ("dynamodb", "ImportTable", {"TableCreationParameters": {"TableName": "ecommerce-dev-2"}}),
    ("dynamodb", "ListImports", {"TableArn": TABLE}),
    ("dynamodb", "DescribeImport", {"ImportArn": f"{TABLE}/import/1"}),
    # The cache of products, which the local AWS has not: tests/unit/test_closing.py.
    ("apigateway", "FlushStageCache", {"restApiId": "a1b2c3", "stageName": "dev"}),
    # A release that is stopped by make rollback.
    ("codedeploy", "StopDeployment", {"deploymentId": "d-1"}),
    ("cloudformation", "CancelUpdateStack", STACK),
    # Chalice, for a function whose tags, concurrency or role's trust is another than before.
    ("lambda", "TagResource", {"Resource": FUNCTION}),
    ("lambda", "UntagResource", {"Resource": FUNCTION}),
    ("lambda", "RemovePermission", {"FunctionName": FUNCTION}),
    ("lambda", "PutFunctionConcurrency", {"FunctionName": FUNCTION}),
    ("iam", "UpdateAssumeRolePolicy", {"RoleName": "ecommerce-dev"}),
)
# Of those, what is heard where one of two deployments under way fails before the other does.
SOMETIMES = {("codedeploy", "StopDeployment")}


def by_tools() -> set[Asked]:
    """All of it, and what such calls need besides."""
    return {each for call in CALLS for each in asked(*call)}
