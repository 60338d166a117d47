"""The custom authorizer: a bearer token becomes an IAM policy that is right for every route of its roles.

It is a Blueprint on purpose: Chalice then points the authorizer's Lambda at this module rather than at app.py,
so its cold start loads tokens and sessions but no catalogue, cart or order.
"""

from __future__ import annotations

from chalice import AuthResponse, AuthRoute, Blueprint
from chalice.app import AuthRequest

from chalicelib.api import failures, permissions
from chalicelib.auth import tokens
from chalicelib.core import log, settings
from chalicelib.core.errors import Unauthenticated

gate = Blueprint(__name__)
_REFUSAL = "Unauthorized"


@gate.authorizer(ttl_seconds=300)
def authorize(request: AuthRequest) -> AuthResponse:
    """Admit the holder of a valid access token to all routes of their roles, whichever was asked for (A5).

    An invalid token is refused with the one message that API Gateway turns into a 401. `chalice local` would
    drop the connection there, so locally the request goes on without a principal and the service answers 401.
    """
    log.begin_authorization()
    with failures.Watch(passing=_REFUSAL):
        return _judge(request)


def _judge(request: AuthRequest) -> AuthResponse:
    try:
        principal = tokens.authenticate(request.token)
    except Unauthenticated:
        if settings.current().is_local:
            return AuthResponse(routes=["*"], principal_id="anonymous")
        raise Exception(_REFUSAL) from None  # noqa: TRY002 - the exact message that means 401 to the gateway
    log.enrich(userId=principal.user_id)
    routes: list[str | AuthRoute] = [AuthRoute(path, [method]) for method, path in permissions.routes_for(principal)]
    return AuthResponse(routes=routes, principal_id=principal.user_id, context=permissions.to_context(principal))
