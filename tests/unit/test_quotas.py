"""What a stage's limits may say, and whom an address counts as."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chalicelib.api import callers
from chalicelib.core import quotas
from chalicelib.core.quotas import DEFAULTS, Quota


def test_without_a_word_every_limit_is_as_the_app_says() -> None:
    assert quotas.parse("") == DEFAULTS


def test_what_a_stage_says_is_read_back_and_the_rest_stays() -> None:
    said = {"login": Quota(7, 60), "search": Quota(1, 1)}

    assert quotas.parse(quotas.spell(said)) == {**DEFAULTS, **said}
    assert quotas.parse(" login=7/60 , ")["login"] == Quota(7, 60)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("login", "is not of the form"),
        ("login=-1/60", "is not of the form"),
        ("login=1/60/2", "is not of the form"),
        ("checkout=1/60", "checkout is no limit"),
        ("login=0/60", "login allows from 1 to"),
        ("login=1000001/60", "login allows from 1 to"),
        ("login=5/0", "login is counted in 1 to"),
        ("login=5/86401", "login is counted in 1 to"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        quotas.parse(text)


def test_the_page_of_the_api_tells_every_limit() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\d+) in (\d+) s \|", page, re.MULTILINE)

    assert {name: Quota(int(most), int(seconds)) for name, most, seconds in told} == DEFAULTS


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("198.51.100.7", "198.51.100.7"),
        (" 198.51.100.7 ", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("no address", "no address"),
        ("", ""),
    ],
)
def test_an_address_counts_as_what_its_holder_has_to_themselves(address: str, counted_as: str) -> None:
    assert callers.network(address) == counted_as
