"""The expressions of workflows, as the tests that run these read them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.workflows import expressions

KNOWN: dict[str, Any] = {
    "status": "success",
    "github": {"ref_name": "main", "event": {"number": 12}},
    "steps": {"smoke": {"outcome": "failure", "outputs": {"moved": ""}}},
}


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("plan-${{ github.event.number }}", "plan-12"),
        ("${{ github.ref_name == 'main' && 'prod' || 'dev' }}", "prod"),
        ("${{ github.ref_name != 'main' && 'prod' || 'dev' }}", "dev"),
        ("${{ !(github.ref_name == 'it''s') }}", "true"),
        ("${{ steps.smoke.outputs.moved }}", ""),
        ("no expression", "no expression"),
    ],
)
def test_a_text_is_filled(text: str, becomes: str) -> None:
    assert expressions.filled(text, KNOWN) == becomes


@pytest.mark.parametrize(
    ("condition", "status", "holds"),
    [
        ("success()", "success", True),
        ("always()", "failure", True),
        ("failure() && steps.smoke.outcome == 'failure'", "failure", True),
        ("failure() && steps.smoke.outcome == 'failure'", "success", False),
        ("github.ref_name == 'main'", "success", True),
        ("github.ref_name == 'main'", "failure", False),
        ("github.ref_name == 'always'", "failure", False),
        ("${{ cancelled() }}", "cancelled", True),
    ],
)
def test_a_condition_wants_success_unless_it_asks_for_the_status(condition: str, status: str, *, holds: bool) -> None:
    assert expressions.holds(condition, {**KNOWN, "status": status}) is holds


@pytest.mark.parametrize("unknown", ["github.actor", "vars.REGION", "contains(1)", "github.ref_name.more"])
def test_what_no_context_knows_is_refused(unknown: str) -> None:
    with pytest.raises((LookupError, ValueError)):
        expressions.evaluate(unknown, KNOWN)
