"""What the pages say that an option costs is what `make cost` says."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from tools.cost import option_prices
from tools.cost.option_prices import OPTIONS, StageOption
from tools.stages.edge import Edge
from tools.stages.foundation import Foundation

DOCS = Path(__file__).parents[2] / "docs"
# What says more about an option that is on, and is none by itself.
COMPANIONS = {"domain_certificate", "only_domain", "allowed_countries", "distribution_certificate", "origin_keys"}


def test_each_option_has_its_row() -> None:
    said = {
        name
        for option in OPTIONS
        for name, value in msgspec.structs.asdict(option.asked).items()
        if value != getattr(type(option.asked)(), name)
    }

    assert said == {*Edge.__struct_fields__, *Foundation.__struct_fields__} - COMPANIONS


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_where_an_option_is_described_its_price_is_that_of_the_table(option: StageOption) -> None:
    page, _, anchor = option.place.partition("#")
    costs = re.search(r"^- \*\*Costs\*\*(.*?)(?=^- |\Z)", section(page, anchor), re.DOTALL | re.MULTILINE)

    assert costs, "it does not say what it costs"
    standing = option_prices.found_prices()[option.name].standing
    assert re.search(rf"\${f'{standing:,.2f}'.removesuffix('.00')}(?![\d.]*\d)" if standing else "nothing", costs[1])


def section(page: str, anchor: str) -> str:
    """What stands below the heading of that anchor."""
    parts = re.split(r"^## (.+)$", (DOCS / page).read_text(), flags=re.MULTILINE)
    found = {name.lower().replace(" ", "-"): text for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    return found[anchor]
