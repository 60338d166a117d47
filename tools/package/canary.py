"""How a release takes over the traffic: what CodeDeploy is told of the API and its authorizer.

A new version is tried by the smoke test (tools/release/smoke) before any customer meets it; then it gets the shares
that the stage's `deployment_preference` says, and goes back if an alarm of the canary rings meanwhile. The functions
behind the stream and the schedule take over at once: what they do twice does no harm, and what fails comes again.
"""

import zipfile
from pathlib import Path
from typing import Any

from tools.stages import Stage

SHIFTED = ("APIHandler", "Authorize")
SMOKE = "SmokeTest"
ARCHIVE = "smoke.zip"
# CodeDeploy's role may call no other functions than those with this beginning.
PREFIX = "CodeDeployHook_"
SMOKE_SECONDS = 300
VERSION = "2012-10-17"  # of the language of policies
FOLDER = Path(__file__).parents[1]
PACKED = ("__init__.py", "release/__init__.py", "release/smoke")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first instant that an archive can say

Template = dict[str, Any]


def add_to(merge: Template, stage: Stage) -> None:
    """Put all of it into what is merged into Chalice's template."""
    resources = merge["Resources"]
    for name in SHIFTED:
        preference = {"Type": stage.deployment_preference, "Hooks": {"PreTraffic": {"Ref": SMOKE}}}
        resources[name]["Properties"]["DeploymentPreference"] = preference
    resources |= {
        SMOKE: _smoke(stage),
        f"{SMOKE}Role": _role(),
        f"{SMOKE}Logs": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": "/aws/lambda/ecommerce-${Stage}-smoke"},
                "RetentionInDays": stage.log_days,
            },
        },
    }


def watch(template: Template) -> None:
    """Let every alarm of the canary stop a shift, and run the smoke test on the Python of the others."""
    made = template["Resources"]
    alarms = [name for name, each in made.items() if each["Type"] == "AWS::CloudWatch::Alarm" and _is_of_canary(each)]
    for name in SHIFTED:
        made[name]["Properties"]["DeploymentPreference"]["Alarms"] = [{"Ref": alarm} for alarm in alarms]
    if "Runtime" in made[SHIFTED[0]]["Properties"]:
        made[SMOKE]["Properties"]["Runtime"] = made[SHIFTED[0]]["Properties"]["Runtime"]


def write_archive(out: Path) -> None:
    """The code of the smoke test, the same bytes for the same code."""
    files = [file for part in PACKED for file in ([FOLDER / part] if part.endswith(".py") else _sources(part))]
    with zipfile.ZipFile(out / ARCHIVE, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            named = zipfile.ZipInfo(f"tools/{file.relative_to(FOLDER).as_posix()}", EPOCH)
            named.external_attr = 0o644 << 16
            named.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(named, file.read_bytes())


def _sources(folder: str) -> list[Path]:
    return sorted((FOLDER / folder).glob("*.py"))


def _is_of_canary(alarm: dict[str, Any]) -> bool:
    return "-canary-" in str(alarm["Properties"].get("AlarmName"))


def _smoke(stage: Stage) -> dict[str, Any]:
    return {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": {"Fn::Sub": f"{PREFIX}ecommerce-${{Stage}}-smoke"},
            "Description": "CodeDeploy's hook: tries new versions as a customer before they get traffic.",
            "CodeUri": f"./{ARCHIVE}",
            "Handler": "tools.release.smoke.hook.handle",
            "Timeout": SMOKE_SECONDS,
            "MemorySize": 512,
            "LoggingConfig": {"LogGroup": {"Ref": f"{SMOKE}Logs"}},
            "Environment": {
                "Variables": {
                    "NEW_API": {"Ref": "APIHandler.Version"},
                    "NEW_AUTHORIZER": {"Ref": "Authorize.Version"},
                    "STREAM_LOGS": {"Ref": "HandleTableStreamLogs"},
                    "PAYMENT_PROVIDER": stage.payment_provider,
                }
            },
            "Role": {"Fn::GetAtt": [f"{SMOKE}Role", "Arn"]},
        },
    }


def _role() -> dict[str, Any]:
    """A role as Chalice writes those of the others; SAM's own would let it write every log of the account."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = {"PolicyName": "SmokeTestPolicy", "PolicyDocument": {"Version": VERSION, "Statement": _statements()}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": VERSION, "Statement": [trust]},
            "Policies": [policy],
        },
    }


def _statements() -> list[dict[str, Any]]:
    """All that the smoke test may do. It is the same for every release: a change of rights takes a while to count."""
    of_account = "arn:${AWS::Partition}:codedeploy:${AWS::Region}:${AWS::AccountId}"
    application = f"{of_account}:deploymentgroup:${{ServerlessDeploymentApplication}}/*"
    versions = [{"Fn::Sub": f"${{{name}.Arn}}:*"} for name in SHIFTED]
    return [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": versions},
        {
            "Effect": "Allow",
            "Action": "codedeploy:PutLifecycleEventHookExecutionStatus",
            "Resource": {"Fn::Sub": application},
        },
        {
            "Effect": "Allow",
            "Action": "logs:FilterLogEvents",
            "Resource": {"Fn::GetAtt": ["HandleTableStreamLogs", "Arn"]},
        },
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": [f"{SMOKE}Logs", "Arn"]},
        },
        {"Effect": "Allow", "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"},
    ]
