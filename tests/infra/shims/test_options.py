"""A stack may scale its table, and have a budget."""

from __future__ import annotations

import pytest
from ministack.services.cloudformation import provisioners

from tools.local.shims import options


@pytest.mark.parametrize("kind", options.KINDS)
def test_ministack_does_not_know_it_by_itself(kind: str) -> None:
    assert kind not in provisioners._RESOURCE_HANDLERS


@pytest.mark.parametrize("kind", options.KINDS)
def test_a_stack_makes_changes_and_forgets_one(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(provisioners, "_RESOURCE_HANDLERS", {**provisioners._RESOURCE_HANDLERS})
    options.apply()
    handlers, properties = provisioners._RESOURCE_HANDLERS[kind], dict.fromkeys(options.KINDS[kind], "x")

    identity, _ = handlers["create"]("Reads", properties, "stack")

    assert identity == "stack-Reads"
    assert handlers["update"](identity, properties, properties, "stack")[0] == identity
    handlers["delete"](identity, properties)
    with pytest.raises(ValueError, match=f"needs {options.KINDS[kind][0]}"):
        handlers["create"]("Reads", {}, "stack")
