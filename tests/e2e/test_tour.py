"""`make tour` on the open shop: every route, and nothing that stays."""

from __future__ import annotations

import pytest

from chalicelib.api.permissions import ROUTES
from tests.e2e.conftest import Browser, OpenShop


@pytest.fixture(autouse=True)
def _about_make_run(form: str) -> None:
    if form != "local":
        pytest.skip("the tour goes through what `make run` opens, with its demo accounts")


def test_the_tour_goes_through_every_route_and_leaves_nothing_behind(open_shop: OpenShop, admin: Browser) -> None:
    before = [admin("GET", f"/{kind}").body["count"] for kind in ("coupons", "webhooks")]

    ran = open_shop.tool("tools.tour")

    assert ran.returncode == 0, ran.stderr + ran.stdout[-3000:]
    assert ran.stdout.splitlines()[-1].startswith(f"{len(ROUTES)} of {len(ROUTES)} routes, ")
    assert admin("GET", "/products/category/tour").body["products"] == []
    assert [admin("GET", f"/{kind}").body["count"] for kind in ("coupons", "webhooks")] == before
