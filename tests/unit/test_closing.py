"""Closing the shop and opening it: which methods are throttled, and what a cache of products has kept is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from tools import stages
from tools.restore import gate

OF_ONE = "~1products~1{product_id}/GET"


class Gateway:
    """API Gateway with one stage, as far as it is asked for here; what it was told to do, in order."""

    def __init__(self, **stage: Any) -> None:
        self.stage = {"methodSettings": {"*/*": {}, OF_ONE: {"cachingEnabled": True}}, **stage}
        self.done: list[Any] = []

    def get_stage(self, **_: str) -> dict[str, Any]:
        return self.stage

    def update_stage(self, *, patchOperations: list[dict[str, str]], **_: str) -> None:  # noqa: N803 - boto3's name
        self.done.append({each["path"]: each["value"] for each in patchOperations})

    def flush_stage_cache(self, **_: str) -> None:
        self.done.append("flush")


def opened(monkeypatch: pytest.MonkeyPatch, gateway: Gateway) -> list[Any]:
    monkeypatch.setattr("tools.restore.gate.boto3.client", lambda _: gateway)
    monkeypatch.setattr("tools.restore.gate.require_api", lambda _: "a1b2c3")
    monkeypatch.setattr("tools.restore.gate.members", lambda *_: [])
    gate.open_again(stages.read("dev"))
    return gateway.done


def test_methods_with_settings_of_their_own_are_closed_with_all_others() -> None:
    closing = gate.throttled([OF_ONE], rate=0, burst=0)

    assert [(each["op"], each["path"], each["value"]) for each in closing] == [
        ("replace", f"/{key}/throttling/{name}", "0") for key in ("*/*", OF_ONE) for name in ("rateLimit", "burstLimit")
    ]


def test_a_cache_is_emptied_before_anybody_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, done = stages.read("dev"), opened(monkeypatch, Gateway(cacheClusterStatus="AVAILABLE"))

    assert done[0] == "flush"
    limits = {"rateLimit": str(stage.requests_per_second), "burstLimit": str(stage.burst)}
    assert done[1:] == [{f"/{key}/throttling/{name}": limits[name] for key in ("*/*", OF_ONE) for name in limits}]


@pytest.mark.parametrize("status", ["NOT_AVAILABLE", "FLUSH_IN_PROGRESS", "CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS"])
def test_where_no_cache_keeps_anything_none_is_emptied(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    assert "flush" not in opened(monkeypatch, Gateway(cacheClusterStatus=status))
