"""ministack's CloudFormation leaves expiry, recovery and encryption out of a table; CloudFormation does not.

A table without them could be neither restored nor compared with the one that takes its place.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

KIND = "AWS::DynamoDB::Table"
Create = Callable[[str, Mapping[str, Any], str], Any]


def apply() -> None:
    """Make a stack's table as its template says."""
    handlers = provisioners._RESOURCE_HANDLERS[KIND]  # noqa: SLF001
    handlers["create"] = _creating(handlers["create"])


def _creating(create: Create) -> Create:
    def create_whole(logical_id: str, properties: Mapping[str, Any], stack: str) -> Any:
        made = create(logical_id, properties, stack)
        _set(made[0], properties)
        return made

    return create_whole


def _set(name: str, properties: Mapping[str, Any]) -> None:
    expiry = properties.get("TimeToLiveSpecification", {})
    if _is_on(expiry.get("Enabled")):
        setting = {"TimeToLiveStatus": "ENABLED", "AttributeName": expiry["AttributeName"]}
        dynamodb._ttl_settings[name] = setting  # noqa: SLF001
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    dynamodb._pitr_settings[name] = _is_on(recovery.get("PointInTimeRecoveryEnabled"))  # noqa: SLF001
    encryption = {"Enabled": _is_on(properties.get("SSESpecification", {}).get("SSEEnabled"))}
    dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(encryption)  # noqa: SLF001


def _is_on(said: object) -> bool:
    """A template's boolean, which may come as a text."""
    return str(said).lower() == "true"
