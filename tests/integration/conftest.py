"""What most stories begin with: something to buy, and somebody who buys."""

from __future__ import annotations

import pytest

from tools.testing.shop import Shop


@pytest.fixture
def mug(shop: Shop) -> str:
    return str(shop.admin().product(name="Mug", price=12.5, stock=10)["productId"])


@pytest.fixture
def ada(shop: Shop) -> Shop:
    return shop.customer()
