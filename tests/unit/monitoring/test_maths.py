"""The metric maths that alarms are written in."""

from __future__ import annotations

import pytest

from tools.monitoring.maths import compute
from tools.refusal import Refusal

SERIES = {"a": [1.0, None, 3.0], "b": [2.0, 2.0, 0.0], "nothing": [None, None, None]}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b", [3, None, 3]),
        ("100 * a / b", [50, None, None]),
        ("FILL(a, 0)", [1, 0, 3]),
        ("FILL(nothing, 0)", [None, None, None]),
        ("SUM(METRICS())", [3, 2, 3]),
        ("SUM(FILL(METRICS(), 5))", [3, 7, 3]),
        ("IF(a > 2, b, 7)", [7, None, 0]),
        ("IF(FILL(a, 0) >= 1, 10, 0)", [10, 0, 10]),
        ("b <= 0", [0, 0, 1]),
    ],
)
def test_an_expression_makes_a_series(expression: str, expected: list[float | None]) -> None:
    assert compute(expression, SERIES) == expected


@pytest.mark.parametrize("expression", ["c", "a ** 2", "RATE(a)", "'text'", "FILL(a)", "a and b"])
def test_what_is_not_known_is_refused(expression: str) -> None:
    with pytest.raises(Refusal, match="The metric maths here does not know"):
        compute(expression, SERIES)
