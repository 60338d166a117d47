"""Mail that comes back, from the account that is opened to the mark that an admin sees, on the deployed stage."""

from __future__ import annotations

import json
from typing import Any

import boto3
from msgspec.structs import replace

from tests.deployed.conftest import DeployedStage
from tests.deployed.test_sam import resource, wait_until
from tools import stages
from tools.local import deployed
from tools.local.settings import LocalSettings

GONE = "bounce@simulator.amazonses.com"
PASSWORD = "correct horse battery"


def asked(dev: DeployedStage, method: str, path: str, body: Any = None, **headers: str) -> Any:
    sent = {"Content-Type": "application/json", **headers}
    return dev(method, path, body=json.dumps(body) if body else None, headers=sent).json()


def test_who_cannot_be_reached_is_marked(dev: DeployedStage) -> None:
    asked(dev, "POST", "/auth/register", {"email": GONE, "password": PASSWORD, "firstName": "Gone", "lastName": "Away"})
    token = asked(dev, "POST", "/auth/login", {"email": GONE, "password": PASSWORD})["accessToken"]
    profile: dict[str, Any] = {}

    def is_marked() -> bool:
        profile.update(asked(dev, "GET", "/users/profile", Authorization=f"Bearer {token}"))
        return profile["emailStatus"] is not None

    wait_until(is_marked)

    assert (profile["emailStatus"], profile["emailStatusReason"]) == ("bounced", "General")


def test_the_stage_hears_of_its_own_mail_alone(dev: DeployedStage) -> None:
    events = boto3.client("events")
    rules = [json.loads(rule["EventPattern"]) for rule in events.list_rules()["Rules"] if rule.get("EventPattern")]
    (pattern,) = [rule for rule in rules if rule["source"] == ["aws.ses"] and "ecommerce-dev" in str(rule)]
    sets = boto3.client("sesv2").get_configuration_set_event_destinations(ConfigurationSetName="ecommerce-dev")

    assert pattern["detail"] == {"mail": {"tags": {"ses:configuration-set": ["ecommerce-dev"]}}}
    assert sets["EventDestinations"][0]["MatchingEventTypes"] == ["BOUNCE", "COMPLAINT", "REJECT"]
    assert resource("HandleMailEvents")


def test_a_domain_as_the_sender_tells_the_records_for_its_dns(cloud: LocalSettings) -> None:
    stage = replace(
        stages.read("dev"), name="signing", table_name="ecommerce-signing", jwt_secret_name="ecommerce/signing/jwt",
        payment_secret_name="ecommerce/signing/payment", mail_from="shop@example.org", mail_identity="example.org",
    )  # fmt: skip

    told = deployed.deploy_resources(stage)

    tokens = boto3.client("sesv2").get_email_identity(EmailIdentity="example.org")["DkimAttributes"]["Tokens"]
    records = {told[f"MailDnsName{number}"]: told[f"MailDnsValue{number}"] for number in (1, 2, 3)}
    assert records == {f"{each}._domainkey.example.org": f"{each}.dkim.amazonses.com" for each in tokens}
    boto3.client("cloudformation").delete_stack(StackName=stage.resources_stack)
