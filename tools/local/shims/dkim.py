"""ministack's stacks know nothing of a domain's DKIM records; CloudFormation tells the three, for the owner's DNS."""

from collections.abc import Callable
from typing import Any

from ministack.services import ses_v2
from ministack.services.cloudformation import provisioners

IDENTITY = "AWS::SES::EmailIdentity"
Made = tuple[str, dict[str, Any]]


def apply() -> None:
    """Make stacks tell the records of a domain, and SES the tokens in them."""
    handlers = provisioners._RESOURCE_HANDLERS[IDENTITY]  # noqa: SLF001
    for step in ("create", "update"):
        handlers[step] = _telling(handlers[step])


def _telling(make: Callable[..., Made]) -> Callable[..., Made]:
    def make_and_tell(*arguments: Any, **more: Any) -> Made:
        name, attributes = make(*arguments, **more)
        return name, {**attributes, **_records(name)}

    return make_and_tell


def _records(identity: str) -> dict[str, str]:
    """What GetAtt gives of a domain; an address has no records."""
    if "@" in identity:
        return {}
    found = ses_v2._identities[identity]  # noqa: SLF001
    found["DkimAttributes"] = ses_v2._easy_dkim_attributes(identity, "DOMAIN", {})  # noqa: SLF001
    records: dict[str, str] = {}
    for number, token in enumerate(found["DkimAttributes"]["Tokens"], start=1):
        records[f"DkimDNSTokenName{number}"] = f"{token}._domainkey.{identity}"
        records[f"DkimDNSTokenValue{number}"] = f"{token}.dkim.amazonses.com"
    return records
