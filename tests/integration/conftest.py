"""What most stories begin with: something to buy, and somebody who buys."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chalicelib.core import settings
from tools.testing.shop import Shop


@pytest.fixture
def mug(shop: Shop) -> str:
    return str(shop.admin().product(name="Mug", price=12.5, stock=10)["productId"])


@pytest.fixture
def ada(shop: Shop) -> Shop:
    return shop.customer()


@pytest.fixture
def default_currency(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Sets what this stage takes a price without a currency to be in."""

    def say(code: str) -> None:
        monkeypatch.setenv("DEFAULT_CURRENCY", code)
        settings.current.cache_clear()
        settings.current()  # before the test's client puts the project's own variables in their place

    yield say
    settings.current.cache_clear()
