"""What IAM judges each action by, from AWS's own reference, of which cfn-lint has a copy."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint

REFERENCE = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
VARIABLE = re.compile(r"\$\{\w+\}")


@cache
def _reference() -> dict[str, Any]:
    return dict(json.loads(REFERENCE.read_text(encoding="utf-8")))


def is_known(action: str) -> bool:
    """Is there such an action?"""
    service, _, name = action.partition(":")
    return name.lower() in _reference()[service]["Actions"]


def kinds(action: str) -> list[str]:
    """The forms of the ARNs that IAM judges the action by; none where it is judged without a resource."""
    service, _, name = action.partition(":")
    found = _reference()[service]
    resources = {kind.lower(): each["ARNFormats"] for kind, each in found["Resources"].items()}
    named = found["Actions"][name.lower()].get("Resources", [])
    listed = [named] if isinstance(named, str) else named
    return [form for kind in listed for form in resources.get(kind.lower(), [])]


def counts(action: str, resource: str) -> bool:
    """Is an allowance of the action on the resource one of those that IAM looks at?"""
    if resource == "*":
        return True
    named = resource.replace("*", "x")
    return any(re.fullmatch(VARIABLE.sub("[^:]*", form), named) for form in kinds(action))
