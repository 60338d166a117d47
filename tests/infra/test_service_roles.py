"""Roles that are no function's, in the templates of infra/; those of the stack of the app are read where it runs.

That is tests/deployed/test_roles.py. What the role of who deploys may do is in tests/infra/test_deployer.py.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.support import deployer
from tests.support.deployer import INFRA
from tools.release import planning

ROLE = "AWS::IAM::Role"
ROLES = {
    "account.yaml": {"ApiLogsRole"},
    "artifacts.yaml": set(),
    "deployer.yaml": {"Deployer", "Planner"},
    "safety.yaml": {"BackupRole", "RecorderRole"},
    "template.yaml": set(),
}
PUSH_TO_LOGS = "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
OWN = ("iam::000000000000:role/shop-deployer-us-east-1", "iam::000000000000:policy/shop-deployer-ForTools",
       "cloudformation:us-east-1:000000000000:stack/shop-deployer/1")  # fmt: skip


def role(file: str, name: str) -> dict[str, Any]:
    return dict(deployer.template(file)["Resources"][name]["Properties"])


def trust(properties: dict[str, Any]) -> dict[str, Any]:
    (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
    return {key: statement[key] for key in statement if key != "Effect"}


def test_no_template_has_a_role_that_nobody_here_knows() -> None:
    found = {
        file.name: {
            name for name, each in deployer.template(file.name)["Resources"].items() if each["Type"].startswith(ROLE)
        }
        for file in INFRA.glob("*.yaml")
    }

    assert found == ROLES


def test_api_gateway_writes_logs_by_the_policy_that_aws_keeps_for_it() -> None:
    """It takes one role for a whole account and region, and may ask more of it than our own APIs need."""
    found = role("account.yaml", "ApiLogsRole")

    assert trust(found) == {"Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assert found["ManagedPolicyArns"] == [{"Fn::Sub": PUSH_TO_LOGS}]
    assert set(found) == {"AssumeRolePolicyDocument", "ManagedPolicyArns", "Tags"}


def of_github(subject: Any) -> dict[str, Any]:
    """Who is trusted by the tokens that GitHub gives its runners, as long as they are made for AWS and say this."""
    issuer = "token.actions.githubusercontent.com"
    provider = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:oidc-provider/{issuer}"
    return {
        "Principal": {"Federated": {"Fn::Sub": provider}},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": subject}},
    }


def test_who_is_named_and_the_environments_of_a_repository_may_deploy_by_these_policies() -> None:
    found = role("deployer.yaml", "Deployer")
    trusted, github = (each["Fn::If"] for each in found["AssumeRolePolicyDocument"]["Statement"])

    assert trusted == [
        "HasTrusted",
        {"Effect": "Allow", "Principal": {"AWS": {"Ref": "TrustedArn"}}, "Action": "sts:AssumeRole"},
        {"Ref": "AWS::NoValue"},
    ]
    environments = of_github({"Ref": "GitHubEnvironments"})
    assert github == ["HasGitHub", {"Effect": "Allow", **environments}, {"Ref": "AWS::NoValue"}]
    assert found["ManagedPolicyArns"] == [{"Ref": name} for name in deployer.ATTACHED]
    assert "Policies" not in found


def test_pull_requests_of_a_repository_may_plan_and_no_more() -> None:
    found, template = role("deployer.yaml", "Planner"), deployer.template("deployer.yaml")["Resources"]

    assert trust(found) == of_github({"Fn::Sub": "repo:${GitHubRepository}:pull_request"})
    assert found["ManagedPolicyArns"] == [{"Ref": "ForPlans"}]
    assert {template[name]["Condition"] for name in ("Planner", "ForPlans")} == {"HasGitHub"}
    granted = deployer.actions(deployer.statements("ForPlans"))
    assert granted & {"cloudformation:ExecuteChangeSet", "cloudformation:DeleteStack", "iam:PassRole"} == set()


def test_a_plan_writes_only_what_is_named_for_plans() -> None:
    writing = [
        each
        for each in deployer.statements("ForPlans")
        if any(re.search(":(Create|Delete|Put|Update|Execute)", action) for action in each["Action"])
    ]

    stacks, transforms, templates = writing
    assert stacks["Condition"] == {"StringLike": {"cloudformation:ChangeSetName": f"{planning.PREFIX}*"}}
    assert transforms["Resource"] == ["arn:aws:cloudformation:us-east-1:aws:transform/Serverless-2016-10-31"]
    assert all(each.endswith(f"/{planning.FOLDER}/*") for each in templates["Resource"])


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:GetObjectVersion"])
@pytest.mark.parametrize("name", ["terraform.tfstate", "terraform.tfstate.tflock"])
def test_a_plan_never_reads_a_state_of_terraform_in_which_secrets_are(action: str, name: str) -> None:
    state = f"arn:aws:s3:::ecommerce-artifacts-000000000000-us-east-1/prod/{name}"

    assert not any(deployer.allows(each, action, state) for each in deployer.statements("ForPlans"))
    assert any(deployer.allows(each, action, state) for each in deployer.statements("ForPlans", effect="Deny"))


@pytest.mark.parametrize("policy", deployer.ATTACHED)
def test_who_deploys_changes_neither_its_role_nor_its_policies_nor_their_stack(policy: str) -> None:
    reached = {
        f"{statement['Sid']}: {name}"
        for statement in deployer.statements(policy)
        if any(action.startswith(("iam:", "cloudformation:")) for action in statement["Action"])
        for name in OWN
        if statement["Resource"] != ["*"]
        and any(fnmatchcase(f"arn:aws:{name}", each) for each in statement["Resource"])
    }
    open_to_all = {
        action
        for statement in deployer.statements(policy)
        if statement["Resource"] == ["*"]
        for action in statement["Action"]
        if action.startswith(("iam:", "cloudformation:"))
    }

    assert reached == set()
    assert open_to_all <= {"cloudformation:ListExports"}
