"""The shop as its visitors meet it: over HTTP, with mail, stream and schedule running."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from tests.e2e import customers
from tests.e2e.conftest import Browser, OpenShop

THREADS = 8
TRIES_EACH = 200
UNITS = 500


def new_product(admin: Browser, stock: int) -> str:
    product = {"name": "Mug", "price": 12.5, "category": "sold", "stock": stock}
    return str(admin("POST", "/products", product).body["productId"])


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
    page = guest("GET", f"/problems/{answer.body['type'].rpartition('/')[2]}", Accept="text/html")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_who_comes_to_a_shop_on_this_machine_finds_its_mail_and_its_accounts_and_nobody_else_does(
    guest: Browser, open_shop: OpenShop
) -> None:
    told, page = guest("GET", "/").body, guest("GET", "/", Accept="text/html").text

    is_local = open_shop.form.stage == "local"
    assert ({"outbox", "payments"} <= set(told["links"]), "accounts" in told, "demo-" in page) == (is_local,) * 3
    for url in [each for each in told["links"].values() if each.startswith("http")]:
        assert urllib3.request("GET", url, timeout=60).status == 200


def test_an_invalid_token_is_401_and_a_customer_is_403_where_admins_work(guest: Browser) -> None:
    eve = guest.customer("eve@example.com")

    assert guest("GET", "/auth/me", Authorization="Bearer nonsense").status == 401
    assert eve("POST", "/products", {"name": "Mug", "price": 1, "category": "kitchen"}).body["code"] == "forbidden"


def test_an_import_and_its_repeat(open_shop: OpenShop, visitors: customers.Visitors, tmp_path: Path) -> None:
    file = tmp_path / "goods.csv"
    file.write_text("category,sku,price,name,stock\nimported,imp-1,9.99,First,3\nimported,imp-2,1.50,Second,4\n")

    first = open_shop.tool("tools.catalogue", "import", str(file))
    again = open_shop.tool("tools.catalogue", "import", str(file))

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    shown = list(visitors.guest().iter_category("imported", limit=1))
    assert {(each.sku, each.price, each.stock) for each in shown} == {("imp-1", 9.99, 3), ("imp-2", 1.5, 4)}
    assert "2 unchanged" in again.stdout + again.stderr
