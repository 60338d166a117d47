"""A stage that is released again and again, its packages with something changed, and customers who order meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3

from chalicelib.core import clock
from tests.infra.packaging import SETTINGS
from tools import stages
from tools.local import deployed
from tools.package import artifacts, finishing
from tools.release import shipping, trying
from tools.release.smoke.journey import ADDRESS
from tools.release.smoke.ways import OverHttp, Reply

STAGE = stages.read("dev")
CLIENTS = 4
UNITS = 100_000
PATIENCE_SECONDS = 180.0  # all of it shares a machine's few processors
PRODUCTS = 3
PAUSE_SECONDS = 1.0  # between a customer's orders, so that the stream can follow on two processors that others use
HELLO = ("app.py", "Hello from Lambda")
Edit = tuple[str, str, str]
CHECKOUT = ("chalicelib/orders/service.py", "lambda: _reserve(request, buyer, claim, use)")
BREAKS_CHECKOUT: Edit = (*CHECKOUT, "lambda: 1 / 0")
CANARY = "Canary10Percent5Minutes"
MINUTE_SECONDS = 2  # of CodeDeploy's, on the local AWS


def say(line: str) -> None:
    """Into what `-rP` shows of a test."""
    sys.stdout.write(f"{line}\n")


def packaged_with(out: Path, to: Path, *edits: Edit, config: str = "AllAtOnce") -> Path:
    """A copy of a package with other code: of a file, what stands for what."""
    to.mkdir()
    changed = {file: (old, new) for file, old, new in edits}
    stems = {f"{Path(file).parent}/__pycache__/{Path(file).stem}." for file in changed}
    with zipfile.ZipFile(out / "deployment.zip") as made, zipfile.ZipFile(to / "deployment.zip", "w") as other:
        for name in made.namelist():
            if any(name.startswith(stem.removeprefix("./")) for stem in stems):
                continue  # bytecode would win over the source
            content = made.read(name)
            if name in changed:
                old, new = changed[name]
                assert old.encode() in content, f"{name} has no {old!r}"
                content = content.replace(old.encode(), new.encode())
            other.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 1)
    (to / "smoke.zip").write_bytes((out / "smoke.zip").read_bytes())
    sam = json.loads((out / "sam.json").read_text())
    for properties in finishing.functions(sam).values():
        if "DeploymentPreference" in properties:
            properties["DeploymentPreference"]["Type"] = config
    finishing.publish_what_changed(sam, sha256((to / "deployment.zip").read_bytes()).hexdigest())
    (to / "sam.json").write_text(finishing.written(sam))
    return to


def ship(out: Path) -> str:
    """Release the package; what the tool says of it. Raises `Refusal` as it does."""
    return shipping.ship(STAGE, artifacts.put(STAGE.name, out).url, say, started=clock.monotonic())


def open_shop(out: Path, scratch: Path) -> None:
    """The resources, the first release, and something to sell."""
    deployed.deploy_resources(STAGE)
    ship(out)
    fill(scratch)


def fill(scratch: Path) -> None:
    """Put something to sell into the shop."""
    file = scratch / "goods.csv"
    rows = [f"tests,mug-{number},9.5,Mug {number},{UNITS}" for number in range(PRODUCTS)]
    file.write_text("\n".join(["category,sku,price,name,stock", *rows, f"tests,quiet,9.5,Quiet,{10 * UNITS}", ""]))
    assert tool("tools.catalogue", "import", str(file)).returncode == 0


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """An operator's tool on the stage."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment = {**kept, "STAGE": STAGE.name}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)


def greeting(url: str | None = None) -> str:
    return str(OverHttp(url or trying.address(STAGE))("GET", "/hello").body["message"])


@dataclass
class Customers:
    """Four who order one thing after the other, until they are told to stop; where SAM deployed, or at a URL."""

    url: str = field(default_factory=lambda: trying.address(STAGE))
    quantities: tuple[int, ...] = (1,)
    pause: float = PAUSE_SECONDS
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[tuple[float, Reply]] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    sold: Counter[str] = field(default_factory=Counter)
    _over: threading.Event = field(default_factory=threading.Event)
    _some: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def ordering(self) -> Iterator[None]:
        """They order all through the block."""
        api = OverHttp(self.url, PATIENCE_SECONDS)
        self.tokens = [signed_in(api) for _ in range(CLIENTS)]
        products = api("GET", "/products?limit=50").body["products"]
        goods = [each["productId"] for each in products if each["name"].startswith("Mug")]
        threads = [
            threading.Thread(target=self._order, args=(api, token, goods[number % len(goods)]), daemon=True)
            for number, token in enumerate(self.tokens)
        ]
        for thread in threads:
            thread.start()
        assert self._some.wait(PATIENCE_SECONDS)
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _order(self, api: OverHttp, token: str, product_id: str) -> None:
        turn = 0
        while not self._over.is_set():
            quantity = self.quantities[turn % len(self.quantities)]
            turn += 1
            body = {
                "shippingAddress": ADDRESS,
                "paymentMethod": {"type": "card", "token": "tok_success"},
                "items": [{"productId": product_id, "quantity": quantity}],
            }
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
            reply = api("POST", "/orders", body, **headers)
            self.statuses[reply.status] += 1
            if reply.status == 201:
                self.placed.append(reply.body["orderId"])
                self.sold[product_id] += quantity
            else:
                self.failures.append((clock.monotonic(), reply))
            self._some.set()
            self._over.wait(self.pause)

    def listed(self) -> Counter[str]:
        """The ids of the orders that the shop lists for them, each as often as it does."""
        api, found = OverHttp(self.url), Counter[str]()
        for token in self.tokens:
            path: str | None = "/orders?limit=100"
            while path:
                page = api("GET", path, Authorization=f"Bearer {token}").body
                found.update(each["orderId"] for each in page["orders"])
                path = f"/orders?limit=100&cursor={page['nextCursor']}" if page.get("nextCursor") else None
        return found


def signed_in(api: OverHttp) -> str:
    """The token of a new customer."""
    who = {"email": f"{uuid.uuid4()}@example.com", "password": "correct horse battery"}
    assert api("POST", "/auth/register", {**who, "firstName": "Ada", "lastName": "Lovelace"}).status == 201
    return str(api("POST", "/auth/login", who).body["accessToken"])


def stocks() -> Mapping[str, int]:
    """What is left of everything."""
    products: list[dict[str, Any]] = OverHttp(trying.address(STAGE))("GET", "/products?limit=50").body["products"]
    return {each["productId"]: each["stock"] for each in products}


def versions(name: str) -> tuple[str, dict[str, float]]:
    """Which version of a function serves, and the shares of others."""
    stack = boto3.client("cloudformation").describe_stack_resource(StackName=STAGE.stack, LogicalResourceId=name)
    function = stack["StackResourceDetail"]["PhysicalResourceId"]
    alias = boto3.client("lambda").get_alias(FunctionName=function, Name="live")
    return alias["FunctionVersion"], alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})


def greeting_as(text: str) -> Edit:
    return (*HELLO, text)


def require_sound_books(customers: Customers) -> None:
    """No order is lost or doubled, and stock and money add up."""
    assert customers.listed() == dict.fromkeys(customers.placed, 1)
    audit = tool("tools.audit")
    assert audit.returncode == 0, audit.stdout + audit.stderr
