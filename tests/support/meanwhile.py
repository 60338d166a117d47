"""What happens between a checkout's reading and its writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from chalicelib.aws.rate_limits import Use
from chalicelib.core.principal import Principal
from chalicelib.orders import checkout
from chalicelib.orders.schemas import OrderRequest


@contextmanager
def changed_after_preparing(*changes: Callable[[], object]) -> Iterator[None]:
    """Something happens each time, as long as there is something left, between a checkout's reading and its writing."""
    left, original = iter(changes), checkout.prepare

    def prepare(request: OrderRequest, buyer: Principal, use: Use) -> checkout.Prepared:
        prepared = original(request, buyer, use)
        next(left, lambda: None)()
        return prepared

    with mock.patch.object(checkout, "prepare", prepare):
        yield
