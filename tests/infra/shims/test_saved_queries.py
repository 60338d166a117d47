"""A stack, and Terraform, may save queries of the log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import cloudwatch_logs
from ministack.services.cloudformation import provisioners

from tools.local.shims import saved_queries

PROPERTIES = {"Name": "shop/errors", "QueryString": "fields @timestamp"}


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(provisioners, "_RESOURCE_HANDLERS", {**provisioners._RESOURCE_HANDLERS})
    monkeypatch.setattr(cloudwatch_logs, "handle_request", cloudwatch_logs.handle_request)
    yield
    saved_queries.QUERIES.clear()


def call(action: str, **asked: str) -> tuple[int, Any]:
    headers = {"x-amz-target": f"Logs_20140328.{action}"}
    body = json.dumps(asked).encode()
    status, _, answer = asyncio.run(cloudwatch_logs.handle_request("POST", "/", headers, body, {}))
    return status, json.loads(answer)


def test_ministack_knows_no_saved_queries_by_itself() -> None:
    assert saved_queries.KIND not in provisioners._RESOURCE_HANDLERS


def test_ministack_still_knows_none_of_the_calls() -> None:
    assert [call(action)[0] for action in saved_queries.CALLS] == [400] * 3


def test_a_stack_saves_changes_and_forgets_one() -> None:
    saved_queries.apply()
    handlers = provisioners._RESOURCE_HANDLERS[saved_queries.KIND]

    identity, attributes = handlers["create"]("Errors", PROPERTIES, "stack")

    assert attributes == {"QueryDefinitionId": identity}
    assert handlers["update"](identity, PROPERTIES, {**PROPERTIES, "QueryString": "limit 1"}, "stack")[0] == identity
    (kept,) = call("DescribeQueryDefinitions", queryDefinitionNamePrefix="shop/")[1]["queryDefinitions"]
    assert kept == {"name": "shop/errors", "queryString": "limit 1", "queryDefinitionId": identity}
    handlers["delete"](identity, PROPERTIES)
    assert saved_queries.QUERIES == {}


def test_a_call_saves_changes_and_forgets_one() -> None:
    saved_queries.apply()

    identity = call("PutQueryDefinition", name="shop/errors", queryString="limit 1")[1]["queryDefinitionId"]
    call("PutQueryDefinition", name="shop/all", queryString="limit 2", queryDefinitionId=identity)

    assert [each["name"] for each in call("DescribeQueryDefinitions")[1]["queryDefinitions"]] == ["shop/all"]
    assert call("DescribeQueryDefinitions", queryDefinitionNamePrefix="other")[1] == {"queryDefinitions": []}
    assert [call("DeleteQueryDefinition", queryDefinitionId=identity)[0] for _ in range(2)] == [200, 400]


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_query_without_a_name_or_a_text_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"needs {name}"):
        saved_queries.create("Errors", {**PROPERTIES, name: ""}, "stack")
