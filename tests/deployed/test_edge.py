"""The options at the edge, at work: keys and quotas, bodies that the gateway refuses, a domain."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
import urllib3

from chalicelib.api import caching
from tests.deployed.conftest import DeployedStage
from tools.local import deployed
from tools.local.settings import LocalSettings
from tools.package import artifacts, edge
from tools.release import trying
from tools.restore import gate
from tools.stages import Stage, api_keys
from tools.stages.edge import Edge

DOMAIN = "api.example.com"


def deploy(stage: Stage, packaged: Path, out: Path) -> dict[str, str]:
    """Deploy the package with the stage's options, which it was made without."""
    shutil.copytree(packaged, out)
    template = json.loads((out / artifacts.SAM).read_text())
    edge.add_to(template, stage)
    (out / artifacts.SAM).write_text(json.dumps(template))
    return deployed.deploy_package(stage, out)


@pytest.fixture(scope="module")
def guarded(dev: DeployedStage, packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedStage]:
    """The stage dev with options; without them again afterwards."""
    zone = boto3.client("route53").create_hosted_zone(Name="example.com", CallerReference="edge")["HostedZone"]["Id"]
    edge_of_all = Edge(
        usage_plans=True,
        validates_requests=True,
        caches_products=True,
        domain=DOMAIN,
        domain_zone=zone.rpartition("/")[2],
    )
    stage = msgspec.structs.replace(dev.stage, edge=edge_of_all)
    yield DeployedStage(stage, dev.url, deploy(stage, packaged, tmp_path_factory.mktemp("edge") / "out"))
    deployed.deploy_package(dev.stage, packaged)


@pytest.fixture
def key(guarded: DeployedStage) -> Iterator[str]:
    """A key in the plan free."""
    value = api_keys.make(guarded.stage, "free", "acme")
    yield str(value)
    api_keys.delete(guarded.stage, "acme")


def told(answer: Any) -> tuple[int, str, str, str]:
    """Status and code of a problem document, and that pages may read it."""
    document = answer.json()
    assert document["status"] == answer.status
    assert document["requestId"] == answer.headers["x-amzn-requestid"]
    headers = answer.headers["Content-Type"], answer.headers["Access-Control-Allow-Origin"]
    return (answer.status, document["code"], *headers)


def test_without_a_key_only_what_is_for_all_is_open(guarded: DeployedStage) -> None:
    refused = [guarded("GET", "/products"), guarded("GET", "/products", headers={"X-Api-Key": "somebody's"})]
    allowed = [guarded("GET", "/health"), guarded("OPTIONS", "/products"), guarded("POST", "/payments/webhook")]

    assert {told(each) for each in refused} == {(403, "api_key_required", "application/problem+json", "*")}
    assert [each.status for each in allowed[:2]] == [200, 200]
    assert allowed[2].json()["code"] != "api_key_required"


def test_a_key_lets_in_until_its_quota_is_used_up(guarded: DeployedStage, key: str) -> None:
    plan = guarded.stage.stack + "-free"
    gateway = boto3.client("apigateway")
    (found,) = [each for each in gateway.get_usage_plans()["items"] if each["name"] == plan]

    def limit(value: int) -> None:
        change = {"op": "replace", "path": "/quota/limit", "value": str(value)}
        gateway.update_usage_plan(usagePlanId=found["id"], patchOperations=[change])

    limit(2)
    answers = [guarded("GET", "/products", headers={"X-Api-Key": key}) for _ in range(3)]
    limit(found["quota"]["limit"])

    assert [each.status for each in answers] == [200, 200, 429]
    assert told(answers[2]) == (429, "quota_exceeded", "application/problem+json", "*")


def test_a_key_is_shown_once_and_can_change_its_plan_and_end(guarded: DeployedStage, key: str) -> None:
    again, other = (api_keys.make(guarded.stage, plan, "acme") for plan in ("free", "premium"))
    before = guarded("GET", "/hello", headers={"X-Api-Key": key}).status
    ended = api_keys.delete(guarded.stage, "acme"), api_keys.delete(guarded.stage, "acme")
    after = guarded("GET", "/hello", headers={"X-Api-Key": key}).status

    assert (again, other, before, ended, after) == (None, None, 200, (True, False), 403)


def test_a_key_that_was_never_shown_is_made_anew(guarded: DeployedStage) -> None:
    begun = {"name": f"{guarded.stage.stack}-broken", "tags": {api_keys.SHOWN: "no"}}
    boto3.client("apigateway").create_api_key(enabled=True, **begun)

    value = api_keys.make(guarded.stage, "free", "broken")

    assert value is not None
    assert guarded("GET", "/hello", headers={"X-Api-Key": value}).status == 200
    assert api_keys.delete(guarded.stage, "broken")


def test_a_customer_of_the_smoke_test_has_a_key_that_is_kept(guarded: DeployedStage) -> None:
    first, second = (api_keys.keep(guarded.stage, "free", "smoke") for _ in range(2))

    assert first == second != ""
    assert trying._customer(guarded.stage, guarded.url)("GET", "/hello").status == 200
    assert api_keys.delete(guarded.stage, "smoke")


@pytest.mark.parametrize("body", [{"productId": "prd_1"}, {"productId": "prd_1", "quantity": "1"}, "{", ""])
def test_a_body_that_no_route_takes_is_refused_before_a_function_is_started(
    guarded: DeployedStage, key: str, body: object
) -> None:
    sent = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": "application/json", "X-Api-Key": key}

    answer = guarded("POST", "/cart/items", body=sent, headers=headers)

    assert told(answer) == (400, "validation_failed", "application/problem+json", "*")
    assert "errors" not in answer.json()  # which only the app knows
    assert answer.headers["X-Request-Id"]


def test_a_body_that_fits_gets_to_the_app_which_looks_closer(guarded: DeployedStage, key: str) -> None:
    headers = {"Content-Type": "application/json", "X-Api-Key": key}
    bodies = ({"email": "nobody", "password": "long enough", "firstName": "A", "lastName": "\n"}, {})

    answer = guarded("POST", "/auth/register", body=json.dumps(bodies[0]), headers=headers)
    missing = guarded("PUT", "/auth/register", body=json.dumps(bodies[1]), headers=headers)
    unsigned = guarded("POST", "/payments/webhook", body=json.dumps(bodies[1]))

    assert (answer.status, answer.json()["code"]) == (400, "validation_failed")
    assert {each["field"] for each in answer.json()["errors"]} == {"email", "lastName"}
    assert (missing.status, unsigned.json()["code"] == "validation_failed") == (405, False)


def test_the_domain_answers_under_v1_and_nowhere_else(guarded: DeployedStage, cloud: LocalSettings) -> None:
    def ask(path: str) -> urllib3.BaseHTTPResponse:
        return urllib3.request("GET", cloud.cloud_url + path, headers={"Host": DOMAIN}, retries=False, timeout=120)

    healthy, refused, elsewhere = ask("/v1/health"), ask("/v1/products"), ask("/v2/health")

    assert healthy.status == 200
    assert (refused.status, refused.json()["code"]) == (403, "api_key_required")
    assert elsewhere.status != 200
    assert guarded.outputs["HealthURL"] == f"https://{DOMAIN}/v1/health"


def test_the_domain_has_records_of_both_kinds_and_a_certificate_of_its_own(guarded: DeployedStage) -> None:
    zone = guarded.stage.edge.domain_zone
    pages = boto3.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    records = {each["Type"]: each.get("AliasTarget") for page in pages for each in page["ResourceRecordSets"]
               if each["Name"].rstrip(".") == DOMAIN}  # fmt: skip
    found = boto3.client("apigateway").get_domain_name(domainName=DOMAIN)

    assert set(records) == {"A", "AAAA"}
    assert {each["DNSName"].rstrip(".") for each in records.values()} == {found["regionalDomainName"]}
    assert found["securityPolicy"] == "TLS_1_2"
    assert guarded.outputs["DomainTarget"] == found["regionalDomainName"]


def test_who_closes_the_shop_closes_what_is_kept_as_well(guarded: DeployedStage, key: str) -> None:
    def statuses() -> list[int]:
        paths = ("/products", "/products/prd_1", "/products/category/mugs", "/hello")
        return [guarded("GET", path, headers={"X-Api-Key": key}).status for path in paths]

    gate.close(guarded.stage)
    closed = statuses()
    gate.open_again(guarded.stage)

    assert (closed, statuses()) == ([429] * 4, [200, 404, 200, 200])


def test_products_are_read_by_what_the_caches_key_knows(guarded: DeployedStage, key: str) -> None:
    stage = boto3.client("apigateway").get_stage(restApiId=guarded.outputs["RestAPIId"], stageName="dev")

    unknown, other = (guarded("GET", path, headers={"X-Api-Key": key}) for path in ("/products?a=1", "/categories?a=1"))

    assert (unknown.status, other.status) == (200, 400)
    settings = stage["methodSettings"].items()
    cached = {path.replace("~1", "/").strip("/") for path, each in settings if each.get("cachingEnabled")}
    assert cached == {f"{path.strip('/')}/GET" for path in caching.SHARED}
