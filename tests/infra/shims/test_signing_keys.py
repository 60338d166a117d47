"""How long the keys of a mail domain shall be, on the local AWS."""

from __future__ import annotations

import asyncio
import json
from types import ModuleType
from typing import Any

from ministack import app
from ministack.services import ses, ses_v2

from tests.support.mended import ministack
from tools.local.shims import signing_keys

DOMAIN = "example.org"
CHANGE = f"/v1/email/identities/{DOMAIN}/dkim/signing"


def told(*shims: ModuleType, change: dict[str, str] | None = None) -> Any:
    """The length that is told of a domain, made for keys of 2048 bits, after a change."""

    async def ask() -> Any:
        made = json.dumps({"EmailIdentity": DOMAIN, "DkimSigningAttributes": {signing_keys.LENGTH: "RSA_2048_BIT"}})
        await ses_v2.handle_request("POST", signing_keys.IDENTITIES, {}, made.encode(), {})
        if change:
            body = json.dumps({"SigningAttributes": change}).encode()
            await app._handle_ses_v2_request("PUT", CHANGE, {}, body, {}, "id")
        return await ses_v2.handle_request("GET", f"{signing_keys.IDENTITIES}/{DOMAIN}", {}, b"", {})

    with ministack(*shims):
        try:
            return json.loads(asyncio.run(ask())[2])["DkimAttributes"].get(signing_keys.LENGTH)
        finally:
            ses._identities.pop(DOMAIN, None)
            ses_v2._identities.pop(DOMAIN, None)


def test_ministack_still_tells_no_length() -> None:
    assert told() is None


def test_the_length_that_was_asked_for_is_told() -> None:
    assert told(signing_keys) == "RSA_2048_BIT"


def test_it_can_be_changed() -> None:
    assert told(signing_keys, change={signing_keys.LENGTH: "RSA_1024_BIT"}) == "RSA_1024_BIT"


def test_there_is_nothing_to_change_of_who_is_not_known() -> None:
    with ministack():
        assert signing_keys.change("nobody.example", {})[0] == 404
