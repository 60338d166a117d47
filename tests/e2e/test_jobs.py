"""The scheduled functions, called now instead of at their time."""

from __future__ import annotations

import pytest

from tests.e2e import customers
from tests.e2e.conftest import OpenShop


@pytest.mark.real_time  # in which the shop lives
@pytest.mark.parametrize(
    "name", ["run_scheduled_work", "deliver_webhooks", "remind_of_carts", "summarise_sales", "check_store"]
)
def test_a_scheduled_function_does_its_work_whenever_it_is_called(open_shop: OpenShop, name: str) -> None:
    done = open_shop.run_job(name)

    assert isinstance(done, dict)
    assert not done.get("failed")


@pytest.mark.real_time
def test_after_orders_and_cancellations_nothing_drifts(open_shop: OpenShop, visitors: customers.Visitors) -> None:
    mug = customers.new_product(visitors.admin(), category="jobs", stock=5)
    ada = visitors.customer("steady@example.com")
    orders = [ada.place_order(customers.wanted((mug, 1))) for _ in range(3)]
    ada.cancel_order(orders[0].order_id)

    found = open_shop.run_job("check_store")

    assert found["drifts"] == 0
