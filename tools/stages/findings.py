"""What a look at a stage finds: what stands in the way of a release, and what is only worth knowing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is so, and what to do about it."""

    what: str
    remedy: str
    stops: bool = True

    def __str__(self) -> str:
        return f"{'WRONG' if self.stops else 'note '} {self.what}: {self.remedy}."


def note(what: str, remedy: str) -> Finding:
    """What is worth knowing and stops nothing."""
    return Finding(what, remedy, stops=False)
