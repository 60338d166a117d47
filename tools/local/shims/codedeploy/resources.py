"""CodeDeploy in a template: its application and groups, and the update policy of an alias."""

from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from tools.local.shims.codedeploy import groups
from tools.local.shims.codedeploy.deployment import DEPLOYMENTS, Deployment
from tools.local.shims.codedeploy.groups import GROUPS

Properties = dict[str, Any]
Provisioned = tuple[str, dict[str, str]]
ALIAS = "AWS::Lambda::Alias"
POLICY = "CodeDeployLambdaAliasUpdate"
TEMPLATES: dict[str, dict[str, Any]] = {}


def apply() -> None:
    """Make CloudFormation know them."""
    types = provisioners._RESOURCE_HANDLERS  # noqa: SLF001
    types["AWS::CodeDeploy::Application"] = {"create": _create_application, "delete": _forget}
    types["AWS::CodeDeploy::DeploymentGroup"] = {"create": _create_group, "update": _update_group, "delete": _forget}
    types[ALIAS] = {**types[ALIAS], "update": _shifting(types[ALIAS]["update"]), "update_with_logical_id": True}
    blocks, needs = stacks._runs_on_worker_thread, engine._extract_deps  # noqa: SLF001
    stacks._runs_on_worker_thread = lambda kind: kind == ALIAS or blocks(kind)  # noqa: SLF001
    engine._extract_deps = lambda resource, names: needs(resource, names) | _policy_needs(resource, names)  # noqa: SLF001
    for module in (handlers, changesets):
        module._deploy_stack_async = _remembering(module._deploy_stack_async)  # noqa: SLF001


def _remembering(deploy: Callable[..., Any]) -> Callable[..., Any]:
    """The template of a stack that is being brought up, whose update policies its provisioners are not told."""

    def deploy_remembered(stack_name: str, stack_id: str, template: dict[str, Any], *rest: Any, **named: Any) -> Any:
        TEMPLATES[stack_name] = template
        return deploy(stack_name, stack_id, template, *rest, **named)

    return deploy_remembered


def _policy_needs(resource: dict[str, Any], names: set[str]) -> set[str]:
    """An alias comes after what its update policy names."""
    policy = resource.get("UpdatePolicy") or {}
    return {name for name, _ in engine._intrinsic_references(policy) if name in names}  # noqa: SLF001


def _create_application(logical_id: str, props: Properties, stack_name: str) -> Provisioned:
    return props.get("ApplicationName") or f"{stack_name}-{logical_id}", {}


def _create_group(logical_id: str, props: Properties, stack_name: str) -> Provisioned:
    name = str(props.get("DeploymentGroupName") or f"{stack_name}-{logical_id}")
    GROUPS[name] = groups.spelled(props)
    return name, {}


def _update_group(name: str, old: Properties, new: Properties, stack_name: str) -> Provisioned:  # noqa: ARG001 - theirs
    GROUPS[name] = groups.spelled(new)
    return name, {}


def _forget(name: str, props: Properties) -> None:  # noqa: ARG001 - the signature of ministack's provisioners
    groups.forget(name)


def _shifting(update: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    """An alias' update by CodeDeploy where its policy says so, and at once in a rollback."""

    def update_alias(
        alias_arn: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
    ) -> Provisioned:
        stack = cloudformation._stacks[stack_name]  # noqa: SLF001
        resource = TEMPLATES.get(stack_name, {}).get("Resources", {}).get(logical_id, {})
        policy = resource.get("UpdatePolicy", {}).get(POLICY)
        moved = {key for key in old | new if old.get(key) != new.get(key)}
        if not policy or moved != {"FunctionVersion"} or "ROLLBACK" in stack["StackStatus"]:
            return update(alias_arn, old, new, stack_name)
        deployment = _deployment(_resolved(policy, stack), old, new)
        DEPLOYMENTS[deployment.deployment_id] = deployment
        deployment.run()
        return alias_arn, {"AliasArn": alias_arn}

    return update_alias


def _deployment(policy: dict[str, str], old: Properties, new: Properties) -> Deployment:
    group = GROUPS[policy["DeploymentGroupName"]]
    alarms = group.get("alarmConfiguration") or {}
    return Deployment(
        application=policy["ApplicationName"],
        group=policy["DeploymentGroupName"],
        function=str(new["FunctionName"]).rpartition(":")[2],
        alias=new["Name"],
        old=str(old["FunctionVersion"]),
        new=str(new["FunctionVersion"]),
        config=group["deploymentConfigName"],
        alarms=tuple(each["name"] for each in alarms.get("alarms", ()) if alarms.get("enabled")),
        before=policy.get("BeforeAllowTrafficHook"),
        after=policy.get("AfterAllowTrafficHook"),
    )


def _resolved(policy: dict[str, Any], stack: dict[str, Any]) -> dict[str, str]:
    """The policy with names for what it refers to, all of which is there by now."""
    made = stack["_resources"]
    return {
        key: made[value["Ref"]]["PhysicalResourceId"] if isinstance(value, dict) else str(value)
        for key, value in policy.items()
    }
