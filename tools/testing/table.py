"""The table to try things on, as infra/template.yaml defines it."""

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
    table = {name: properties[name] for name in wanted}
    table["StreamSpecification"] = {"StreamEnabled": True, **table["StreamSpecification"]}
    return {"TableName": "ecommerce-test", **json.loads(json.dumps(table))}
