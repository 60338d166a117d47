"""The table to try things on, as infra/template.yaml defines it: paid by use, as it is until a stage says more."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml

_TEMPLATE = Path(__file__).parents[2] / "infra" / "template.yaml"


def definition() -> dict[str, Any]:
    """What to create the table by: as the template says."""
    return copy.deepcopy(_definition())


@cache
def _definition() -> dict[str, Any]:
    properties = cfn_yaml.load(str(_TEMPLATE))["Resources"]["Table"]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode", "StreamSpecification")
    table = {name: _paid_by_use(properties[name]) for name in wanted}
    table["StreamSpecification"] = {"StreamEnabled": True, **table["StreamSpecification"]}
    return {"TableName": "ecommerce-test", **json.loads(json.dumps(table))}


def _paid_by_use(value: Any) -> Any:
    """The value as it is with every option off: of an `If` what it says then, without what there is only with it."""
    if isinstance(value, dict) and "Fn::If" in value:
        return _paid_by_use(value["Fn::If"][2])
    if isinstance(value, dict):
        kept = {name: _paid_by_use(each) for name, each in value.items()}
        return {name: each for name, each in kept.items() if each != {"Ref": "AWS::NoValue"}}
    return [_paid_by_use(each) for each in value] if isinstance(value, list) else value
