"""ministack's stacks do not know the saved queries of CloudWatch Logs; the shop's stack has some.

Nothing here reads them, so that they are known is all.
"""

from typing import Any

from ministack.core.responses import new_uuid
from ministack.services.cloudformation import provisioners

KIND = "AWS::Logs::QueryDefinition"


def apply() -> None:
    """Make stacks able to save a query."""
    handlers = {"create": create, "update": update, "delete": delete}
    provisioners._RESOURCE_HANDLERS[KIND] = handlers  # noqa: SLF001


def create(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
    """Save a query; its Ref is an id. Raises `ValueError` for one without a name or a text, as CloudFormation does."""
    for required in ("Name", "QueryString"):
        if not properties.get(required):
            message = f"{KIND} needs {required}."
            raise ValueError(message)
    identity = new_uuid()
    return identity, {"QueryDefinitionId": identity}


def update(
    physical_id: str, _old: dict[str, Any], _properties: dict[str, Any], _stack: str
) -> tuple[str, dict[str, Any]]:
    """Save it anew under its id."""
    return physical_id, {"QueryDefinitionId": physical_id}


def delete(_physical_id: str, _properties: dict[str, Any]) -> None:
    """Forget it: nothing was kept."""
