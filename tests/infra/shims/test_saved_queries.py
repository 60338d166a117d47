"""A stack may save queries of the log."""

from __future__ import annotations

import pytest
from ministack.services.cloudformation import provisioners

from tools.local.shims import saved_queries

PROPERTIES = {"Name": "shop/errors", "QueryString": "fields @timestamp"}


def test_ministack_knows_no_saved_queries_by_itself() -> None:
    assert saved_queries.KIND not in provisioners._RESOURCE_HANDLERS


def test_a_stack_saves_changes_and_forgets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioners, "_RESOURCE_HANDLERS", {**provisioners._RESOURCE_HANDLERS})
    saved_queries.apply()
    handlers = provisioners._RESOURCE_HANDLERS[saved_queries.KIND]

    identity, attributes = handlers["create"]("Errors", PROPERTIES, "stack")

    assert attributes == {"QueryDefinitionId": identity}
    assert handlers["update"](identity, PROPERTIES, {**PROPERTIES, "QueryString": "limit 1"}, "stack")[0] == identity
    handlers["delete"](identity, PROPERTIES)


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_query_without_a_name_or_a_text_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"needs {name}"):
        saved_queries.create("Errors", {**PROPERTIES, name: ""}, "stack")
