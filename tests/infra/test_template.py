"""The template of the stateful resources: it lints, and says what the shop relies on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint
from cfnlint.decode import decode
from msgspec.structs import replace

from tools import stages
from tools.local import resources
from tools.stages import parameters

TEMPLATE = Path(__file__).parents[2] / "infra" / "template.yaml"
KEPT = ("Table", "Bucket", "JwtSecret", "PaymentSecret", "DeadLetters", "MailIdentity")


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    decoded, problems = decode(str(TEMPLATE))

    assert not problems

    return json.loads(json.dumps(decoded))


def properties(template: dict[str, Any], name: str) -> dict[str, Any]:
    return template["Resources"][name]["Properties"]


def statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a policy, those that some stages leave out among them."""
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in document["Statement"]]


@pytest.mark.parametrize("name", ["template.yaml", "account.yaml", "deployer.yaml", "safety.yaml"])
def test_the_template_lints(name: str) -> None:
    assert lint((TEMPLATE.parent / name).read_text(), config=ManualArgs(regions=["us-east-1", "eu-west-1"])) == []


def test_the_table_is_keyed_by_pk_and_sk_with_two_indexes_of_the_same_shape(template: dict[str, Any]) -> None:
    table = properties(template, "Table")

    keys = {"table": table["KeySchema"]} | {
        index["IndexName"]: index["KeySchema"] for index in table["GlobalSecondaryIndexes"]
    }

    assert {name: [key["AttributeName"] for key in schema] for name, schema in keys.items()} == {
        "table": ["PK", "SK"],
        "GSI1": ["GSI1PK", "GSI1SK"],
        "GSI2": ["GSI2PK", "GSI2SK"],
    }
    assert all(index["Projection"] == {"ProjectionType": "ALL"} for index in table["GlobalSecondaryIndexes"])


def test_the_table_costs_by_use_streams_expires_and_can_be_restored(template: dict[str, Any]) -> None:
    table = properties(template, "Table")

    assert table["BillingMode"] == {"Fn::If": ["IsProvisioned", "PROVISIONED", "PAY_PER_REQUEST"]}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": resources.EXPIRY_ATTRIBUTE, "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["HasProtection", True, False]}
    assert template["Conditions"]["HasProtection"] == {"Fn::Equals": [{"Ref": "IsProtected"}, "true"]}
    assert table["TableName"] == {"Ref": "TableName"}


@pytest.mark.parametrize("name", KEPT)
def test_what_holds_data_outlives_its_stack(template: dict[str, Any], name: str) -> None:
    resource = template["Resources"][name]

    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_the_bucket_is_private_encrypted_and_versioned(template: dict[str, Any]) -> None:
    bucket = properties(template, "Bucket")

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize("name", ["BucketTlsOnly", "AlertTopicPolicy", "DeadLettersTlsOnly"])
def test_plain_http_is_refused(template: dict[str, Any], name: str) -> None:
    document = properties(template, name)["PolicyDocument"]

    refusals = [statement for statement in statements(document) if statement["Effect"] == "Deny"]

    assert [refusal["Condition"] for refusal in refusals] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_rules_of_the_stage_alone_may_put_runs_into_the_queue(template: dict[str, Any]) -> None:
    document = properties(template, "DeadLettersTlsOnly")["PolicyDocument"]

    (allowed,) = [statement for statement in statements(document) if statement["Effect"] == "Allow"]

    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert set(allowed["Condition"]) == {"StringEquals", "ArnLike"}
    assert ":rule/ecommerce-${Stage}-*" in str(allowed["Condition"]["ArnLike"]["aws:SourceArn"])


def test_no_policy_allows_everybody(template: dict[str, Any]) -> None:
    found = [resource["Properties"] for resource in template["Resources"].values()]
    documents = [given.get("PolicyDocument") or given.get("KeyPolicy") for given in found]

    allowed = [s for document in documents if document for s in statements(document) if s["Effect"] == "Allow"]

    assert allowed
    open_to_all = [each for each in allowed if each["Principal"] in ("*", {"AWS": "*"})]
    assert all("aws:PrincipalAccount" in each["Condition"]["StringEquals"] for each in open_to_all)  # of endpoints


def test_pages_of_the_shops_origin_may_post_to_the_bucket(template: dict[str, Any]) -> None:
    (rule,) = properties(template, "Bucket")["CorsConfiguration"]["CorsRules"]

    assert rule["AllowedOrigins"] == [{"Ref": "CorsOrigin"}]
    assert "POST" in rule["AllowedMethods"]


def test_only_the_distribution_reads_the_bucket_and_only_what_is_for_everybody(template: dict[str, Any]) -> None:
    granted = [s for s in statements(properties(template, "BucketTlsOnly")["PolicyDocument"]) if s["Effect"] == "Allow"]

    ours = {"Fn::Sub": "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Images}"}
    public = [{"Fn::Sub": f"${{Bucket.Arn}}/{part}/*"} for part in ("products", "docs")]
    assert [(s["Action"], s["Resource"], s["Condition"]) for s in granted] == [
        ("s3:GetObject", public, {"StringEquals": {"aws:SourceArn": ours}})
    ]
    assert granted[0]["Principal"] == {"Service": "cloudfront.amazonaws.com"}


def test_images_are_given_out_by_https_alone_and_only_on_aws(template: dict[str, Any]) -> None:
    distribution = properties(template, "Images")["DistributionConfig"]
    (origin,) = distribution["Origins"]

    assert distribution["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "https-only"
    assert distribution["DefaultCacheBehavior"]["AllowedMethods"] == ["GET", "HEAD"]
    assert "CacheBehaviors" not in distribution
    assert distribution["DefaultCacheBehavior"]["Compress"] is True
    assert origin["OriginAccessControlId"] == {"Fn::GetAtt": ["ImagesAccess", "Id"]}
    assert properties(template, "ImagesAccess")["OriginAccessControlConfig"]["SigningBehavior"] == "always"
    conditional = [template["Resources"]["Images"], template["Resources"]["ImagesAccess"]]
    assert {each["Condition"] for each in [*conditional, template["Outputs"]["ImageBaseUrl"]]} == {"IsOnAws"}
    assert template["Conditions"]["IsOnAws"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "local"]}]}


def test_queue_and_topic_are_encrypted(template: dict[str, Any]) -> None:
    assert properties(template, "DeadLetters")["SqsManagedSseEnabled"] is True
    assert properties(template, "DeadLetters")["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert properties(template, "AlertTopic")["KmsMasterKeyId"] == {"Fn::GetAtt": ["AlertKey", "Arn"]}


@pytest.mark.parametrize("name", ["JwtSecret", "PaymentSecret"])
def test_secrets_are_made_by_aws_and_named_by_their_stage(template: dict[str, Any], name: str) -> None:
    secret = properties(template, name)

    assert secret["GenerateSecretString"]["PasswordLength"] == 64
    assert "SecretString" not in secret
    assert secret["Name"] == template["Outputs"][f"{name}Name"]["Value"] == {"Ref": f"{name}Name"}


def test_a_stack_tells_ses_of_the_identity_only_where_no_other_did(template: dict[str, Any]) -> None:
    assert template["Resources"]["MailIdentity"]["Condition"] == "HasMailIdentity"
    assert template["Conditions"]["HasMailIdentity"] == {"Fn::Equals": [{"Ref": "OwnsMailIdentity"}, "true"]}
    assert properties(template, "MailIdentity")["EmailIdentity"] == {"Ref": "SesIdentity"}


def test_a_domains_mail_is_signed_and_its_dns_records_are_told(template: dict[str, Any]) -> None:
    signs = {"Fn::Equals": [{"Ref": "SesIdentityIsDomain"}, "true"]}
    assert template["Conditions"]["SignsMail"] == {"Fn::And": [{"Condition": "HasMailIdentity"}, signs]}
    keys = {"NextSigningKeyLength": "RSA_2048_BIT"}
    asked = properties(template, "MailIdentity")["DkimSigningAttributes"]
    assert asked == {"Fn::If": ["SignsMail", keys, {"Ref": "AWS::NoValue"}]}
    told = {name: each for name, each in template["Outputs"].items() if name.startswith("MailDns")}
    assert len(told) == 6
    for name, output in told.items():
        assert output["Condition"] == "SignsMail"
        assert output["Value"] == {"Fn::GetAtt": ["MailIdentity", name.replace("MailDns", "DkimDNSToken")]}
    domain = replace(stages.read("prod"), mail_identity="example.com")
    found = [parameters.of_resources(stage)["SesIdentityIsDomain"] for stage in (stages.read("prod"), domain)]
    assert found == ["false", "true"]


def test_what_becomes_of_mail_is_told_to_the_bus_and_nothing_is_held_back(template: dict[str, Any]) -> None:
    told = properties(template, "MailEventsToBus")

    assert properties(template, "MailEvents")["Name"] == {"Fn::Sub": "ecommerce-${Stage}"}
    assert properties(template, "MailEvents")["SuppressionOptions"] == {"SuppressedReasons": []}
    assert told["ConfigurationSetName"] == {"Ref": "MailEvents"}
    assert told["EventDestination"]["MatchingEventTypes"] == ["bounce", "complaint", "reject"]
    bus = told["EventDestination"]["EventBridgeDestination"]["EventBusArn"]["Fn::Sub"]
    assert bus.endswith(":event-bus/default")


def test_the_template_asks_for_what_a_stages_file_says_and_for_nothing_else(template: dict[str, Any]) -> None:
    assert set(parameters.of_resources(stages.read("prod"))) == set(template["Parameters"])
    usual = {name for name, each in template["Parameters"].items() if "Default" in each}
    assert set(template["Parameters"]) - usual == set(resources.PARAMETERS)
    assert re.search(r"\b(dev|prod)\b", json.dumps(template)) is None


def test_the_table_of_a_stack_is_never_replaced_by_one_of_another_name() -> None:
    restored = replace(stages.read("prod"), table_name="restored")

    assert parameters.of_resources(restored)["TableName"] == "restored"
    assert parameters.of_resources(restored, "ecommerce-prod")["TableName"] == "ecommerce-prod"


def test_every_output_is_exported_under_its_stage(template: dict[str, Any]) -> None:
    for name, output in template["Outputs"].items():
        assert output["Export"]["Name"] == {"Fn::Sub": f"ecommerce-${{Stage}}-{name}"}
