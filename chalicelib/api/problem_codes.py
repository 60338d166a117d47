"""What each code of a problem means and what to do about it, as problem_codes.toml says; read when somebody asks."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from chalicelib.core import schema
from chalicelib.core.errors import NotFound

_FILE = Path(__file__).with_suffix(".toml")


class ProblemMeaningView(schema.View, frozen=True, kw_only=True):
    """A code that a problem document can have: under which status, what it means, and what to do."""

    code: str
    status: int
    title: str
    meaning: str
    advice: str


class FieldCodeView(schema.View, frozen=True, kw_only=True):
    """A code that a faulty field can have in a problem document's `errors`."""

    code: str
    meaning: str
    advice: str


class ProblemCodesView(schema.View, frozen=True, kw_only=True):
    """Every code there is."""

    problems: tuple[ProblemMeaningView, ...]
    fields: tuple[FieldCodeView, ...]


@lru_cache(maxsize=1)
def known() -> ProblemCodesView:
    """Every code, in the order of the alphabet."""
    import tomllib  # noqa: PLC0415 - no cold start pays for what few requests ask

    said: dict[str, dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return ProblemCodesView(
        problems=tuple(ProblemMeaningView(code=code, **each) for code, each in sorted(said["problems"].items())),
        fields=tuple(FieldCodeView(code=code, **each) for code, each in sorted(said["fields"].items())),
    )


def get(code: str) -> ProblemMeaningView:
    """What a code of a problem means, or `NotFound`."""
    found = next((each for each in known().problems if each.code == code), None)
    if found is None:
        raise NotFound("No problem has this code.")
    return found
