"""The whole matrix of order statuses and who may bring about which (O1)."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.orders.states import Actor, InvalidTransition, OrderStatus, require_transition

ALLOWED = {
    ("pending", "processing"): {"admin", "system"},
    ("pending", "cancelled"): {"buyer", "admin", "system"},
    ("pending", "expired"): {"system"},
    ("processing", "shipped"): {"admin"},
    ("processing", "cancelled"): {"buyer", "admin", "system"},
    ("shipped", "delivered"): {"admin"},
    ("delivered", "completed"): {"admin", "system"},
}


@pytest.mark.parametrize(("current", "requested", "actor"), list(itertools.product(OrderStatus, OrderStatus, Actor)))
def test_an_order_goes_only_where_the_rules_let_it(current: OrderStatus, requested: OrderStatus, actor: Actor) -> None:
    if actor in ALLOWED.get((current, requested), ()):
        require_transition(current, requested, actor)
        return

    with pytest.raises(InvalidTransition) as refused:
        require_transition(current, requested, actor)

    open_ways = [following for (status, following), actors in ALLOWED.items() if status == current and actor in actors]
    assert refused.value.facts == {"current": current, "requested": requested, "allowed": open_ways}
