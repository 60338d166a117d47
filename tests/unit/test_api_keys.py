"""Making API keys, broken off at any call: no key that somebody has is lost, and none stays that nobody has seen."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from tools import stages
from tools.package.edge.plans import PLANS
from tools.stages import api_keys

STAGE = stages.read("dev")
CALLS = range(1, 12)  # more than any run makes


class Died(BaseException):
    """The process is gone."""


class Gateway:
    """API Gateway's keys and plans; the process dies before its call of a number, or after it."""

    meta = SimpleNamespace(partition="aws", region_name="eu-west-1")

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}
        self.plans: dict[str, set[str]] = {each.of(STAGE): set() for each in PLANS}
        self.made, self.left, self.dies_after = 0, len(CALLS), False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        do = getattr(type(self), f"do_{name}")

        def call(**asked: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.dies_after:
                raise Died
            answer = do(self, **asked)
            if self.left == 0:
                raise Died
            return answer

        return call

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **asked: [{"items": getattr(self, name)(**asked)}])

    def do_get_usage_plans(self) -> list[dict[str, str]]:
        return [{"id": name, "name": name} for name in self.plans]

    def do_get_usage_plan_keys(self, *, usagePlanId: str) -> list[dict[str, str]]:  # noqa: N803 - boto3's names
        return [{"id": key} for key in self.plans[usagePlanId]]

    def do_get_api_keys(self, *, nameQuery: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"id": key, "name": each["name"]} for key, each in self.keys.items() if nameQuery in each["name"]]

    def do_get_api_key(self, *, apiKey: str) -> dict[str, Any]:  # noqa: N803
        return self.keys[apiKey]

    def do_create_api_key(self, **said: Any) -> dict[str, Any]:
        self.made += 1
        self.keys[f"key{self.made}"] = {**said, "id": f"key{self.made}", "value": f"value{self.made}"}
        return self.keys[f"key{self.made}"]

    def do_delete_api_key(self, *, apiKey: str) -> None:  # noqa: N803
        del self.keys[apiKey]
        for plan in self.plans.values():
            plan.discard(apiKey)

    def do_create_usage_plan_key(self, *, usagePlanId: str, keyId: str, keyType: str) -> None:  # noqa: N803
        assert (keyType, any(keyId in plan for plan in self.plans.values())) == ("API_KEY", False)
        self.plans[usagePlanId].add(keyId)

    def do_delete_usage_plan_key(self, *, usagePlanId: str, keyId: str) -> None:  # noqa: N803
        self.plans[usagePlanId].remove(keyId)

    def do_tag_resource(self, *, resourceArn: str, tags: dict[str, str]) -> None:  # noqa: N803
        self.keys[resourceArn.removeprefix("arn:aws:apigateway:eu-west-1::/apikeys/")]["tags"] |= tags


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    made = Gateway()
    monkeypatch.setattr("tools.stages.api_keys.boto3.client", lambda _: made)
    monkeypatch.setattr("tools.stages.place.require", lambda _: None)
    return made


def make(gateway: Gateway, plan: str, *, dies_at: int = 0, dies_after: bool = False) -> str | None:
    """Make the key, and once more if the process has died at that call."""
    gateway.left, gateway.dies_after = dies_at or len(CALLS) * 2, dies_after
    try:
        return api_keys.make(STAGE, plan, "acme")
    except Died:
        gateway.left = len(CALLS) * 2
        return api_keys.make(STAGE, plan, "acme")


@pytest.mark.parametrize("dies_after", [False, True])
@pytest.mark.parametrize("dies_at", CALLS)
def test_a_key_that_somebody_has_survives_a_move_that_breaks_off(
    gateway: Gateway, dies_at: int, *, dies_after: bool
) -> None:
    value = make(gateway, "free")

    moved = make(gateway, "premium", dies_at=dies_at, dies_after=dies_after)

    assert (value, moved) == ("value1", None)
    assert gateway.keys["key1"]["value"] == value
    assert list(gateway.plans.values()) == [set(), {"key1"}]


@pytest.mark.parametrize("dies_after", [False, True])
@pytest.mark.parametrize("dies_at", CALLS)
def test_a_key_whose_making_broke_off_is_made_anew_and_shown(
    gateway: Gateway, dies_at: int, *, dies_after: bool
) -> None:
    shown = make(gateway, "free", dies_at=dies_at, dies_after=dies_after)

    (key,) = gateway.keys.values()
    noted_and_lost = shown is None and key["tags"][api_keys.SHOWN] == "yes"  # died between the note and the showing
    assert shown == key["value"] or noted_and_lost
    assert list(gateway.plans.values()) == [{key["id"]}, set()]


def test_only_a_run_that_dies_between_note_and_showing_loses_a_value(gateway: Gateway) -> None:
    lost = 0
    for dies_after in (False, True):
        for dies_at in CALLS:
            gateway.keys.clear()
            for plan in gateway.plans.values():
                plan.clear()
            lost += make(gateway, "free", dies_at=dies_at, dies_after=dies_after) is None

    assert lost == 1
