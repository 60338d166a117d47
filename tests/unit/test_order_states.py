"""The whole matrix of order statuses (O1)."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.orders.states import NEXT, InvalidTransition, OrderStatus, require_transition

ALLOWED = {
    ("pending", "processing"),
    ("pending", "cancelled"),
    ("pending", "expired"),
    ("processing", "shipped"),
    ("processing", "cancelled"),
    ("shipped", "delivered"),
    ("delivered", "completed"),
}


@pytest.mark.parametrize(("current", "requested"), list(itertools.product(OrderStatus, OrderStatus)))
def test_an_order_goes_only_where_the_rules_let_it(current: OrderStatus, requested: OrderStatus) -> None:
    if (current, requested) in ALLOWED:
        require_transition(current, requested)
        return

    with pytest.raises(InvalidTransition) as refused:
        require_transition(current, requested)

    assert refused.value.facts == {"current": current, "requested": requested, "allowed": list(NEXT[current])}
