"""An admin, and a receiver on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.core import settings
from chalicelib.webhooks import service as webhooks
from tests.support.payments import Mailbox, mailbox
from tools.testing.shop import Shop


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    webhooks.forget()
    yield
    webhooks.forget()


@pytest.fixture
def root(shop: Shop) -> Shop:
    return shop.admin()


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A receiver on this machine, which only the local stage sends to."""
    monkeypatch.setenv("STAGE", "local")
    settings.current.cache_clear()
    settings.current()  # while Chalice's test client serves a request, the stage's own variables are back
    with mailbox() as opened:
        yield opened
    monkeypatch.undo()
    settings.current.cache_clear()
