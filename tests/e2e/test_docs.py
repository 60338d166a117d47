"""The pages of the shop, in a browser: somebody logs in at /docs, and buys something by what the page sends."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import pytest
import urllib3

from tests.e2e.conftest import Browser, OpenShop
from tests.support import axe, chromium
from tests.support.chromium import Page
from tools.refusal import Refusal
from tools.testing.shop import ADDRESS

LOADED = re.compile(r'(?:href|src)="([^"]+)" integrity="sha384-([^"]+)"')
CUSTOMER = "customer@example.com"
TO_PAY = {"shippingAddress": ADDRESS, "paymentMethod": {"type": "card", "token": "tok_success"}}


@pytest.fixture(scope="module")
def page(open_shop: OpenShop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser, where there is one; what it shows is the same in every form of the shop."""
    if open_shop.form.command != "run":
        pytest.skip("the pages are looked at where the shop is open as by `make run`")
    if chromium.program() is None:
        skip_or_fail(f"There is no {chromium.PROGRAMS[0]} on the PATH.")
    with chromium.opened(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def audit() -> str:
    try:
        return axe.script()
    except Refusal as refusal:
        skip_or_fail(f"The pages were not audited: {refusal}")


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test, and say why; the workflow's machines have both, so there it fails."""
    (pytest.fail if "GITHUB_ACTIONS" in os.environ else pytest.skip)(reason)


@dataclass
class Purchase:
    """What was bought at the page, and what it showed."""

    line: dict[str, Any]
    added: tuple[int, Any]
    ordered: tuple[int, Any]


@dataclass
class Route:
    """A route as the page shows it."""

    page: Page
    method: str
    path: str

    @property
    def block(self) -> str:
        """Where it is."""
        path = f"document.querySelector('.opblock-{self.method} [data-path=\"{self.path}\"]')"
        return f"{path}?.closest('.opblock')"

    def send(self, body: dict[str, Any]) -> tuple[int, Any]:
        """Write the body, and send the request; status and body of what the page shows then."""
        self.page.wait_for(self.block)
        self.turn()
        self.page.wait_for(f"{self.block}.querySelector('button.execute')")
        self.page.wait_for(f"!{self.block}.querySelector('.opblock-loading-animation')")
        self.page.run(f"{self.block}.querySelector('textarea').select()")
        self.page.call("Input.insertText", text=json.dumps(body))
        self.page.run(f"{self.block}.querySelector('button.execute').click()")
        answer = f"{self.block}.querySelector('.live-responses-table .response')"
        self.page.wait_for(f"{answer}?.querySelector('.highlight-code pre')")
        status = self.page.run(f"{answer}.querySelector('.response-col_status').innerText")
        shown = self.page.run(f"{answer}.querySelector('.highlight-code pre').innerText")
        return int(status.split()[0]), json.loads(shown)

    def turn(self) -> None:
        """Open it, or close it again."""
        self.page.run(f"{self.block}.querySelector('.opblock-summary-control').click()")


@pytest.fixture(scope="module")
def purchase(open_shop: OpenShop, page: Page) -> Purchase:
    """What a customer buys at the page, which stays as it is then."""
    offered = Browser(open_shop.url)("GET", "/products/category/kitchen?limit=1&inStock=true").body["products"]
    line = {"productId": offered[0]["productId"], "quantity": 1}
    puts, orders = Route(page, "post", "/cart/items"), Route(page, "post", "/orders")
    page.open(f"{open_shop.url}/docs")
    page.wait_for("document.querySelector('#accounts button')")

    buttons = "[...document.querySelectorAll('#accounts button')]"
    page.run(f"{buttons}.find((each) => each.innerText.includes('{CUSTOMER}')).click()")
    page.wait_for(f"document.querySelector('#told').innerText.startsWith('Logged in as {CUSTOMER}')")
    added = puts.send(line)
    puts.turn()
    return Purchase(line, added, orders.send(TO_PAY))


def test_a_customer_logs_in_at_the_page_and_buys(open_shop: OpenShop, page: Page, purchase: Purchase) -> None:
    assert (purchase.added[0], purchase.ordered[0]) == (201, 201)
    order = purchase.ordered[1]
    assert (order["status"], order["paymentStatus"]) == ("processing", "paid")
    assert purchase.line["productId"] in [each["productId"] for each in order["items"]]
    require_quiet(open_shop, page)


@pytest.mark.usefixtures("purchase")
def test_nothing_keeps_anybody_out_of_the_page_where_somebody_bought(page: Page, audit: str) -> None:
    assert axe.grave(page, audit) == []


def test_the_front_page_leads_there_and_to_what_problems_mean(open_shop: OpenShop, page: Page) -> None:
    for path in ("/problems/payment_declined", "/problems", "/"):
        page.open(f"{open_shop.url}{path}")
        require_quiet(open_shop, page)

    page.follow("a[href$='/docs']")

    assert page.run("location.pathname") == "/docs"


def test_nothing_keeps_anybody_out_of_the_other_pages(open_shop: OpenShop, page: Page, audit: str) -> None:
    found = []
    for path in ("/", "/problems/payment_declined", "/problems"):
        page.open(f"{open_shop.url}{path}")
        found += [f"{path}: {each}" for each in axe.grave(page, audit)]

    assert found == []


def test_what_the_page_loads_is_given_out_as_it_is_known(open_shop: OpenShop, guest: Browser) -> None:
    found = LOADED.findall(guest("GET", "/docs").text)

    assert {urlsplit(address).path.rpartition(".")[2] for address, _ in found} == {"css", "js"}
    for address, digest in found:
        file = urllib3.request("GET", urljoin(open_shop.url, address))
        assert (file.status, base64.b64encode(hashlib.sha384(file.data).digest()).decode()) == (200, digest)
        assert file.headers["Content-Type"].partition(";")[0] in ("text/css", "text/javascript")


def require_quiet(shop: OpenShop, page: Page) -> None:
    """Nothing was asked for elsewhere, nothing was refused to the page, and its console has no error."""
    assert {urlsplit(each).netloc for each in page.asked if not each.startswith("data:")} == {urlsplit(shop.url).netloc}
    assert page.refused() == []
    assert page.errors == []
