"""The drill: a shop is damaged, and goes back to what it was; what was done since is told, and it sells again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import pytest
import urllib3

from chalicelib.core import clock, settings
from chalicelib.core.deadline import Deadline
from tests.infra.packaging import copied, network, run
from tests.support.ports import free_port
from tools.local import deployed, payments, seed
from tools.local.settings import ACCOUNT, LocalSettings
from tools.package import runtime
from tools.restore.tables import text_of
from tools.stages import Stage, files
from tools.testing.shop import ADDRESS, ShopAnswer

pytestmark = [pytest.mark.no_cover, network]

NAME, TABLE = "drill", "ecommerce-drill"
PATIENCE_SECONDS = 180
Items = dict[tuple[str, str], dict[str, Any]]


@dataclasses.dataclass
class Drill:
    """A deployed stage of its own, its project, and where its API answers."""

    project: Path
    local: LocalSettings
    url: str = ""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def stage(self) -> Stage:
        return files.read(NAME, self.project / "stages")

    def deploy(self) -> None:
        """What `make release` comes to on the local AWS."""
        run(self.project, "-m", "tools.package", NAME, "out", "--python", runtime.own())
        outputs = deployed.deploy_package(self.stage, self.project / "out")
        self.url = deployed.api_url(self.local, NAME, outputs)

    def tool(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run an operators' tool in the project as an operator does."""
        command, ours = [sys.executable, "-m", *arguments], self.stage.environment
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        environment = {**kept, "STAGE": NAME, "YES": "1"}
        return subprocess.run(
            command, cwd=self.project, env=environment, capture_output=True, text=True, check=False, timeout=600
        )

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> ShopAnswer:
        sent = {"Content-Type": "application/json", **self.headers, **headers}
        text = None if body is None else json.dumps(body)
        answer = urllib3.request(method, self.url + path, body=text, headers=sent, retries=False, timeout=60)
        return ShopAnswer(answer.status, answer.data.decode(), dict(answer.headers))

    def login(self, email: str) -> Drill:
        credentials = {"email": email, "password": seed.ACCOUNTS[email]}
        token = self("POST", "/auth/login", credentials).expect(200)["accessToken"]
        return dataclasses.replace(self, headers={"Authorization": f"Bearer {token}"})

    def order(self, product_id: str) -> str:
        body = {
            "items": [{"productId": product_id, "quantity": 1}], "shippingAddress": ADDRESS,
            "paymentMethod": {"type": "card", "token": "tok_success"},
        }  # fmt: skip
        return str(self("POST", "/orders", body).expect(201)["orderId"])

    def mails(self) -> str:
        return urllib3.request("GET", f"{self.local.cloud_url}/_ministack/ses/messages").data.decode()


@pytest.fixture
def drill(cloud: LocalSettings, tmp_path: Path) -> Iterator[Drill]:
    """The stage `drill`, made by copying the file of dev, with a payment service and the demo catalogue."""
    project, local = tmp_path / "project", dataclasses.replace(cloud, payment_port=free_port(), state=tmp_path)
    project.mkdir()
    copied(project)
    text = (project / "stages" / "dev.toml").read_text()
    paid = f'PAYMENT_PROVIDER = "simulator-http"\nPAYMENT_URL = "{local.payment_url}"'
    text = text.replace('PAYMENT_PROVIDER = "simulator"', paid)
    (project / "stages" / f"{NAME}.toml").write_text(text.replace("is_protected = false", "is_protected = true"))
    run(project, "-m", "tools.stages")
    made = Drill(project, local)
    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": f"arn:aws:iam::{ACCOUNT}:role/logs"}
    boto3.client("apigateway").update_account(patchOperations=[role])  # as `make account` does
    deployed.deploy_resources(made.stage)
    made.deploy()
    with ExitStack() as stack:
        hook = made.url + payments.WEBHOOK
        stack.enter_context(payments.running(local, made.stage.payment_secret_name, hook))
        stack.enter_context(mock.patch.dict(os.environ, made.stage.environment))
        settings.current.cache_clear()
        stack.callback(settings.current.cache_clear)
        seed.seed()
        yield made


def contents(table: str) -> Items:
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {(item["PK"]["S"], item["SK"]["S"]): item for page in pages for item in page["Items"]}


def digest(items: Items) -> str:
    return hashlib.sha256(json.dumps(sorted(items.items()), sort_keys=True).encode()).hexdigest()[:16]


def quiet_instant() -> tuple[datetime, Items]:
    """A whole second around which nothing was written, and what was in the table then."""
    deadline = Deadline(PATIENCE_SECONDS)
    while True:
        deadline.require()
        before, at = contents(TABLE), clock.now().replace(microsecond=0) + timedelta(seconds=1)
        while clock.now() < at + timedelta(milliseconds=50):
            clock.pause(0.02)
        if contents(TABLE) == before:
            return at, before


def damage() -> None:
    """What a bad script does: products are gone, prices are doubled, half of the orders are removed."""
    dynamodb = boto3.client("dynamodb")
    orders = 0
    for (pk, sk), item in contents(TABLE).items():
        key = {"PK": item["PK"], "SK": item["SK"]}
        if pk.startswith("PRODUCT#") and sk == "METADATA":
            dynamodb.delete_item(TableName=TABLE, Key=key)
        elif pk.startswith("PRODUCT#") and sk == "STOCK":
            price = {"N": str(2 * int(item["price"]["N"]))}
            dynamodb.put_item(TableName=TABLE, Item={**item, "price": price})
        elif sk.startswith("ORDER#"):
            orders += 1
            if orders % 2 == 0:
                dynamodb.delete_item(TableName=TABLE, Key=key)


def wait_for(what: str, drill: Drill, table: str, text: str) -> None:
    """Return when a mail has the text, and when a line of a history in the table has it."""
    deadline = Deadline(PATIENCE_SECONDS)
    while text not in drill.mails() or not _is_in_history(table, text):
        assert not deadline.is_over, what
        clock.pause(0.1)


def _is_in_history(table: str, text: str) -> bool:
    return any(pk.startswith("AUDIT#") and text in json.dumps(item) for (pk, _), item in contents(table).items())


def tell(tables: Mapping[str, Items], *, since: float) -> None:
    """Print the figures of the drill; `pytest -s` shows them."""
    lines = [f"{what:9} {len(items):5} items  {digest(items)}" for what, items in tables.items()]
    lines += [f"{clock.monotonic() - since:.0f} s from the first order to the last audit"]
    sys.stdout.write("\n".join(["", *lines, ""]))


def test_a_damaged_shop_goes_back_and_sells_again(drill: Drill) -> None:
    began = clock.monotonic()
    customer = drill.login(seed.CUSTOMER)
    products = customer("GET", "/products?limit=50").expect(200)["products"]
    product = next(product for product in products if product["stock"] >= 10)
    orders = [customer.order(product["productId"]) for _ in range(4)]
    wait_for("the mail and the history of an order", drill, TABLE, orders[-1])
    at, before = quiet_instant()
    lost, removed = customer.order(product["productId"]), customer.order(product["productId"])
    damage()
    damaged = contents(TABLE)

    restored = drill.tool("tools.restore", "restore", NAME, "--at", text_of(at), "--switch")

    assert restored.returncode == 0, restored.stderr
    table, after = drill.stage.table_name, contents(drill.stage.table_name)
    assert table != TABLE
    assert "0 drift" in restored.stdout
    assert f"the order is lost: {lost}:1" in restored.stderr
    assert f"the order is lost: {removed}:1" in restored.stderr
    told = [json.loads(line) for line in (drill.project / f"restore-{table}.jsonl").read_text().splitlines()]
    assert [line["what"] for line in told if line["id"] == lost] == ["not in the restored table"]
    assert {key: after[key] for key in before} == before
    assert {pk.partition("#")[0] for pk, _ in after.keys() - before.keys()} <= {"STOREAUDIT", "PARKED"}
    assert customer("GET", "/products").status == 429
    still = drill.tool("tools.restore", "open", NAME)
    assert still.returncode == 2
    assert f"is at {TABLE}, and the stage at {table}" in still.stderr

    released = drill.tool("tools.release", "release", NAME, "--python", runtime.own())

    assert released.returncode == 0, released.stdout + released.stderr
    assert "make open STAGE=drill" in released.stdout
    assert customer("GET", "/products").status == 429
    opened = drill.tool("tools.restore", "open", NAME)

    assert opened.returncode == 0, opened.stderr
    back = drill.login(seed.CUSTOMER)
    assert back("GET", f"/products/{product['productId']}").expect(200)["price"] == product["price"]
    assert {order["orderId"] for order in back("GET", "/orders").expect(200)["orders"]} == set(orders)
    wait_for("an order of the restored shop", drill, table, back.order(product["productId"]))
    audited = drill.tool("tools.audit")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    tell({"before": before, "damaged": damaged, "restored": {key: after[key] for key in before}}, since=began)
