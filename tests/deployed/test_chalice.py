"""The stage dev by `chalice deploy` on a local AWS of its own: as whole as by SAM, found again, and gone again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from chalicelib.core.deadline import Deadline
from tests.deployed.conftest import DeployedStage
from tests.infra.packaging import SETTINGS, copied
from tests.support import local_aws, roles, trace_daemon
from tests.support.inventories import Facts, differences, in_any_account, inventory
from tests.support.roles import BY_LAMBDA
from tools import stages
from tools.local import deployed
from tools.local.settings import LocalSettings
from tools.package import runtime
from tools.stages import policies
from tools.testing.shop import ADDRESS, PASSWORD

SECRET = "ecommerce/dev/jwt/secret"
STATE = Path(".chalice") / "deployed" / "dev.json"
CARD = {"type": "card", "token": "tok_success"}
ADA = {"email": "ada@example.com", "password": PASSWORD}
NAMES = {"firstName": "Ada", "lastName": "Lovelace"}
PRODUCT = {"sku": "MUG-1", "name": "Mug", "price": 12.5, "currency": "USD", "category": "kitchen", "stock": 5}


# What differs from SAM, and why it does.
LEFT = {
    r"functions/.*/aliases": "Chalice publishes no versions: what is deployed answers at once",
    r"functions/tools\.release\..*|number of functions|roles|logs": "a release by SAM tries its versions first",
    r"APIs/0/(endpoint|stages/dev/accessLogSettings/.*)": "the local AWS takes neither from a template; see below",
    r"rotation/versions": "SAM's first rotation may be under way still",
}


@dataclass(frozen=True)
class ByChalice:
    """A copy of the project, the local AWS that its stage dev lives on, and a customer's way in."""

    project: Path
    cloud: LocalSettings

    def run(self, *words: str) -> None:
        """Run a module of the project's, as an operator would."""
        command, kept = (
            [sys.executable, "-m", *words],
            {each: os.environ[each] for each in os.environ.keys() - SETTINGS},
        )
        ran = subprocess.run(
            command,
            cwd=self.project,
            env={**kept, "STAGE": "dev"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def deploy(self, *words: str) -> None:
        """Deploy, or delete, and wait for it."""
        self.run("tests.support.hasty", "tools.package.deploy", "dev", "--python", runtime.own(), *words)

    def __call__(self, method: str, path: str, body: Any = None, token: str = "") -> urllib3.BaseHTTPResponse:
        """Ask the API."""
        (api,) = boto3.client("apigateway").get_rest_apis()["items"]
        url = f"{self.cloud.cloud_url}/restapis/{api['id']}/dev/_user_request_{path}"
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        sent = None if body is None else json.dumps(body).encode()
        return urllib3.request(method, url, body=sent, headers=headers, retries=False, timeout=120)

    def said_by_mail(self) -> str:
        """All mails that were sent."""
        return urllib3.request("GET", f"{self.cloud.cloud_url}/_ministack/ses/messages").data.decode()


@pytest.fixture(scope="module")
def by_sam(dev: DeployedStage) -> Facts:
    """What the other way has made of the same code and stage."""
    return inventory(SECRET)


@pytest.fixture(scope="module")
def traces() -> Iterator[trace_daemon.Daemon]:
    """Where functions send what they add to traces."""
    with trace_daemon.listening() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def chalice(
    by_sam: Facts, traces: trace_daemon.Daemon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ByChalice]:
    """The stage as `python -m tools.package.deploy dev` leaves it, on an AWS that is not that of the other tests."""
    project = copied(tmp_path_factory.mktemp("by-chalice"))
    state = tmp_path_factory.mktemp("cloud-by-chalice")
    with local_aws.empty(state, AWS_XRAY_DAEMON_ADDRESS=traces.address) as settings:
        deployed.deploy_resources(stages.read("dev"))
        stage = ByChalice(project, settings)
        stage.deploy()
        yield stage


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = Deadline(60)
    while not holds():
        deadline.require()


def test_an_order_goes_through_to_its_mail_and_is_traced(
    chalice: ByChalice, traces: trace_daemon.Daemon, tmp_path: Path
) -> None:
    catalogue = tmp_path / "catalogue.jsonl"
    catalogue.write_text(json.dumps(PRODUCT))
    chalice.run("tools.catalogue", "import", str(catalogue))
    chalice("POST", "/auth/register", {**ADA, **NAMES})
    token = chalice("POST", "/auth/login", ADA).json()["accessToken"]
    (product,) = chalice("GET", "/products").json()["products"]

    items = [{"productId": product["productId"], "quantity": 2}]
    order = chalice("POST", "/orders", {"items": items, "shippingAddress": ADDRESS, "paymentMethod": CARD}, token)

    assert order.status == 201, order.data
    assert chalice("GET", f"/products/{product['productId']}").json()["stock"] == 3
    parts = [each for each in traces.documents() if each["annotations"].get("orderId") == order.json()["orderId"]]
    assert [each["name"] for each in parts] == ["order.reserve", "simulator", "order.settle"]
    assert len({(each["trace_id"], each["parent_id"]) for each in parts}) == 1
    wait_until(lambda: f"Order {order.json()['orderId']} confirmed" in chalice.said_by_mail())


@pytest.mark.usefixtures("chalice")
def test_what_is_deployed_is_what_sam_deploys_but_for_what_chalice_cannot(by_sam: Facts) -> None:
    found = dict(differences(in_any_account(by_sam), in_any_account(inventory(SECRET))))

    unexplained = {path: both for path, both in found.items() if not any(re.fullmatch(left, path) for left in LEFT)}
    assert unexplained == {}


@pytest.mark.usefixtures("chalice")
def test_the_endpoint_and_the_access_log_are_those_of_the_sam_template(packaged: Path) -> None:
    wanted = json.loads((packaged / "sam.json").read_text())["Resources"]["RestAPI"]["Properties"]

    (api,) = inventory(SECRET)["APIs"]

    log = api["stages"]["dev"]["accessLogSettings"]
    assert api["endpoint"] == [wanted["EndpointConfiguration"]]
    assert log["format"] == wanted["AccessLogSetting"]["Format"]
    assert log["destinationArn"].endswith(":log-group:/aws/apigateway/ecommerce-dev")


@pytest.mark.usefixtures("chalice")
@pytest.mark.parametrize("function", policies.functions())
def test_a_function_has_a_role_of_its_own_by_which_it_may_what_its_description_says(function: str) -> None:
    stage = stages.read("dev")
    name = stage.stack if function == policies.MAIN else f"{stage.stack}-{function}"

    role = roles.of_function(name)

    assert role.name == f"{stage.stack}-{function}"
    assert list(role.statements) == roles.statements(policies.policy(stage, function))
    assert (role.trust, role.managed, role.boundary) == (BY_LAMBDA, (), None)


def test_a_second_deployment_without_chalices_memory_makes_nothing_twice(chalice: ByChalice) -> None:
    before = inventory(SECRET)
    (chalice.project / STATE).unlink()

    chalice.deploy()

    assert inventory(SECRET) == before


def test_a_stage_that_is_deleted_leaves_its_resources_only(chalice: ByChalice) -> None:
    chalice.deploy("--delete")

    left = inventory(SECRET)
    assert (left["functions"], left["roles"], left["triggers"], left["schedules"]) == ({}, 0, [], [])
    assert (left["APIs"], left["logs"], left["rotation"]["on"]) == ([], 0, False)
    assert boto3.client("dynamodb").describe_table(TableName="ecommerce-dev")["Table"]["TableStatus"] == "ACTIVE"
    assert not (chalice.project / STATE).exists()
    chalice.deploy("--delete")
