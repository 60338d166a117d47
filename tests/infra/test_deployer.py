"""The role of who deploys: what CloudFormation does in its name, for each type of the templates, and nothing else.

What CloudFormation does for a type is said by the type's own schema, of which cfn-lint has a copy. What the tools ask
for by themselves is held to the role in tests/deployed/test_deployer.py, where they work.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from tests.support import deployer, iam
from tests.support.deployer import APP, Statement
from tests.support.hearing import named, terraform
from tests.support.hearing.heard import FREE

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
# Of the stacks ecommerce-<stage>-resources and ecommerce-artifacts: what holds data.
RESOURCES = (
    "DynamoDB::Table", "S3::Bucket", "S3::BucketPolicy", "CloudFront::OriginAccessControl", "CloudFront::Distribution",
    "SecretsManager::Secret", "Events::EventBus", "KMS::Key", "KMS::Alias", "SNS::Topic", "SNS::TopicPolicy",
    "SNS::Subscription", "SQS::Queue", "SQS::QueuePolicy", "SES::EmailIdentity",
    "SES::ConfigurationSet", "SES::ConfigurationSetEventDestination",
)  # fmt: skip
# Of both stacks, when a stage has options of [foundation].
FOUNDATION = (
    "ApplicationAutoScaling::ScalableTarget", "ApplicationAutoScaling::ScalingPolicy", "Budgets::Budget",
    "EC2::VPC", "EC2::Subnet", "EC2::RouteTable", "EC2::Route", "EC2::SubnetRouteTableAssociation",
    "EC2::SecurityGroup", "EC2::VPCEndpoint", "EC2::InternetGateway", "EC2::VPCGatewayAttachment", "EC2::EIP",
    "EC2::NatGateway", "Lambda::LayerVersion",
)  # fmt: skip
# Of the stack of the app, when a stage has options of [edge]; the group is one of another name.
EDGE = (
    "ApiGateway::UsagePlan", "ApiGateway::DomainName", "ApiGateway::BasePathMapping",
    "CertificateManager::Certificate", "Route53::RecordSet", "CloudFront::Function", "WAFv2::WebACL",
    "WAFv2::WebACLAssociation", "WAFv2::LoggingConfiguration", "Logs::LogGroup",
)  # fmt: skip
# What CloudFormation asks to know the zones of a region, for `Fn::GetAZs`; Terraform asks for the zones alone.
FOR_ZONES = {"ec2:DescribeAccountAttributes", "ec2:DescribeAvailabilityZones", "ec2:DescribeSubnets"}
# What these options make of types that are there without them.
FEATURES = {
    "Lambda::Alias": ("lambda:*ProvisionedConcurrency*",),
    "Lambda::Function": ("kms:*", "ec2:*"),
    "Logs::LogGroup": ("logs:*KmsKey",),
}
SERVICES = {
    "applicationautoscaling": "application-autoscaling",
    "certificatemanager": "acm",
}  # whose name in IAM is another than in its types
# What a type does to other services than its own: all else of that kind is for features that no template uses.
BESIDE = {
    "Lambda::Function": {"iam:PassRole", "s3:GetObject", "s3:GetObjectVersion"},
    "Lambda::Alias": {"codedeploy:*"},
    "CodeDeploy::DeploymentGroup": {"iam:PassRole"},
    "SecretsManager::RotationSchedule": {"lambda:InvokeFunction"},
    "ApplicationAutoScaling::ScalableTarget": {
        "iam:CreateServiceLinkedRole", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms",
    },
    "Budgets::Budget": {"billing:GetBillingViewData"},
    "CertificateManager::Certificate": {"route53:ChangeResourceRecordSets"},
    "WAFv2::WebACLAssociation": {"apigateway:SetWebACL"},
    "WAFv2::LoggingConfiguration": {
        "iam:CreateServiceLinkedRole", "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
    },
}  # fmt: skip
# What a type does for features that no template uses; what it reads, it reads in any case.
UNUSED = (
    "dynamodb:*Item", "dynamodb:Scan", "dynamodb:Query", "dynamodb:*Replica*", "dynamodb:*Import*",
    "dynamodb:*Kinesis*", "dynamodb:*ResourcePolicy", "dynamodb:UpdateContributorInsights",
    "s3:*Analytics*", "s3:*Inventory*", "s3:*Metrics*", "s3:*Notification*", "s3:*Replication*", "s3:*Website*",
    "s3:*Accelerate*", "s3:*ObjectLock*", "s3:*Logging", "s3:*IntelligentTiering*", "s3:*BucketMetadata*", "s3:*Abac",
    "s3:*Acl", "s3:DeleteObject",
    "cloudfront:*ConnectionGroup", "cloudfront:*VpcOrigin", "cloudfront:*Staging*",
    "secretsmanager:*Repli*", "sns:*DataProtection*", "ses:*MailFrom*",
    "ses:*IdentityConfigurationSet*", "ses:*TrackingOptions", "ses:*DeliveryOptions", "ses:*ReputationOptions",
    "ses:*SendingOptions", "ses:*VdmOptions", "ses:*ArchivingOptions", "ses:*Tenant*", "ses:*DedicatedIp*",
    "events:*Permission", "lambda:*ProvisionedConcurrency*", "lambda:*CodeSigning*", "lambda:*RecursionConfig",
    "lambda:*ScalingConfig", "lambda:*RuntimeManagement*", "lambda:AssociateRuntimeAlias", "lambda:GetLayerVersion",
    "lambda:PassCapacityProvider", "codedeploy:RegisterOnPremisesInstance", "iam:*PermissionsBoundary",
    "logs:*DataProtection*", "logs:*IndexPolic*", "logs:*LogDelivery", "logs:*ResourcePolic*", "logs:*BearerToken*",
    "logs:*KmsKey", "logs:*DeletionProtection",
    "application-autoscaling:*ScheduledAction", "ec2:*EncryptionControl*", "ec2:*CidrBlock", "ec2:*Vpn*",
    "ec2:AcceptAddressTransfer", "ec2:*NatGatewayAddress", "ec2:AssociateAddress", "ec2:*VpcTenancy",
    "ec2:DescribeInstances", "ec2:ReplaceRouteTableAssociation", "wafv2:*PermissionPolicy",
)  # fmt: skip
# What schemas say and IAM does not know; the words for it are PutBucketCORS, CreateDistribution and the like.
UNKNOWN = ("cloudfront:CreateDistributionWithTags", "s3:DeleteBucketCors", "s3:DeleteBucketEncryption",
           "s3:DeleteBucketLifecycle")  # fmt: skip
# The policies of infra/deployer.yaml that are about the two kinds of stacks.
STACKS = [("ForResources", RESOURCES), ("ForApp", APP), ("ForFoundation", FOUNDATION), ("ForEdge", EDGE)]
OF_CHALICE = {"AWS::Lambda::LayerVersion"}  # which writes it into the stack of the app
OF_OTHERS = {"OfTransforms"}  # CloudFormation's guide says it, and IAM's reference does not
POLICIES = (*deployer.ATTACHED, "ForPlans")
# Named by chance, by AWS, or by the owner of a domain; or of the account as a whole.
NAMED_BY_OTHERS = (
    "cloudfront",
    "apigateway",
    "ses",
    "kms",
    "application-autoscaling",
    "billing",
    "ec2",
    "acm",
    "route53",
)
MAX_POLICY_CHARACTERS = 6144  # of IAM for a managed policy, without spaces
MAX_POLICIES = 10  # of IAM for a role
LONGEST_NAMES = [("aws", "ap-southeast-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-northwest-1")]


@cache
def handlers() -> dict[str, dict[str, Any]]:
    """What each type of the templates does to AWS, by its schema."""
    wanted = {f"AWS::{name}" for name in (*RESOURCES, *APP, *FOUNDATION, *EDGE)}
    schemas = (json.loads(file.read_text(encoding="utf-8")) for file in SCHEMAS.glob("*.json"))
    return {each["typeName"]: each["handlers"] for each in schemas if each.get("typeName") in wanted}


def needed(kind: str) -> set[str]:
    """What CloudFormation has to be allowed for a type."""
    service, found = kind.partition("::")[0].lower(), set[str]()
    own, beside = SERVICES.get(service, service), BESIDE.get(kind, set())
    for name, handler in handlers()[f"AWS::{kind}"].items():
        if name != "list":
            unused = () if name == "read" else UNUSED
            found |= {each for each in handler["permissions"] if not is_any(each, unused) or each in beside}
    kept = (f"{own}:*", *beside)
    return {each for each in found if is_any(each, kept) and each not in UNKNOWN}


def wanted_by(policy: str, types: tuple[str, ...]) -> set[str]:
    """What a policy of the role is for: all that its types need, and for options what is in no other policy."""
    found = set[str]().union(*(needed(each) for each in types))
    if policy == "ForFoundation":
        without = {action for name, others in STACKS[:2] for each in others for action in needed(each)}
        for kind, patterns in FEATURES.items():
            done = {each for handler in handlers()[f"AWS::{kind}"].values() for each in handler.get("permissions", [])}
            found |= {each for each in done - without if is_any(each, patterns)}
        found |= FOR_ZONES
    return found


def is_any(action: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in patterns)


@pytest.mark.parametrize(("policy", "types"), STACKS)
def test_what_cloudformation_does_for_every_type_is_allowed_and_nothing_else(
    policy: str, types: tuple[str, ...]
) -> None:
    wanted = wanted_by(policy, types)

    granted = deployer.actions(deployer.statements(policy))

    assert sorted(granted - wanted) == []
    assert sorted(wanted - granted) == []


def test_every_type_of_the_templates_of_data_is_known() -> None:
    files = ("template.yaml", "artifacts.yaml")
    types = {each["Type"] for file in files for each in deployer.template(file)["Resources"].values()}

    assert types == {f"AWS::{each}" for each in RESOURCES} | ({f"AWS::{each}" for each in FOUNDATION} - OF_CHALICE)


@pytest.mark.parametrize(("policy", "types"), STACKS)
def test_without_any_one_action_cloudformation_is_refused_what_it_does(policy: str, types: tuple[str, ...]) -> None:
    wanted = wanted_by(policy, types)

    missed = [
        taken
        for taken, rest in deployer.without_one_action(deployer.statements(policy))
        if wanted <= deployer.actions(rest)
    ]

    assert missed == []


@pytest.mark.parametrize("policy", POLICIES)
def test_every_action_is_allowed_on_what_iam_judges_it_by(policy: str) -> None:
    """Such as `codedeploy:StopDeployment`, which has no resource: allowed on one by name, it is refused."""
    ineffective = [
        f"{statement['Sid']}: {action}"
        for statement in deployer.statements(policy)
        if statement["Sid"] not in OF_OTHERS
        for action in statement["Action"]
        if not any(iam.counts(action, each) for each in statement["Resource"])
    ]

    assert ineffective == []


def test_every_call_that_the_tools_name_is_allowed_to_who_deploys() -> None:
    """Those too that no test hears."""
    granted = deployer.actions(deployer.statements(*deployer.TOOLS)) | FREE
    calls = list(named.calls())

    assert {each.file.partition("/")[0] for each in calls} == set(named.FOLDERS)
    assert [(each.file, each.method) for each in calls if not each.actions & granted] == []


def test_what_no_log_of_terraform_tells_is_allowed_where_terraform_is() -> None:
    granted = deployer.actions(deployer.statements("ForTerraformData", "ForTerraformApp"))

    assert sorted(terraform.UNHEARD - granted) == []


@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_ours_is_named_and_only_what_has_no_name_is_open(policy: str) -> None:
    for statement in deployer.statements(policy):
        assert not any("*" in action for action in statement["Action"])
        assert is_named(statement) or statement["Sid"] in deployer.WITHOUT_A_NAME, statement["Sid"]


def is_named(statement: Statement) -> bool:
    services = {action.partition(":")[0] for action in statement["Action"]}
    ours = [each for each in statement["Resource"] if not each.endswith(":event-source-mapping:*")]
    return services <= set(NAMED_BY_OTHERS) or (bool(ours) and all("ecommerce" in each for each in ours))


def test_a_role_is_handed_to_functions_and_to_code_deploy_and_to_nobody_else() -> None:
    found = [each for policy in POLICIES for each in deployer.statements(policy) if "iam:PassRole" in each["Action"]]

    to = [each["Condition"]["StringEquals"]["iam:PassedToService"] for each in found]
    to_both = "['lambda.amazonaws.com', 'codedeploy.amazonaws.com']"  # by CloudFormation, and by Terraform
    assert sorted(map(str, to)) == [to_both, to_both, "lambda.amazonaws.com"]
    assert all(each["Action"] == ["iam:PassRole"] for each in found)


def test_no_policy_but_that_of_code_deploy_is_attached_to_a_role() -> None:
    for policy in POLICIES:
        for statement in deployer.statements(policy):
            if {"iam:AttachRolePolicy", "iam:DetachRolePolicy"} & set(statement["Action"]):
                ((condition, names),) = statement["Condition"].items()
                assert condition == "ArnLike"
                assert names["iam:PolicyARN"]["Fn::Sub"].endswith(":policy/service-role/AWSCodeDeployRoleForLambda")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("partition", "region"), LONGEST_NAMES)
def test_a_policy_is_no_longer_than_iam_takes(policy: str, partition: str, region: str) -> None:
    assert len(deployer.written(policy, partition, region)) <= MAX_POLICY_CHARACTERS


def test_the_role_has_no_more_policies_than_iam_takes() -> None:
    attached = deployer.template("deployer.yaml")["Resources"]["Deployer"]["Properties"]["ManagedPolicyArns"]

    assert len(attached) <= MAX_POLICIES
