"""What the last release's code makes of a table that newer code has written; it runs among that release's own tests.

`test_last_release.py` puts it there. ITEMS names a file with every item as the wire has it, DRIFTS how many drifts the
newer code's own audit finds in it, for a day in which everything happens leaves some.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.aws import clients
from chalicelib.core import clock, settings
from tools.testing.shop import Shop

SCHEDULED = {
    "version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012",
    "time": "2026-12-31T09:30:00Z", "region": "us-east-1", "resources": [], "detail": {},
}  # fmt: skip


def written() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = msgspec.msgpack.decode(Path(os.environ["ITEMS"]).read_bytes())
    for item in items:
        clients.dynamodb().put_item(TableName=settings.current().table_name, Item=item)
    return items


def pages(admin: Shop, path: str, name: str) -> Iterator[dict[str, Any]]:
    """Everything in a list, page by page."""
    cursor = ""
    while True:
        page = admin("GET", f"{path}{'&' if '?' in path else '?'}limit=10{cursor}").expect(200)
        yield from page[name]
        if not page.get("nextCursor"):
            return
        cursor = f"&cursor={page['nextCursor']}"


def test_everything_that_is_there_can_be_read(shop: Shop) -> None:
    items = written()
    kinds = Counter((item["PK"]["S"].partition("#")[0], item["SK"]["S"].partition("#")[0]) for item in items)
    admin = shop.admin("reader@example.com")

    users = list(pages(admin, "/users", "users"))
    products = list(pages(admin, "/admin/products", "products"))
    for user in users:
        assert admin("GET", f"/users/{user['userId']}").status == 200
        list(pages(admin, f"/users/{user['userId']}/audit", "entries"))
    for product in products:
        assert admin("GET", f"/admin/products/{product['productId']}").status == 200
        list(pages(admin, f"/products/{product['productId']}/stock", "movements"))
    orders = [item["SK"]["S"].partition("#")[2] for item in items if is_order(item)]
    for order in orders:
        assert admin("GET", f"/orders/{order}").expect(200)["orderId"] == order
        list(pages(admin, f"/orders/{order}/refunds", "refunds"))
    listed = {order["orderId"] for order in pages(admin, "/orders", "orders")}
    for path, name in (("/coupons", "coupons"), ("/admin/incidents", "incidents"), ("/categories", "categories")):
        list(pages(admin, path, name))
    for webhook in pages(admin, "/webhooks", "webhooks"):
        list(pages(admin, f"/webhooks/{webhook['webhookId']}/deliveries", "deliveries"))

    assert len(users) == kinds["USER", "PROFILE"] + 1  # and who reads
    assert len(products) == kinds["PRODUCT", "METADATA"]
    assert listed <= set(orders)
    assert len(orders) > 10


def test_the_schedule_and_the_audit_go_on_with_it(shop: Shop) -> None:
    written()
    assert shop("GET", "/products?limit=50").status == 200

    with clock.fixed(clock.now() + timedelta(days=1)):
        swept = shop.client.lambda_.invoke("run_scheduled_work", SCHEDULED).payload
        audited = shop.client.lambda_.invoke("check_store", SCHEDULED).payload

    assert swept.get("failed", 0) == 0
    assert audited == {"drifts": int(os.environ["DRIFTS"])}


def is_order(item: dict[str, Any]) -> bool:
    return item["PK"]["S"].startswith("USER#") and item["SK"]["S"].startswith("ORDER#")
