"""Copies of what can change: which the caller's change is based on."""

from __future__ import annotations

from typing import ClassVar

import pytest
from msgspec import UNSET, UnsetType

from chalicelib.core.errors import PreconditionFailed
from chalicelib.core.schema import Schema
from chalicelib.core.versioned import Versioned


class LampChanged(PreconditionFailed):
    code = "lamp_changed"


class Lamp(Versioned):
    noun: ClassVar[str] = "lamp"
    changed_error: ClassVar[type[PreconditionFailed]] = LampChanged

    def __init__(self, version: int) -> None:
        self.version = version


@pytest.mark.parametrize("if_match", [None, "*", '"3"'])
def test_the_present_copy_any_copy_and_none_match(if_match: str | None) -> None:
    Lamp(3).require_match(if_match)


@pytest.mark.parametrize("if_match", ['"2"', "3", 'W/"3"', ""])
def test_another_copy_is_told_the_present_tag(if_match: str) -> None:
    with pytest.raises(LampChanged) as refused:
        Lamp(3).require_match(if_match)

    assert refused.value.detail == "This lamp was changed since you read it; read it again."
    assert refused.value.facts == {"etag": '"3"'}


class LampChange(Schema, frozen=True, kw_only=True):
    watts: int | UnsetType = UNSET
    name: str | UnsetType | None = UNSET


def test_a_change_gives_what_was_sent_null_included() -> None:
    assert [LampChange().given(), LampChange(name=None).given()] == [{}, {"name": None}]
    assert LampChange(watts=5, name="desk").given() == {"watts": 5, "name": "desk"}
