"""The options below the API: by what exactly each makes the templates another, and that off they are as before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from msgspec.structs import replace

from tests.support.conditions import decided, difference
from tools import stages
from tools.stages import parameters, resources
from tools.stages.foundation import Capacity, Foundation

OFF = stages.read("prod")
NOTHING = {"added": set[str](), "removed": set[str](), "changed": set[str]()}
SCALED = ("TableReads", "TableWrites", "Gsi1Reads", "Gsi1Writes", "Gsi2Reads", "Gsi2Writes")
CAPACITY = Capacity(least_reads=5, most_reads=400, least_writes=6, most_writes=500, utilisation=60)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return dict(json.loads(json.dumps(cfn_yaml.load(str(resources.TEMPLATE)))))


def made(template: dict[str, Any], foundation: Foundation) -> dict[str, Any]:
    """The resources of a stage with these options."""
    return decided(template, parameters.of_resources(replace(OFF, foundation=foundation)))


def test_off_there_is_nothing_of_any_option(template: dict[str, Any]) -> None:
    off = made(template, Foundation())

    assert difference(off, decided(template, {**parameters.of_resources(OFF)})) == NOTHING
    kinds = {each["Type"].split("::")[1] for each in off["Resources"].values()}
    assert kinds == {"DynamoDB", "S3", "CloudFront", "SecretsManager", "Events", "KMS", "SNS", "SQS", "SES"}
    table = off["Resources"]["Table"]["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert not [each for each in (table, *table["GlobalSecondaryIndexes"]) if "ProvisionedThroughput" in each]


def test_capacity_is_set_aside_and_scaled_for_the_table_and_each_index(template: dict[str, Any]) -> None:
    on = made(template, Foundation(provisioned=CAPACITY))

    assert difference(made(template, Foundation()), on) == {
        "added": {name + more for name in SCALED for more in ("", "Scaling")},
        "removed": set(),
        "changed": {"Table.Properties." + each for each in (
            "BillingMode", "ProvisionedThroughput", "GlobalSecondaryIndexes.0.ProvisionedThroughput",
            "GlobalSecondaryIndexes.1.ProvisionedThroughput")},
    }  # fmt: skip
    for name in SCALED:
        kind = "Read" if name.endswith("Reads") else "Write"
        target, policy = (on["Resources"][each]["Properties"] for each in (name, f"{name}Scaling"))
        where = {"Table": "table/${Table}", "Gsi1": "table/${Table}/index/GSI1", "Gsi2": "table/${Table}/index/GSI2"}
        assert target["ResourceId"] == {"Fn::Sub": where[name.removesuffix(f"{kind}s")]}
        of = "table" if name.startswith("Table") else "index"
        assert target["ScalableDimension"] == f"dynamodb:{of}:{kind}CapacityUnits"
        assert (target["MinCapacity"], target["MaxCapacity"]) == ({"Ref": f"Least{kind}s"}, {"Ref": f"Most{kind}s"})
        asked = policy["TargetTrackingScalingPolicyConfiguration"]
        assert policy["ScalingTargetId"] == {"Ref": name}
        assert asked["PredefinedMetricSpecification"] == {"PredefinedMetricType": f"DynamoDB{kind}CapacityUtilization"}


def test_the_numbers_of_the_capacity_are_those_of_the_stage() -> None:
    given = parameters.of_resources(replace(OFF, foundation=Foundation(provisioned=CAPACITY)))

    names = ("HasCapacity", "LeastReads", "MostReads", "LeastWrites", "MostWrites", "Utilisation")
    assert [given[name] for name in names] == ["true", "5", "400", "6", "500", "60"]
