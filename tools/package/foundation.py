"""What a stage's `[foundation]` adds to the app's stack: a key of its own, warm functions, a private network.

The layer is Chalice's, by its setting `automatic_layer`; capacity, budget and the network itself are in
infra/template.yaml. Each is off unless the stage says so, and then the template is as if this module were not there.
"""

from typing import Any

from tools.monitoring.functions import FUNCTIONS
from tools.package import canary
from tools.package.chalice_form.additions import logical_id
from tools.stages import Stage

KEY, ALIAS = "ApplicationKey", "ApplicationKeyAlias"
GROUP = "AWS::Logs::LogGroup"
OF_THE_LOGS = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
               "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]  # fmt: skip
LOGICAL_IDS = {function.name: function.logical_id for function in FUNCTIONS}

Template = dict[str, Any]


def add_to(template: Template, stage: Stage) -> None:
    """Put all that the stage asks for into its template, after all else that has a log."""
    if stage.foundation.own_keys:
        _encrypt(template, stage)
    for function, number in stage.foundation.provisioned_concurrency.items():
        properties = template["Resources"][LOGICAL_IDS[function]]["Properties"]
        properties["ProvisionedConcurrencyConfig"] = {"ProvisionedConcurrentExecutions": number}
    if network := stage.foundation.private_network:
        for function in network.functions:
            template["Resources"][LOGICAL_IDS[function]]["Properties"]["VpcConfig"] = {
                "SubnetIds": {"Fn::Split": [",", _imported("PrivateSubnets")]},
                "SecurityGroupIds": [_imported("FunctionsGroup")],
            }


def _imported(name: str) -> dict[str, Any]:
    return {"Fn::ImportValue": {"Fn::Sub": f"ecommerce-${{Stage}}-{name}"}}


def _encrypt(template: Template, stage: Stage) -> None:
    """Let the environment of every function, and every log group, be encrypted by a key of the stage."""
    groups = [each["Properties"] for each in template["Resources"].values() if each.get("Type") == GROUP]
    key = {"Fn::GetAtt": [KEY, "Arn"]}
    for group in groups:
        group["KmsKeyId"] = key
    template["Globals"]["Function"]["KmsKeyArn"] = key
    template["Resources"] |= {
        KEY: _key(stage, [group["LogGroupName"]["Fn::Sub"] for group in groups]),
        ALIAS: {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": {"Fn::Sub": "alias/ecommerce-${Stage}"}, "TargetKeyId": {"Ref": KEY}},
        },
    }


def _key(stage: Stage, groups: list[str]) -> dict[str, Any]:
    """The key, which outlives its stack: what it encrypted is read by it alone."""
    return {
        "Type": "AWS::KMS::Key",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "Description": {"Fn::Sub": "Encrypts the functions' environment and the logs of ecommerce-${Stage}"},
            "EnableKeyRotation": True,
            "KeyPolicy": {
                "Version": canary.VERSION,
                "Statement": [_governed(), _used_by_logs(groups), *_read_by_functions()],
            },
            "Tags": [{"Key": name, "Value": value} for name, value in stage.tags.items()],
        },
    }


def _governed() -> dict[str, Any]:
    """By IAM: what a deployer's policy says of the key counts."""
    root = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    return {
        "Sid": "TheAccountGoverns",
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": "kms:*",
        "Resource": "*",
    }


def _used_by_logs(groups: list[str]) -> dict[str, Any]:
    """By CloudWatch Logs, for these groups alone."""
    here = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:"
    return {
        "Sid": "LogsOfTheStage",
        "Effect": "Allow",
        "Principal": {"Service": {"Fn::Sub": "logs.${AWS::Region}.amazonaws.com"}},
        "Action": OF_THE_LOGS,
        "Resource": "*",
        "Condition": {
            "ArnEquals": {"kms:EncryptionContext:aws:logs:arn": [{"Fn::Sub": f"{here}{name}"} for name in groups]}
        },
    }


def _read_by_functions() -> list[dict[str, Any]]:
    """By each function for its own environment, as long as the key is there.

    It stands here and not in the roles' policies: a version that still serves, or that a rollback needs, is encrypted
    by the key when the stage says nothing of it any more. Names are as both forms begin them; IAM knows no ids of roles
    that are made anew.
    """
    prefix = "ecommerce-${Stage}-"
    return [
        *(_read_by(each.logical_id, logical_id(each.name), f"{prefix}{each.logical_id}") for each in FUNCTIONS),
        _read_by(canary.SMOKE, canary.SMOKE, f"{canary.PREFIX}{prefix}smoke"),
    ]


def _read_by(name: str, role: str, function: str) -> dict[str, Any]:
    role_arn = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/ecommerce-${{Stage}}-{role}*"
    function_arn = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{function}*"
    return {
        "Sid": f"EnvironmentOf{name}",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {
            "StringEquals": {"kms:CallerAccount": {"Ref": "AWS::AccountId"}},
            "ArnLike": {"aws:PrincipalArn": {"Fn::Sub": role_arn}},
            "StringLike": {"kms:EncryptionContext:aws:lambda:FunctionArn": {"Fn::Sub": function_arn}},
        },
    }
