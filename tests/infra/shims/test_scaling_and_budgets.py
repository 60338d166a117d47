"""A stack may scale its table, and have a budget."""

from __future__ import annotations

import pytest
from ministack.services.cloudformation import provisioners

from tools.local.shims import scaling_and_budgets


@pytest.mark.parametrize("kind", scaling_and_budgets.KINDS)
def test_ministack_does_not_know_it_by_itself(kind: str) -> None:
    assert kind not in provisioners._RESOURCE_HANDLERS


@pytest.mark.parametrize("kind", scaling_and_budgets.KINDS)
def test_a_stack_makes_changes_and_forgets_one(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(provisioners, "_RESOURCE_HANDLERS", {**provisioners._RESOURCE_HANDLERS})
    scaling_and_budgets.apply()
    handlers, properties = provisioners._RESOURCE_HANDLERS[kind], dict.fromkeys(scaling_and_budgets.KINDS[kind], "x")

    identity, _ = handlers["create"]("Reads", properties, "stack")

    assert identity == "stack-Reads"
    assert handlers["update"](identity, properties, properties, "stack")[0] == identity
    handlers["delete"](identity, properties)
    with pytest.raises(ValueError, match=f"needs {scaling_and_budgets.KINDS[kind][0]}"):
        handlers["create"]("Reads", {}, "stack")
