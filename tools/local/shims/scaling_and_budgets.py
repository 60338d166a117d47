"""ministack's stacks do not know how a table is scaled, nor a budget; a stage may ask for both.

Nothing here scales or costs, so that they are known is all: what they were asked for stands in the stack's template.
"""

from typing import Any

from ministack.services.cloudformation import provisioners

# What a type cannot be without, and what its Ref is made of.
KINDS = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ("ResourceId", "ScalableDimension"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("PolicyName", "PolicyType"),
    "AWS::Budgets::Budget": ("Budget",),
}


def apply() -> None:
    """Make stacks take all of them."""
    for kind in KINDS:
        provisioners._RESOURCE_HANDLERS[kind] = {  # noqa: SLF001
            "create": _create(kind),
            "update": lambda physical_id, _old, _new, _stack: (physical_id, {}),
            "delete": lambda _physical_id, _properties: None,
        }


def _create(kind: str) -> Any:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        """Take it. Raises `ValueError` for one without what it needs, as CloudFormation does."""
        for required in KINDS[kind]:
            if not properties.get(required):
                message = f"{kind} needs {required}."
                raise ValueError(message)
        return f"{stack}-{logical_id}", {}

    return create
