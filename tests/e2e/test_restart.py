"""What a restart of the whole shop keeps, and what a shop that is closed says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Browser, OpenShop


@pytest.fixture(autouse=True)
def _about_make_run(form: str) -> None:
    if form != "local":
        pytest.skip("about what `make run` keeps over a restart; a shop on AWS is never closed")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[OpenShop]:
    """A shop of the test's own, open, and closed at the end whatever happens."""
    own = OpenShop(tmp_path / "state")
    try:
        own.start()
        yield own
    finally:
        own.kill()


def test_orders_and_accounts_are_there_after_a_restart(shop: OpenShop) -> None:
    guest = Browser(shop.url)
    mug = {"name": "Mug", "price": 12.5, "category": "restarts", "stock": 5}
    product = guest.login("admin@example.com", "demo-admin-password")("POST", "/products", mug).body
    ordered = guest.customer("keeper@example.com").order(product["productId"], 1)
    assert ordered.status == 201, ordered
    order_id = ordered.body["orderId"]
    left = guest("GET", f"/products/{product['productId']}").body["stock"]

    assert shop.stop() == 0
    shop.start()

    again = guest.login("keeper@example.com", "correct horse battery")
    assert [order["orderId"] for order in again("GET", "/orders").body["orders"]] == [order_id]
    assert guest("GET", f"/products/{product['productId']}").body["stock"] == left
    assert shop.stop() == 0


def test_an_import_without_a_local_aws_says_how_to_start_it(tmp_path: Path) -> None:
    shop = OpenShop(tmp_path / "state")
    file = tmp_path / "goods.jsonl"
    file.write_text('{"sku":"a","name":"A","category":"b","price":1}\n')

    refused = shop.tool("tools.catalogue", "import", str(file))

    assert refused.returncode == 2
    assert "make run" in refused.stderr
    assert "Traceback" not in refused.stderr
