"""How many interactions there are, as somebody would say it: 3000/day, 10/second."""

from __future__ import annotations

import re

from tools.refusal import Refusal

HOURS = 730  # of a month, as AWS's own calculator has it
DAYS = HOURS / 24
SECONDS = HOURS * 3600
MAX_INTERACTIONS = 1e15  # of a month; beyond it no price list holds
_IN_A_MONTH = {"second": SECONDS, "minute": HOURS * 60, "hour": HOURS, "day": DAYS, "month": 1}


def parse_load(text: str) -> float:
    """Interactions in a month. Raises `Refusal` for what is not a number in a time, or beyond all measure."""
    said = re.fullmatch(rf"(\d[\d_,]*(?:\.\d+)?)/({'|'.join(_IN_A_MONTH)})", text.strip(), re.ASCII)
    if not said:
        raise Refusal(f"LOAD={text} is no load: say a number in a time, such as 3000/day ({', '.join(_IN_A_MONTH)}).")
    interactions = float(re.sub("[_,]", "", said[1])) * _IN_A_MONTH[said[2]]
    if interactions > MAX_INTERACTIONS:
        raise Refusal(f"LOAD={text} is more than {MAX_INTERACTIONS:,.0f} interactions a month.")
    return interactions
