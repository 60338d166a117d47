"""The weights of a Lambda alias: which version an invocation goes to."""

from __future__ import annotations

import pytest
from ministack.services import lambda_svc

from tools.local.shims import weights

FUNCTION = {
    "config": {"Version": "$LATEST"},
    "versions": {"1": {"config": {"Version": "1"}}, "2": {"config": {"Version": "2"}}},
    "aliases": {
        "plain": {"FunctionVersion": "1"},
        "live": {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 1.0}}},
    },
}


def test_ministack_still_sends_everything_to_the_first_version() -> None:
    _, config = lambda_svc._effective_func_record_for_qualifier(FUNCTION, "live")

    assert config["Version"] == "1"


@pytest.mark.parametrize(
    ("qualifier", "draw", "version"),
    [("live", 0.999, "2"), ("plain", 0.0, "plain"), ("2", 0.0, "2"), (None, 0.0, None), ("nobody", 0.0, "nobody")],
)
def test_an_invocation_goes_to_the_version_that_is_drawn(qualifier: str | None, draw: float, version: str) -> None:
    assert weights.drawn(FUNCTION, qualifier, lambda: draw) == version


@pytest.mark.parametrize(("draw", "version"), [(0.0, "2"), (0.0999, "2"), (0.1, "live"), (0.9, "live")])
def test_a_tenth_is_a_tenth(draw: float, version: str) -> None:
    tenth = {"aliases": {"live": {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}}}}

    assert weights.drawn(tenth, "live", lambda: draw) == version
