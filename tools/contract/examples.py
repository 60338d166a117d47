"""What the shop has taken and given on a tour, as examples of the document: `python -m tools.tour --examples`."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from tools.contract.routes import Route

FILE = Path(__file__).with_name("examples.json")

Json = dict[str, Any]


def request(route: Route) -> Json:
    """An example of the body that a route takes, if there is one."""
    return _shown(_all()["requests"], _name(route))


def answer(route: Route, status: int) -> Json:
    """An example of what a route gives under that status, if there is one."""
    return _shown(_all()["answers"].get(_name(route), {}), str(status))


def of_problems(codes: list[str]) -> Json:
    """The examples of answers with those codes."""
    named = {code: {"$ref": f"#/components/examples/{code}"} for code in codes if code in _all()["problems"]}
    return {"examples": named} if named else {}


def components() -> Json:
    """An example of every problem that the tour met."""
    return {code: {"value": each} for code, each in _all()["problems"].items()}


@lru_cache
def _all() -> Json:
    found: Json = json.loads(FILE.read_text("utf-8"))
    return found


def _name(route: Route) -> str:
    return f"{route.method} {route.pattern}"


def _shown(examples: Json, name: str) -> Json:
    return {"example": examples[name]} if name in examples else {}
