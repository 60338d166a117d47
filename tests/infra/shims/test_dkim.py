"""The DNS records by which a domain's mail is signed, as stacks of the local AWS tell them."""

from __future__ import annotations

from typing import Any

import pytest
from ministack.services import ses, ses_v2
from ministack.services.cloudformation import provisioners

from tests.support.mended import ministack
from tools.local.shims import dkim


def made(identity: str, step: str = "create") -> dict[str, Any]:
    handler = provisioners._RESOURCE_HANDLERS[dkim.IDENTITY][step]
    wanted = {"EmailIdentity": identity}
    try:
        _, told = handler("MailIdentity", wanted, "s") if step == "create" else handler(identity, wanted, wanted, "s")
        tokens = ses_v2._identities[identity]["DkimAttributes"]["Tokens"]
        return {**told, "tokens": tokens}
    finally:
        ses._identities.pop(identity, None)
        ses_v2._identities.pop(identity, None)


def test_ministack_still_tells_no_records() -> None:
    with ministack():
        assert made("example.org") == {"EmailIdentity": "example.org", "tokens": []}


@pytest.mark.parametrize("step", ["create", "update"])
def test_the_three_records_of_a_domain_are_told(step: str) -> None:
    with ministack(dkim):
        told = made("example.org", step)

    assert len(told["tokens"]) == 3
    for number, token in enumerate(told["tokens"], start=1):
        assert told[f"DkimDNSTokenName{number}"] == f"{token}._domainkey.example.org"
        assert told[f"DkimDNSTokenValue{number}"] == f"{token}.dkim.amazonses.com"


def test_an_address_has_none() -> None:
    with ministack(dkim):
        assert made("shop@example.org") == {"EmailIdentity": "shop@example.org", "tokens": []}
