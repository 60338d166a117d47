"""Which release a closed shop takes, and that it stays closed, without AWS."""

from __future__ import annotations

import pytest

from tools import stages
from tools.refusal import Refusal
from tools.release import closed

STAGE = stages.read("dev")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages that were closed."""
    found: list[str] = []
    monkeypatch.setattr("tools.restore.gate.close", lambda stage: found.append(stage.name))
    return found


def standing(monkeypatch: pytest.MonkeyPatch, *, is_closed: bool, behind: list[str]) -> None:
    monkeypatch.setattr("tools.restore.gate.is_closed", lambda _: is_closed)
    monkeypatch.setattr("tools.restore.switch.find_behind", lambda _: behind)


@pytest.mark.parametrize("behind", [[], ["api is at old"]])
def test_an_open_shop_is_released_as_ever(behind: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    standing(monkeypatch, is_closed=False, behind=behind)

    assert not closed.moves(STAGE)


def test_a_closed_one_is_released_when_it_is_at_another_table(monkeypatch: pytest.MonkeyPatch) -> None:
    standing(monkeypatch, is_closed=True, behind=["api is at old"])

    assert closed.moves(STAGE)


def test_a_closed_one_at_its_table_is_to_be_opened_first(monkeypatch: pytest.MonkeyPatch) -> None:
    standing(monkeypatch, is_closed=True, behind=[])

    with pytest.raises(Refusal, match="dev is closed, and a release is tried by buying: make open STAGE=dev first"):
        closed.moves(STAGE)


def test_it_is_closed_again_when_it_went_well(calls: list[str]) -> None:
    with closed.keep(STAGE):
        assert calls == []

    assert calls == ["dev"]


def test_it_is_closed_again_when_it_did_not(calls: list[str]) -> None:
    with pytest.raises(Refusal, match=r"the smoke test failed\ndev stays closed"), closed.keep(STAGE):
        raise Refusal("the smoke test failed")

    assert calls == ["dev"]


def test_interrupted_it_leaves_alone_what_aws_goes_on_with(calls: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt), closed.keep(STAGE):
        raise KeyboardInterrupt

    assert calls == []
