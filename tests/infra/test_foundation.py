"""The options below the API: by what exactly each makes the templates another, and that off they are as before."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cfnlint.decode import cfn_yaml
from msgspec.structs import replace

from tests.support.conditions import decided, difference
from tools import stages
from tools.package import artifacts, deploy, finishing, foundation, sam
from tools.package.edge import firewall
from tools.package.terraform import kind, packaging
from tools.package.terraform.kind import Made
from tools.package.terraform.modules import RESOURCES, Module, Stack
from tools.package.terraform.values import Reference
from tools.refusal import Refusal
from tools.stages import generated, parameters, policies, resources
from tools.stages.edge import Edge
from tools.stages.foundation import Capacity, Foundation, PrivateNetwork
from tools.templates import options

OFF = stages.read("prod")
NOTHING = {"added": set[str](), "removed": set[str](), "changed": set[str]()}
SCALED = ("TableReads", "TableWrites", "Gsi1Reads", "Gsi1Writes", "Gsi2Reads", "Gsi2Writes")
CAPACITY = Capacity(least_reads=5, most_reads=400, least_writes=6, most_writes=500, utilisation=60)


def test_every_option_is_said_where_all_are_linted_and_translated() -> None:
    said = msgspec.structs.asdict(options.FOUNDATION)

    assert [name for name, value in said.items() if value == getattr(Foundation(), name)] == []


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


def test_a_budget_tells_the_topic_which_lets_it_publish(template: dict[str, Any]) -> None:
    on = made(template, Foundation(monthly_budget=50))

    assert difference(made(template, Foundation()), on) == {
        "added": {"Budget"},
        "removed": set(),
        "changed": {"AlertKey.Properties.KeyPolicy.Statement", "AlertTopicPolicy.Properties.PolicyDocument.Statement"},
    }
    budget = on["Resources"]["Budget"]["Properties"]
    told = [each["Notification"] for each in budget["NotificationsWithSubscribers"]]
    assert [(each["NotificationType"], each["Threshold"]) for each in told] == [("ACTUAL", 80), ("FORECASTED", 100)]
    assert budget["Budget"]["BudgetLimit"] == {"Amount": {"Ref": "MonthlyBudget"}, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": [{"Fn::Join": ["", ["user:Stage$", {"Ref": "Stage"}]]}]}
    for document in (on["Resources"]["AlertKey"]["Properties"]["KeyPolicy"],
                     on["Resources"]["AlertTopicPolicy"]["Properties"]["PolicyDocument"]):  # fmt: skip
        (added,) = [each for each in document["Statement"] if each["Sid"] == "BudgetsPublish"]
        assert added["Principal"] == {"Service": "budgets.amazonaws.com"}
        assert set(added["Condition"]) == {"StringEquals", "ArnLike"}


NETWORK = {"Network", "PrivateRoutes", "PrivateSubnet1", "PrivateSubnet1Routes", "PrivateSubnet2",
           "PrivateSubnet2Routes", "FunctionsGroup", "EndpointsGroup", "TableEndpoint", "BucketEndpoint",
           "output PrivateSubnets", "output FunctionsGroup"}  # fmt: skip
WAY_OUT = {"PublicSubnet", "PublicRoutes", "PublicSubnetRoutes", "InternetGateway", "InternetGatewayOfNetwork",
           "PublicWayOut", "NatAddress", "Nat", "PrivateWayOut"}  # fmt: skip
REACHED = {
    (): set[str](),
    ("remind_of_carts", "handle_mail_events"): set[str](),
    ("authorize",): {"SecretsEndpoint"},
    ("handle_table_stream",): {
        "SecretsEndpoint", "AlertsEndpoint", "EventsEndpoint", "LettersEndpoint", "MailEndpoint",
    },
}  # fmt: skip


@pytest.mark.parametrize(("functions", "endpoints"), REACHED.items(), ids=lambda each: "+".join(sorted(each)) or "none")
def test_a_private_network_has_endpoints_for_what_its_functions_call_and_no_way_out(
    template: dict[str, Any], functions: tuple[str, ...], endpoints: set[str]
) -> None:
    on = made(template, Foundation(private_network=PrivateNetwork(functions=functions)))

    assert difference(made(template, Foundation()), on) == {**NOTHING, "added": NETWORK | endpoints}
    assert not [each for each in on["Resources"].values() if each["Type"] == "AWS::EC2::Route"]


def test_a_third_zone_and_a_way_out_are_added_when_asked_for(template: dict[str, Any]) -> None:
    asked = PrivateNetwork(functions=())
    plain = made(template, Foundation(private_network=asked))

    three = made(template, Foundation(private_network=replace(asked, zones=3)))
    out = made(template, Foundation(private_network=replace(asked, nat=True)))

    added = {"PrivateSubnet3", "PrivateSubnet3Routes"}
    assert difference(plain, three) == {
        **NOTHING, "added": added, "changed": {"output PrivateSubnets.Value.Fn::Join.1"}}  # fmt: skip
    assert difference(plain, out) == {**NOTHING, "added": WAY_OUT}


def test_functions_call_out_by_tls_alone_and_only_they_reach_the_endpoints(template: dict[str, Any]) -> None:
    on = made(template, Foundation(private_network=PrivateNetwork(functions=("handle_table_stream",))))["Resources"]
    functions, endpoints = (on[each]["Properties"] for each in ("FunctionsGroup", "EndpointsGroup"))

    (call,), (answer,) = functions["SecurityGroupEgress"], endpoints["SecurityGroupIngress"]
    assert {(each["IpProtocol"], each["FromPort"], each["ToPort"]) for each in (call, answer)} == {("tcp", 443, 443)}
    assert answer["SourceSecurityGroupId"] == {"Ref": "FunctionsGroup"}
    assert "SecurityGroupIngress" not in functions
    assert [each["CidrIp"] for each in endpoints["SecurityGroupEgress"]] == ["127.0.0.1/32"]
    for name, endpoint in on.items():
        if endpoint["Type"] == "AWS::EC2::VPCEndpoint" and name != "MailEndpoint":
            (statement,) = endpoint["Properties"]["PolicyDocument"]["Statement"]
            assert set(statement["Condition"]["StringEquals"]) == {"aws:PrincipalAccount", "aws:ResourceAccount"}


def added_rights(function: str, foundation: Foundation) -> list[dict[str, Any]]:
    """By what the function's policy is more with these options."""
    before, after = (
        policies.policy(each, function)["Statement"] for each in (OFF, replace(OFF, foundation=foundation))
    )
    assert after[: len(before)] == before
    return list(after[len(before) :])


@pytest.mark.parametrize("function", policies.functions())
def test_a_key_of_its_own_is_in_no_functions_policy_so_that_old_versions_start_without_the_option(
    function: str,
) -> None:
    assert added_rights(function, Foundation(own_keys=True)) == []


@pytest.mark.parametrize("functions", [(), ("authorize", "remind_of_carts")], ids=["leaving", "in it"])
@pytest.mark.parametrize("function", policies.functions())
def test_rights_to_interfaces_last_as_long_as_the_network_and_are_not_for_the_code(
    function: str, functions: tuple[str, ...]
) -> None:
    network = Foundation(private_network=PrivateNetwork(functions=functions))

    (statement,) = added_rights(function, network)

    assert statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}}
    assert statement["Action"] == sorted(statement["Action"])
    assert {action for action in statement["Action"] if not action.startswith("ec2:")} == set()


def merged(options: Foundation, *, has_firewall: bool = False) -> dict[str, Any]:
    """What is said of the app of a stage with these options, and perhaps with a firewall, which has a log."""
    stage, made_of = replace(OFF, foundation=options), sam.merge_for("prod")
    if has_firewall:
        firewall.add_to(made_of, stage)
    foundation.add_to(made_of, stage)
    return made_of


def changes_of(options: Foundation) -> dict[str, set[str]]:
    off, on = merged(Foundation()), merged(options)
    assert {name: each for name, each in off.items() if name != "Resources"} == {
        name: {**each, "Function": {k: v for k, v in each["Function"].items() if k != "KmsKeyArn"}}
        if name == "Globals" else each for name, each in on.items() if name != "Resources"
    }  # fmt: skip
    return difference(off, on)


def test_a_key_of_its_own_encrypts_every_environment_and_every_log() -> None:
    on = merged(Foundation(own_keys=True), has_firewall=True)

    groups = {name for name, each in on["Resources"].items() if each.get("Type") == "AWS::Logs::LogGroup"}
    assert "FirewallLogs" in groups
    assert changes_of(Foundation(own_keys=True)) == {
        "added": {"ApplicationKey", "ApplicationKeyAlias"},
        "removed": set(),
        "changed": {f"{name}.Properties.KmsKeyId" for name in groups - {"FirewallLogs"}},
    }
    assert on["Globals"]["Function"]["KmsKeyArn"] == {"Fn::GetAtt": ["ApplicationKey", "Arn"]}
    key = on["Resources"]["ApplicationKey"]
    assert (key["DeletionPolicy"], key["Properties"]["EnableKeyRotation"]) == ("RetainExceptOnCreate", True)
    logs = key["Properties"]["KeyPolicy"]["Statement"][1]
    allowed = {each["Fn::Sub"].partition(":log-group:")[2] for each in logs["Condition"]["ArnEquals"][CONTEXT]}
    assert allowed == {on["Resources"][name]["Properties"]["LogGroupName"]["Fn::Sub"] for name in groups}
    assert not [action for action in logs["Action"] if "*" in action]


CONTEXT = "kms:EncryptionContext:aws:logs:arn"


def test_the_key_lets_each_function_read_its_own_environment_and_no_others(template_of_app: dict[str, Any]) -> None:
    asked = replace(OFF, foundation=Foundation(own_keys=True))
    foundation.add_to(template_of_app, asked)
    statements = template_of_app["Resources"]["ApplicationKey"]["Properties"]["KeyPolicy"]["Statement"]
    readers = [each for each in statements if each["Action"] == "kms:Decrypt"]

    allowed = {
        (name, other)
        for name, one in finishing.functions(template_of_app).items()
        for other, another in finishing.functions(template_of_app).items()
        if any(lets_decrypt(each, made_role(one), made_function(other, another)) for each in readers)
    }

    assert allowed == {(name, name) for name in finishing.functions(template_of_app)}
    for each in readers:
        assert each["Principal"] == {"AWS": "*"}
        assert each["Condition"]["StringEquals"] == {"kms:CallerAccount": {"Ref": "AWS::AccountId"}}
        assert set(each["Condition"]) == {"StringEquals", "ArnLike", "StringLike"}


@pytest.fixture
def template_of_app(out: Path) -> dict[str, Any]:
    """What is deployed, as it is packaged without an option."""
    return dict(json.loads((out / "sam.json").read_text()))


def made_role(function: dict[str, Any]) -> str:
    """As CloudFormation names it: by the stack, its logical id, and what is its own."""
    return f"role/ecommerce-${{Stage}}-{function['Role']['Fn::GetAtt'][0]}-1ABCDEFGHIJK2"


def made_function(name: str, function: dict[str, Any]) -> str:
    said = function.get("FunctionName", {"Fn::Sub": f"ecommerce-${{Stage}}-{name}-1ABCDEFGHIJK2"})
    return f":function:{said['Fn::Sub']}"


def lets_decrypt(statement: dict[str, Any], role: str, function: str) -> bool:
    condition = statement["Condition"]
    of_role = condition["ArnLike"]["aws:PrincipalArn"]["Fn::Sub"]
    of_function = condition["StringLike"]["kms:EncryptionContext:aws:lambda:FunctionArn"]["Fn::Sub"]
    return fits(role, of_role) and fits(function, of_function)


def fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern[pattern.index(name[:5]) :].removesuffix("*"))


def test_warm_functions_are_those_that_the_stage_names() -> None:
    asked = Foundation(provisioned_concurrency={"api_handler": 3, "authorize": 1})

    assert changes_of(asked) == {
        **NOTHING,
        "changed": {f"{name}.Properties.ProvisionedConcurrencyConfig" for name in ("APIHandler", "Authorize")},
    }
    found = merged(asked)["Resources"]["APIHandler"]["Properties"]["ProvisionedConcurrencyConfig"]
    assert found == {"ProvisionedConcurrentExecutions": 3}


def test_functions_of_the_network_are_in_it_and_no_others() -> None:
    asked = Foundation(private_network=PrivateNetwork(functions=("authorize", "check_store"), nat=True))

    assert changes_of(asked) == {
        **NOTHING, "changed": {f"{name}.Properties.VpcConfig" for name in ("Authorize", "CheckStore")}}  # fmt: skip


def test_a_layer_is_chalices_setting_of_the_stage() -> None:
    assert changes_of(Foundation(layer=True)) == NOTHING
    on = generated._configured(replace(OFF, foundation=Foundation(layer=True)), [])
    off = generated._configured(OFF, [])

    assert {**off, "automatic_layer": True} == on
    assert "automatic_layer" not in off


ONLY_BY_SAM = {
    "own_keys": Foundation(own_keys=True),
    "layer": Foundation(layer=True),
    "provisioned_concurrency": Foundation(provisioned_concurrency={"authorize": 1}),
    "private_network.functions": Foundation(private_network=PrivateNetwork(functions=("authorize",))),
}


@pytest.mark.parametrize(("option", "foundation"), ONLY_BY_SAM.items(), ids=list(ONLY_BY_SAM))
def test_what_chalice_cannot_make_is_refused_before_anything_is_deployed(option: str, foundation: Foundation) -> None:
    with pytest.raises(Refusal, match=f"^Nothing was deployed: foundation.{option} is for stages that SAM deploys"):
        deploy.deploy(replace(OFF, foundation=foundation), "3.13")


def test_what_is_in_the_resources_may_be_had_with_chalice() -> None:
    network = PrivateNetwork(functions=())
    asked = Foundation(monthly_budget=9, provisioned=CAPACITY, private_network=network)

    assert deploy.only_by_sam(replace(OFF, foundation=asked)) == []


def test_nothing_before_the_api_can_be_had_with_chalice() -> None:
    asked = [replace(OFF, edge=Edge(**{name: value})) for name, value in msgspec.structs.asdict(options.EDGE).items()
             if value != getattr(Edge(), name)]  # fmt: skip

    assert {len(deploy.only_by_sam(each)) for each in asked} == {1}
    with pytest.raises(Refusal, match=r"^Nothing was deployed: edge\.usage_plans is for stages that SAM deploys"):
        deploy.deploy(asked[0], "3.13")


def in_terraform(foundation: Foundation) -> dict[str, Made]:
    """What the resources of a stage with these options are there, by their addresses."""
    stage, template = replace(OFF, foundation=foundation), packaging._resources()
    fixed = packaging._fixed(template)
    given = {name: each for name, each in parameters.of_resources(stage).items() if name in fixed}
    module = Module(RESOURCES)
    Stack(template, stage.resources_stack, given, stage.is_protected, {RESOURCES: module}).translate()
    return {each.address: each for service in module.resources.values() for each in service}


def test_terraform_makes_of_each_option_what_cloudformation_makes(template: dict[str, Any]) -> None:
    before, after = in_terraform(Foundation()), in_terraform(options.FOUNDATION)

    added = [kind.arguments(each) for address, each in after.items() if address not in before]
    wanted = difference(made(template, Foundation()), made(template, options.FOUNDATION))["added"]
    assert len(added) == len([each for each in wanted if not each.startswith("output ")])
    assert after["aws_dynamodb_table.table"].lifecycle["ignore_changes"] == [
        Reference(name) for name in ("read_capacity", "write_capacity", "global_secondary_index")
    ]
    assert "ignore_changes" not in before["aws_dynamodb_table.table"].lifecycle
    scaling = kind.arguments(after["aws_appautoscaling_policy.table_reads_scaling"])
    assert scaling["resource_id"].text == "aws_appautoscaling_target.table_reads.resource_id"
    budget = kind.arguments(after["aws_budgets_budget.budget"])
    assert [each["notification_type"] for each in budget["notification"]] == ["ACTUAL", "FORECASTED"]
    group = kind.arguments(after["aws_security_group.endpoints_group"])
    assert [each["security_groups"] for each in group["ingress"]] == [
        [Reference("aws_security_group.functions_group.id", "aws_security_group.functions_group")]
    ]


def test_another_layer_is_other_code_and_without_one_nothing_is_otherwise(tmp_path: Path) -> None:
    (tmp_path / artifacts.CODE).write_bytes(b"code")
    alone = sam.code_sha256(tmp_path)
    found = []
    for layer in (b"one", b"other"):
        (tmp_path / artifacts.LAYER).write_bytes(layer)
        found.append(sam.code_sha256(tmp_path))

    assert alone == hashlib.sha256(b"code").hexdigest()
    assert len({alone, *found}) == 3
