"""The types that a stage's `[foundation]` adds, as lines of the table of kinds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.package.terraform.kind import Made, Properties, TemplateResource, Translation
from tools.package.terraform.values import Reference


def scaling_policy(source: TemplateResource) -> Properties:
    """What is scaled is said in the words of the target."""
    given = dict(source.properties)
    target: Reference = given.pop("ScalingTargetId")
    said = {name: target.other(name) for name in ("resource_id", "scalable_dimension", "service_namespace")}
    return {**given, **said}


def budget(source: TemplateResource) -> Properties:
    """Limit, filters and who is told stand in the budget itself."""
    given = dict(source.properties["Budget"])
    limit, filters = given.pop("BudgetLimit"), given.pop("CostFilters")
    told = [
        {**each["Notification"], "subscriber_sns_topic_arns": [one["Address"] for one in each["Subscribers"]]}
        for each in source.properties["NotificationsWithSubscribers"]
    ]
    return {
        **given,
        "limit_amount": limit["Amount"],
        "limit_unit": limit["Unit"],
        "cost_filter": [{"name": name, "values": values} for name, values in filters.items()],
        "notification": told,
    }


def security_group(source: TemplateResource) -> Properties:
    """Its rules, in and out."""
    given = dict(source.properties)
    rules = {"ingress": given.pop("SecurityGroupIngress", []), "egress": given.pop("SecurityGroupEgress", [])}
    return {**given, **{way: [_rule(each) for each in found] for way, found in rules.items() if found}}


def _rule(given: Properties) -> Properties:
    from_whom = {"security_groups": [given["SourceSecurityGroupId"]]} if "SourceSecurityGroupId" in given else {}
    to_whom = {"cidr_blocks": [given["CidrIp"]]} if "CidrIp" in given else {}
    ports = {"from_port": given["FromPort"], "to_port": given["ToPort"], "protocol": given["IpProtocol"]}
    return {"description": given["Description"], **ports, **from_whom, **to_whom}


def layer(source: TemplateResource) -> Properties:
    """The archive is a file of the package; a version that functions may go back to stays."""
    given = dict(source.properties)
    archive = f'"${{path.root}}/{given.pop("Content")["S3Key"]}"'
    return {
        **given,
        "filename": Reference(archive),
        "source_code_hash": Reference(f"filebase64sha256({archive})"),
        "skip_destroy": True,
    }


def warm(source: TemplateResource, value: Any) -> Iterator[Made]:
    """What is kept warm behind an alias."""
    arguments = {"function_name": source.properties["FunctionName"], "qualifier": source.ref("name"), **value}
    yield Made("aws_lambda_provisioned_concurrency_config", source.label, arguments)


def scaled(source: TemplateResource) -> Properties:
    """What auto-scaling sets is left as it is."""
    if "ProvisionedThroughput" not in source.properties:
        return {}
    names = ("read_capacity", "write_capacity", "global_secondary_index")
    return {"ignore_changes": [Reference(name) for name in names]}


KINDS: dict[str, Translation] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": Translation("aws_appautoscaling_target"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Translation(
        "aws_appautoscaling_policy", renamed={"PolicyName": "name"}, shape=scaling_policy
    ),
    "AWS::Budgets::Budget": Translation("aws_budgets_budget", renamed={"BudgetName": "name"}, shape=budget),
    "AWS::EC2::EIP": Translation("aws_eip", attributes={"AllocationId": "allocation_id"}),
    "AWS::EC2::InternetGateway": Translation("aws_internet_gateway"),
    "AWS::EC2::NatGateway": Translation("aws_nat_gateway"),
    "AWS::EC2::Route": Translation("aws_route"),
    "AWS::EC2::RouteTable": Translation("aws_route_table"),
    "AWS::EC2::SecurityGroup": Translation(
        "aws_security_group", renamed={"GroupDescription": "description"}, named="name", shape=security_group
    ),
    "AWS::EC2::Subnet": Translation("aws_subnet"),
    "AWS::EC2::SubnetRouteTableAssociation": Translation("aws_route_table_association"),
    "AWS::EC2::VPC": Translation("aws_vpc"),
    "AWS::EC2::VPCEndpoint": Translation("aws_vpc_endpoint", renamed={"PolicyDocument": "policy"}),
    "AWS::EC2::VPCGatewayAttachment": Translation("aws_internet_gateway_attachment"),
    "AWS::Lambda::LayerVersion": Translation("aws_lambda_layer_version", ref="arn", shape=layer),
}
