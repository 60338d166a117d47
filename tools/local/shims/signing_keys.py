"""ministack keeps nothing of how long the keys of a mail domain shall be, and knows no call that changes it.

SES tells the length to come with the other attributes of DKIM; Terraform compares it with what it asked for.
"""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from ministack import app as ministack
from ministack.core.responses import json_response
from ministack.services import ses_v2

IDENTITIES = "/v2/email/identities"
LENGTH = "NextSigningKeyLength"
_CHANGE = re.compile(r"/v1/email/identities/([^/]+)/dkim/signing")  # the one call of SES' second API that says 1


def apply() -> None:
    """Make the local AWS keep and tell it."""
    handle, route = ses_v2.handle_request, ministack._handle_ses_v2_request  # noqa: SLF001

    async def handle_lengths(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        answer = await handle(method, path, headers, body, query)
        if method == "POST" and path == IDENTITIES and answer[0] < 400:  # noqa: PLR2004 - an HTTP status
            asked = json.loads(body)
            _note(asked["EmailIdentity"], asked.get("DkimSigningAttributes") or {})
        return answer

    async def route_changes(method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        if method == "PUT" and (match := _CHANGE.fullmatch(path)):
            return change(unquote(match[1]), json.loads(body).get("SigningAttributes") or {})
        return await route(method, path, headers, body, *rest)

    ses_v2.handle_request = handle_lengths
    ministack._handle_ses_v2_request = route_changes  # noqa: SLF001


def change(identity: str, attributes: Mapping[str, str]) -> Any:
    """Note the length of the keys to come."""
    if identity not in ses_v2._identities:  # noqa: SLF001
        return ses_v2._json_err("NotFoundException", f"Email identity {identity} does not exist.", 404)  # noqa: SLF001
    told = _note(identity, attributes)
    return json_response({"DkimStatus": told.get("Status", "PENDING"), "DkimTokens": told.get("Tokens", [])})


def _note(identity: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = ses_v2._identities[identity]["DkimAttributes"]  # noqa: SLF001
    if length := attributes.get(LENGTH):
        found[LENGTH] = length
    return found
