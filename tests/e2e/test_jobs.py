"""The scheduled functions, called now instead of at their time."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Browser, OpenShop


@pytest.mark.real_time  # in which the shop lives
@pytest.mark.parametrize(
    "name", ["run_scheduled_work", "deliver_webhooks", "remind_of_carts", "summarise_sales", "check_store"]
)
def test_a_scheduled_function_does_its_work_whenever_it_is_called(open_shop: OpenShop, name: str) -> None:
    done = open_shop.run_job(name)

    assert isinstance(done, dict)
    assert not done.get("failed")


@pytest.mark.real_time
def test_after_orders_and_cancellations_nothing_drifts(open_shop: OpenShop, guest: Browser, admin: Browser) -> None:
    product = {"name": "Mug", "price": 12.5, "category": "jobs", "stock": 5}
    mug = admin("POST", "/products", product).body["productId"]
    ada = guest.customer("steady@example.com")
    orders = [ada.order(mug, 1).expect(201)["orderId"] for _ in range(3)]
    ada("PUT", f"/orders/{orders[0]}/cancel").expect(200)

    found = open_shop.run_job("check_store")

    assert found["drifts"] == 0
