"""The whole shop in processes of its own, on free ports of this machine, with an empty state.

`--form` says what is opened: what `make run` does, or what is deployed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from chalicelib.core import clock
from tests.support import terraform
from tests.support.ports import free_port
from tools import dated
from tools.local import schedule
from tools.local import settings as local
from tools.local.settings import LocalSettings
from tools.testing.shop import ADDRESS, PASSWORD, ShopAnswer

ROOT = Path(__file__).parents[2]
KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH", *dated.VARIABLES)


@dataclass
class Browser:
    """Somebody who talks to the shop over HTTP and keeps the connection open."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=8, retries=False))

    def __call__(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> ShopAnswer:
        sent = {"Content-Type": "application/json", **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = raw if raw is not None else None if body is None else json.dumps(body).encode()
        response = self.pool.request(method, self.url + path, body=content, headers=sent, timeout=60)
        return ShopAnswer(response.status, response.data.decode(), dict(response.headers))

    def login(self, email: str, password: str) -> Browser:
        answer = self("POST", "/auth/login", {"email": email, "password": password})
        assert answer.status == 200, answer
        return Browser(self.url, {"Authorization": f"Bearer {answer.body['accessToken']}"})

    def customer(self, email: str) -> Browser:
        names = {"firstName": "Ada", "lastName": "Lovelace"}
        answer = self("POST", "/auth/register", {"email": email, "password": PASSWORD, **names})
        assert answer.status == 201, answer
        return self.login(email, PASSWORD)

    def order(self, product_id: str, quantity: int, **headers: str) -> ShopAnswer:
        return self.check_out(items=[{"productId": product_id, "quantity": quantity}], headers=headers)

    def check_out(
        self, token: str = "tok_success", *, headers: dict[str, str] | None = None, **more: Any
    ) -> ShopAnswer:
        """Order what `items` says, or the cart."""
        body = {"shippingAddress": ADDRESS, "paymentMethod": {"type": "card", "token": token}, **more}
        return self("POST", "/orders", body, **(headers or {}))


@dataclass(frozen=True)
class Form:
    """A way in which the shop is open: what the launcher is told, and the stage that it is then."""

    command: str
    stage: str
    start_seconds: int = 180


FORMS = {
    "local": Form("run", "local"),
    "sam": Form("deployed", "dev", start_seconds=600),
    "chalice": Form("chalice", "dev", start_seconds=600),
    "terraform": Form("terraform", "dev", start_seconds=900),
}


@dataclass
class OpenShop:
    """The launcher of a form without make, its addresses, and a way to stop and start it."""

    state: Path
    form: Form = FORMS["local"]
    port: int = field(default_factory=free_port)
    cloud_port: int = field(default_factory=free_port)
    payment_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the API answers, as the launcher says."""
        found = re.search(r"^The .+ at (http\S+)$", self.said, re.MULTILINE)
        assert found, self.said
        return found[1]

    @property
    def said(self) -> str:
        """What the launcher has printed since the shop was opened last."""
        return self._output.read_text() if self._output.exists() else ""

    @property
    def payments(self) -> Browser:
        """The payment service, to an administrator's hand."""
        return Browser(f"http://127.0.0.1:{self.payment_port}")

    def aws(self, service: str) -> Any:
        """A client of the local AWS, to an operator's hand."""
        endpoint = f"http://127.0.0.1:{self.cloud_port}"
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}
        return boto3.client(service, endpoint_url=endpoint, **keys)

    def environment(self) -> dict[str, str]:
        """What the shop and its tools are told: nothing of the terminal's but how to find programs, and our ports."""
        ports = {"PORT": self.port, "CLOUD_PORT": self.cloud_port, "PAYMENT_PORT": self.payment_port}
        ours = {**{name: str(port) for name, port in ports.items()}, "STATE_DIR": str(self.state)}
        plain = {name: value for name, value in os.environ.items() if name in KEPT}
        return {**plain, **ours, "STAGE": self.form.stage}

    def tool(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a tool on this shop, as an operator with keys to its account."""
        settings = LocalSettings(self.port, self.cloud_port, self.state, self.payment_port)
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env={**self.environment(), **local.aws_environment(settings)},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def rotate(self) -> None:
        """Rotate the signing key: by hand where nobody else does, else by the function that AWS calls for it."""
        if self.form.stage == local.STAGE:
            assert self.tool("tools.local.rotate").returncode == 0
            return
        vault = self.aws("secretsmanager")
        before = vault.describe_secret(SecretId=self.signing_key)["VersionIdsToStages"]
        version = vault.rotate_secret(SecretId=self.signing_key)["VersionId"]
        assert version not in before
        wait_until(lambda: "AWSCURRENT" in self._labels(version))

    def _labels(self, version: str) -> list[str]:
        found = self.aws("secretsmanager").describe_secret(SecretId=self.signing_key)["VersionIdsToStages"]
        return list(found.get(version, ()))

    @property
    def signing_key(self) -> str:
        """The name of the secret that signs tokens."""
        return f"ecommerce/{self.form.stage}/jwt/secret"

    def run_job(self, name: str) -> Any:
        """What a scheduled function answers when it is called now."""
        if self.form.stage == local.STAGE:
            ran = self.tool("tools.jobs", name)
            assert ran.returncode == 0, ran.stderr
            return json.loads(ran.stdout)
        function = self._function(name)
        called = self.aws("lambda").invoke(FunctionName=function, Payload=json.dumps(schedule.event(clock.now())))
        answer = json.load(called["Payload"])
        assert "FunctionError" not in called, answer
        return answer

    def _function(self, name: str) -> str:
        if self.form == FORMS["chalice"]:
            return f"ecommerce-{self.form.stage}-{name}"
        logical_id = "".join(word.capitalize() for word in name.split("_"))
        if self.form == FORMS["terraform"]:
            return f"ecommerce-{self.form.stage}-{logical_id}"
        stack = self.aws("cloudformation").describe_stack_resource(
            StackName=f"ecommerce-{self.form.stage}", LogicalResourceId=logical_id
        )
        return str(stack["StackResourceDetail"]["PhysicalResourceId"])

    def start(self) -> None:
        """Open the shop, and wait until it says so."""
        command = [sys.executable, "-m", "tests.e2e.launch", self.form.command]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(), stdout=output, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + self.form.start_seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said
            if "Ctrl-C stops it" in self.said:
                assert Browser(self.url)("GET", "/health").status == 200
                return
            time.sleep(0.1)
        pytest.fail(f"the shop did not open: {self.said}")

    @property
    def _output(self) -> Path:
        return self.state.with_name("launcher.txt")

    def stop(self) -> int:
        """Close the shop; the launcher's exit code."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=240)

    def kill(self) -> None:
        """Make sure that nothing is left, however the test ended."""
        if self.process and self.process.poll() is None:
            try:
                self.stop()
            finally:
                self.process.kill()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def at_once(calls: int, call: Callable[[int], Any]) -> list[Any]:
    """The answers of calls that all begin together."""
    barrier = threading.Barrier(calls, timeout=60)

    def one(number: int) -> Any:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(one, range(calls)))


@pytest.fixture(scope="session")
def form(request: pytest.FixtureRequest) -> str:
    asked = str(request.config.getoption("--form"))
    if asked not in FORMS:
        pytest.exit(f"There is no form {asked!r} of the shop; there are {', '.join(FORMS)}.", returncode=2)
    return asked


@pytest.fixture(scope="session")
def open_shop(form: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShop]:
    """The shop, opened once for all tests of this folder."""
    if form != "local" and "OFFLINE" in os.environ:
        pytest.skip("what is deployed is packaged, packaging fetches wheels, and OFFLINE is set")
    if form == "terraform":
        terraform.program()
    shop = OpenShop(tmp_path_factory.mktemp("shop") / "state", FORMS[form])
    try:
        shop.start()
        yield shop
    finally:
        shop.kill()


@pytest.fixture
def visitors(open_shop: OpenShop) -> Iterator[Any]:
    """Who meets the shop through its Python client; a `customers.Visitors`."""
    from tests.e2e import customers  # noqa: PLC0415 - makes the client, for those tests alone that use it

    coming = customers.Visitors(open_shop.url)
    yield coming
    coming.leave()


@pytest.fixture
def guest(open_shop: OpenShop) -> Browser:
    return Browser(open_shop.url)


@pytest.fixture
def admin(guest: Browser) -> Browser:
    return guest.login("admin@example.com", "demo-admin-password")
