"""The whole shop in processes of its own, on free ports of this machine, with an empty state."""

from __future__ import annotations

import json
import os
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

import pytest
import urllib3

from tests.support.ports import free_port
from tools import dated
from tools.testing.shop import ADDRESS, PASSWORD, ShopAnswer

ROOT = Path(__file__).parents[2]
START_SECONDS = 120
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


@dataclass
class LocalShop:
    """`make run` without make: the launcher, its addresses, and a way to stop and start it."""

    state: Path
    port: int = field(default_factory=free_port)
    cloud_port: int = field(default_factory=free_port)
    payment_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def payments(self) -> Browser:
        """The payment service, to an administrator's hand."""
        return Browser(f"http://127.0.0.1:{self.payment_port}")

    def environment(self) -> dict[str, str]:
        ports = {"PORT": self.port, "CLOUD_PORT": self.cloud_port, "PAYMENT_PORT": self.payment_port}
        ours = {**{name: str(port) for name, port in ports.items()}, "STATE_DIR": str(self.state)}
        plain = {name: value for name, value in os.environ.items() if name in KEPT}
        return {**plain, **ours}

    def tool(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment(), capture_output=True, text=True, timeout=180, check=False
        )

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.e2e.launch", "run"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.process.stdout and self.process.stdout.read()
            try:
                if Browser(self.url)("GET", "/health").status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                time.sleep(0.2)
        pytest.fail("the shop did not open")

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=240)
        return self.process.returncode

    def kill(self) -> None:
        """Make sure that nothing is left, however the test ended."""
        if self.process and self.process.poll() is None:
            try:
                self.stop()
            finally:
                self.process.kill()


def at_once(calls: int, call: Callable[[int], Any]) -> list[Any]:
    """The answers of calls that all begin together."""
    barrier = threading.Barrier(calls, timeout=60)

    def one(number: int) -> Any:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(one, range(calls)))


@pytest.fixture(scope="session")
def local_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalShop]:
    """The shop, opened once for all tests of this folder."""
    shop = LocalShop(tmp_path_factory.mktemp("shop") / "state")
    try:
        shop.start()
        yield shop
    finally:
        shop.kill()


@pytest.fixture
def guest(local_shop: LocalShop) -> Browser:
    return Browser(local_shop.url)


@pytest.fixture
def admin(guest: Browser) -> Browser:
    return guest.login("admin@example.com", "demo-admin-password")
