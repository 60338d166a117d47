"""The shop as its visitors meet it: over HTTP, with mail, stream and schedule running."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.e2e.conftest import Browser, LocalShop

THREADS = 8
TRIES_EACH = 200
UNITS = 500


def eventually(question: Callable[[], Any], seconds: float = 20) -> Any:
    """The first truthy answer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.2)
    return pytest.fail("it did not happen in time")


def mails_to(shop: LocalShop, address: str) -> list[str]:
    """The subjects of the mails in the local outbox to one address."""
    answer = urllib3.request("GET", f"http://127.0.0.1:{shop.cloud_port}/_ministack/ses/messages")
    mails = [mail for account in answer.json()["messages"].values() for mail in account]
    return [mail["Subject"] for mail in mails if address in mail["To"]]


def new_product(admin: Browser, stock: int) -> str:
    product = {"name": "Mug", "price": 12.5, "category": "kitchen", "stock": stock}
    return str(admin("POST", "/products", product).body["productId"])


def test_the_readmes_story(local_shop: LocalShop, guest: Browser) -> None:
    ada = guest.customer("story@example.com")
    (product,) = guest("GET", "/products/category/kitchen?limit=1").body["products"]
    path = f"/products/{product['productId']}"
    stock = guest("GET", path).body["stock"]

    ada("POST", "/cart/items", {"productId": product["productId"], "quantity": 2})
    checkout = {
        "shippingAddress": {"street": "1 Main Street", "city": "Springfield", "postalCode": "12345", "country": "US"},
        "paymentMethod": {"type": "card", "token": "tok_success"},
    }
    order = ada("POST", "/orders", checkout)

    assert (order.status, order.body["paymentStatus"]) == (201, "paid")
    order_id = order.body["orderId"]
    assert [o["orderId"] for o in ada("GET", "/orders").body["orders"]] == [order_id]
    assert guest("GET", path).body["stock"] == stock - 2
    assert eventually(lambda: mails_to(local_shop, "story@example.com")) == [f"Order {order_id} confirmed"]
    assert ada("PUT", f"/orders/{order_id}/cancel").body["paymentStatus"] == "refunded"
    assert guest("GET", path).body["stock"] == stock


def test_eight_buyers_two_hundred_tries_five_hundred_units(guest: Browser, admin: Browser) -> None:
    mug = new_product(admin, UNITS)
    buyers = [guest.customer(f"racer{number}@example.com") for number in range(THREADS)]

    def buy(buyer: Browser) -> list[int]:
        return [buyer.order(mug, 1).status for _ in range(TRIES_EACH)]

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = Counter(status for result in pool.map(buy, buyers) for status in result)

    assert statuses == {201: UNITS, 409: THREADS * TRIES_EACH - UNITS}
    assert guest("GET", f"/products/{mug}").body["stock"] == 0


def test_a_double_click_is_one_order_with_the_same_bytes(guest: Browser, admin: Browser) -> None:
    mug = new_product(admin, 50)
    ada = guest.customer("double@example.com")

    with ThreadPoolExecutor(THREADS) as pool:
        first = list(pool.map(lambda _: ada.order(mug, 1, Idempotency_Key="click"), range(THREADS)))
    again = ada.order(mug, 1, Idempotency_Key="click")

    assert {answer.status for answer in first} <= {201, 409}
    assert {a.body["code"] for a in first if a.status == 409} <= {"request_in_progress"}
    assert {a.text for a in first if a.status == 201} == {again.text}
    assert guest("GET", f"/products/{mug}").body["stock"] == 49


def test_fifty_registrations_of_one_address_make_one_user(guest: Browser) -> None:
    body = {"password": "correct horse battery", "firstName": "Ada", "lastName": "Lovelace"}
    spellings = ["same@example.com", "SAME@example.com", "Same@Example.COM"]

    def register(number: int) -> int:
        return guest("POST", "/auth/register", {"email": spellings[number % 3], **body}).status

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = Counter(pool.map(register, range(16)))

    assert statuses == {201: 1, 409: 15}


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b"[" * 10_000, b'{"email":' + b"9" * 5000])
@pytest.mark.parametrize("path", ["/auth/register", "/auth/login", "/cart/items"])
def test_broken_bodies_get_a_problem_document(guest: Browser, path: str, raw: bytes) -> None:
    answer = guest("POST", path, raw=raw)

    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["code"] in ("invalid_json", "validation_failed")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("PATCH", "/products", 405, "method_not_allowed"),
        ("GET", "/orders", 401, "unauthorized"),
        ("GET", "/products/nothing", 404, "product_not_found"),
    ],
)
def test_the_gateways_own_answers_are_problem_documents_for_browsers_too(
    guest: Browser, method: str, path: str, status: int, code: str
) -> None:
    answer = guest(method, path)

    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_an_invalid_token_is_401_and_a_customer_is_403_where_admins_work(guest: Browser) -> None:
    eve = guest.customer("eve@example.com")

    assert guest("GET", "/auth/me", Authorization="Bearer nonsense").status == 401
    assert eve("POST", "/products", {"name": "Mug", "price": 1, "category": "kitchen"}).body["code"] == "forbidden"


def test_an_import_and_its_repeat(local_shop: LocalShop, guest: Browser, tmp_path: Path) -> None:
    file = tmp_path / "goods.csv"
    file.write_text("category,sku,price,name,stock\nimported,imp-1,9.99,First,3\nimported,imp-2,1.50,Second,4\n")

    first = local_shop.tool("tools.catalogue", "import", str(file))
    again = local_shop.tool("tools.catalogue", "import", str(file))

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    shown = guest("GET", "/products/category/imported").body["products"]
    assert {(p["sku"], p["price"], p["stock"]) for p in shown} == {("imp-1", 9.99, 3), ("imp-2", 1.5, 4)}
    assert "2 unchanged" in again.stdout + again.stderr
