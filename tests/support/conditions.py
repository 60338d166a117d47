"""What a template of CloudFormation comes to with given parameters: its conditions decided, nothing else resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NO_VALUE = {"Ref": "AWS::NoValue"}
Template = dict[str, Any]


def decided(template: Template, parameters: Mapping[str, str]) -> Template:
    """The resources and outputs that there are, as they are."""
    given = {name: str(each.get("Default", "")) for name, each in template.get("Parameters", {}).items()}
    conditions = template.get("Conditions", {})
    holds = {name: _holds(each, conditions, {**given, **parameters}) for name, each in conditions.items()}
    return {
        section: {
            name: _chosen({key: value for key, value in each.items() if key != "Condition"}, holds)
            for name, each in template.get(section, {}).items()
            if holds.get(each.get("Condition", ""), True)
        }
        for section in ("Resources", "Outputs")
    }


def difference(before: Template, after: Template) -> dict[str, set[str]]:
    """By what `after` is more, less or otherwise: names of resources and outputs, and what changed in those of both."""
    one, other = ({**each["Resources"], **{f"output {n}": o for n, o in each.get("Outputs", {}).items()}}
                  for each in (before, after))  # fmt: skip
    return {
        "added": set(other) - set(one),
        "removed": set(one) - set(other),
        "changed": {path for name in set(one) & set(other) for path in _paths(name, one[name], other[name])},
    }


def _holds(condition: Any, conditions: Mapping[str, Any], given: Mapping[str, str]) -> bool:
    ((kind, said),) = condition.items()
    if kind == "Condition":
        return _holds(conditions[said], conditions, given)
    if kind == "Fn::Equals":
        one, other = (given[each["Ref"]] if isinstance(each, dict) else str(each) for each in said)
        return one == other
    found = [_holds(each, conditions, given) for each in said]
    return {"Fn::Not": not found[0], "Fn::And": all(found), "Fn::Or": any(found)}[kind]


def _chosen(value: Any, holds: Mapping[str, bool]) -> Any:
    if isinstance(value, dict) and "Fn::If" in value:
        name, if_so, if_not = value["Fn::If"]
        return _chosen(if_so if holds[name] else if_not, holds)
    if isinstance(value, dict):
        kept = {name: _chosen(each, holds) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each != NO_VALUE}
    if isinstance(value, list):
        return [each for each in (_chosen(each, holds) for each in value) if each != NO_VALUE]
    return value


def _paths(at: str, one: Any, other: Any) -> set[str]:
    if one == other:
        return set()
    if isinstance(one, dict) and isinstance(other, dict):
        return {path for name in {*one, *other} for path in _paths(f"{at}.{name}", one.get(name), other.get(name))}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return {path for number, (each, its) in pairs for path in _paths(f"{at}.{number}", each, its)}
    return {at}
