"""What an alarm is."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from tools.monitoring.metrics import Maths, Metric

Comparison = Literal["GreaterThanThreshold", "LessThanThreshold"]
Missing = Literal["breaching", "notBreaching", "ignore"]


@dataclass(frozen=True)
class Alarm:
    """Rings when the value was beyond the threshold in each of the last `periods`; one that tells nobody is for AWS."""

    name: str
    meaning: str
    do: str
    of: Metric | Maths
    threshold: float
    period: timedelta
    periods: int = 1
    comparison: Comparison = "GreaterThanThreshold"
    missing: Missing = "notBreaching"
    tells: bool = True

    @property
    def logical_id(self) -> str:
        """Its name in the template."""
        return "".join(word[0].upper() + word[1:] for word in self.name.split("-")) + "Alarm"

    @property
    def when(self) -> str:
        """When it rings, in words."""
        what = self.of.words if isinstance(self.of, Maths) else f"`{self.of.name}` ({self.of.statistic})"
        sign = ">" if self.comparison == "GreaterThanThreshold" else "<"
        many = f", {self.periods} times running" if self.periods > 1 else ""
        return f"{what} {sign} {self.threshold:,g} in {in_words(self.period)}{many}"


def in_words(time: timedelta) -> str:
    """Minutes, or hours where they are full."""
    minutes = int(time.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
