"""Who may call what: the one permission matrix behind the gateway's policy and the service's own check.

A route that is missing here cannot be served, and a test holds the matrix to the routes that app.py declares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache

from chalicelib.core.errors import Forbidden, Unauthenticated
from chalicelib.core.principal import Principal, Role


class Audience(StrEnum):
    """Who a route is for."""

    PUBLIC = "public"
    GUEST = "guest"  # a user or a guest: no authorizer, the handler reads the token if there is one
    USER = "user"
    SELF = "self"  # the user whom it is about, or an admin; the service compares
    ADMIN = "admin"


ROUTES: dict[tuple[str, str], Audience] = {
    ("GET", "/"): Audience.PUBLIC,
    ("GET", "/problems"): Audience.PUBLIC,
    ("GET", "/problems/{code}"): Audience.PUBLIC,
    ("GET", "/hello"): Audience.PUBLIC,
    ("GET", "/health"): Audience.PUBLIC,
    ("GET", "/openapi.json"): Audience.PUBLIC,
    ("GET", "/asyncapi.json"): Audience.PUBLIC,
    ("GET", "/docs"): Audience.PUBLIC,
    ("POST", "/auth/register"): Audience.PUBLIC,
    ("POST", "/auth/login"): Audience.PUBLIC,
    ("POST", "/auth/refresh"): Audience.PUBLIC,
    ("POST", "/auth/password/forgot"): Audience.PUBLIC,
    ("POST", "/auth/password/reset"): Audience.PUBLIC,
    ("POST", "/auth/verify"): Audience.PUBLIC,
    ("POST", "/auth/logout"): Audience.USER,
    ("GET", "/auth/me"): Audience.USER,
    ("POST", "/sessions"): Audience.PUBLIC,
    ("GET", "/sessions"): Audience.USER,
    ("GET", "/sessions/{session_id}"): Audience.USER,
    ("DELETE", "/sessions/{session_id}"): Audience.USER,
    ("GET", "/users/profile"): Audience.USER,
    ("PUT", "/users/profile"): Audience.USER,
    ("DELETE", "/users/profile"): Audience.USER,
    ("DELETE", "/users/profile/erasure"): Audience.USER,
    ("GET", "/users/profile/export"): Audience.USER,
    ("PUT", "/users/password"): Audience.USER,
    ("POST", "/users"): Audience.ADMIN,
    ("GET", "/users"): Audience.ADMIN,
    ("GET", "/users/{user_id}"): Audience.SELF,
    ("PUT", "/users/{user_id}"): Audience.SELF,
    ("PATCH", "/users/{user_id}"): Audience.SELF,
    ("DELETE", "/users/{user_id}"): Audience.ADMIN,
    ("POST", "/users/{user_id}/erasure"): Audience.ADMIN,
    ("PUT", "/users/{user_id}/status"): Audience.ADMIN,
    ("POST", "/users/{user_id}/roles"): Audience.ADMIN,
    ("DELETE", "/users/{user_id}/roles/{role}"): Audience.ADMIN,
    ("GET", "/users/{user_id}/audit"): Audience.ADMIN,
    ("GET", "/products"): Audience.PUBLIC,
    ("POST", "/products"): Audience.ADMIN,
    ("GET", "/products/{product_id}"): Audience.PUBLIC,
    ("PUT", "/products/{product_id}"): Audience.ADMIN,
    ("PATCH", "/products/{product_id}"): Audience.ADMIN,
    ("DELETE", "/products/{product_id}"): Audience.ADMIN,
    ("GET", "/products/{product_id}/stock"): Audience.ADMIN,
    ("POST", "/products/{product_id}/stock"): Audience.ADMIN,
    ("POST", "/products/{product_id}/images"): Audience.ADMIN,
    ("PUT", "/products/{product_id}/images/{image_id}"): Audience.ADMIN,
    ("GET", "/products/category/{category}"): Audience.PUBLIC,
    ("GET", "/categories"): Audience.PUBLIC,
    ("GET", "/admin/products"): Audience.ADMIN,
    ("GET", "/admin/products/{product_id}"): Audience.ADMIN,
    ("GET", "/cart"): Audience.GUEST,
    ("DELETE", "/cart"): Audience.GUEST,
    ("POST", "/cart/items"): Audience.GUEST,
    ("PUT", "/cart/items/{item_id}"): Audience.GUEST,
    ("DELETE", "/cart/items/{item_id}"): Audience.GUEST,
    ("POST", "/cart/coupon"): Audience.GUEST,
    ("POST", "/coupons"): Audience.ADMIN,
    ("GET", "/coupons"): Audience.ADMIN,
    ("GET", "/coupons/{code}"): Audience.ADMIN,
    ("PATCH", "/coupons/{code}"): Audience.ADMIN,
    ("DELETE", "/coupons/{code}"): Audience.ADMIN,
    ("GET", "/orders"): Audience.USER,
    ("POST", "/orders"): Audience.USER,
    ("GET", "/orders/{order_id}"): Audience.USER,
    ("GET", "/orders/{order_id}/status"): Audience.USER,
    ("PUT", "/orders/{order_id}/cancel"): Audience.USER,
    ("PUT", "/orders/{order_id}/status"): Audience.ADMIN,
    ("POST", "/orders/{order_id}/refunds"): Audience.ADMIN,
    ("GET", "/orders/{order_id}/refunds"): Audience.USER,
    ("GET", "/admin/audit"): Audience.ADMIN,
    ("GET", "/admin/incidents"): Audience.ADMIN,
    ("POST", "/webhooks"): Audience.ADMIN,
    ("GET", "/webhooks"): Audience.ADMIN,
    ("GET", "/webhooks/{webhook_id}"): Audience.ADMIN,
    ("PATCH", "/webhooks/{webhook_id}"): Audience.ADMIN,
    ("DELETE", "/webhooks/{webhook_id}"): Audience.ADMIN,
    ("POST", "/webhooks/{webhook_id}/secret"): Audience.ADMIN,
    ("POST", "/webhooks/{webhook_id}/test"): Audience.ADMIN,
    ("GET", "/webhooks/{webhook_id}/deliveries"): Audience.ADMIN,
    ("POST", "/webhooks/{webhook_id}/deliveries/{delivery_id}/retry"): Audience.ADMIN,
    ("POST", "/payments/webhook"): Audience.PUBLIC,  # signed by the provider
}

# Routes that look at the session themselves, in the transaction of what they do.
_CHECKED_IN_TRANSACTION = {("POST", "/orders"), ("POST", "/auth/logout")}
_SENSITIVE_READS = {("GET", "/users/profile/export")}


def to_context(principal: Principal) -> dict[str, str]:
    """The principal as an authorizer hands it on: strings only, as API Gateway demands (A5)."""
    return {
        "userId": principal.user_id,
        "email": principal.email,
        "role": principal.role,
        "roles": ",".join(principal.roles),
        "sessionId": principal.session_id,
    }


def from_context(context: Mapping[str, str]) -> Principal | None:
    """Who the authorizer let in, or None where it let nobody in."""
    if "userId" not in context:
        return None
    return Principal(
        user_id=context["userId"],
        email=context["email"],
        roles=tuple(Role(role) for role in context["roles"].split(",")),
        session_id=context["sessionId"],
    )


def is_user_management(path: str) -> bool:
    """Is it one of the routes that a stage may give to signing services instead of admins?"""
    return path == "/users" or path.startswith("/users/{user_id}")


def service_principal(arn: str) -> Principal:
    """The caller that API Gateway has authenticated by SigV4; IAM has already judged what it may call.

    An assumed role is one caller whatever its session is named, so that a retry from another one is recognised.
    """
    who = arn.rpartition("/")[0] if ":assumed-role/" in arn else arn
    return Principal(user_id=who, email="", roles=(Role.ADMIN,), session_id="")


def admit(audience: Audience, principal: Principal | None) -> None:
    """Let the caller pass, or raise `Unauthenticated` or `Forbidden`."""
    if audience in (Audience.PUBLIC, Audience.GUEST):
        return
    if principal is None:
        raise Unauthenticated("Sign in first: send a valid access token as `Authorization: Bearer <token>`.")
    if audience is Audience.ADMIN and not principal.is_admin:
        raise Forbidden("This needs the admin role.")


def must_recheck(route: tuple[str, str], principal: Principal) -> bool:
    """Is the session to be looked up again, so that ending it counts at once (A3)?

    Elsewhere it counts when the gateway's cached policy expires. So whatever changes something, shows everything, or
    is done with an admin's rights looks again.
    """
    fresh = ROUTES[route] is Audience.GUEST or route in _CHECKED_IN_TRANSACTION
    if fresh or not principal.session_id:
        return False
    return principal.is_admin or route[0] != "GET" or route in _SENSITIVE_READS


def route(method: str, path: str) -> tuple[str, str]:
    """The route that a request is for: HEAD is for what GET gives."""
    return ("GET" if method == "HEAD" else method), path


def methods_of(path: str) -> list[str]:
    """What a path answers to, for an Allow header: its routes, HEAD where there is GET, and OPTIONS by CORS."""
    return [each for method, known in ROUTES if known == path for each in _with_head(method)] + ["OPTIONS"]


def routes_for(principal: Principal) -> list[tuple[str, str]]:
    """Method and path of every route behind the authorizer that this caller's roles open, `{…}` as `*`.

    It depends on the roles alone, so that a policy made from it may be cached for any route (A5). What another line
    of the policy opens as well is left out, since its length has a limit.
    """
    return list(_opened(is_admin=principal.is_admin))


@lru_cache
def _opened(*, is_admin: bool) -> tuple[tuple[str, str], ...]:
    open_to = {Audience.USER, Audience.SELF} | ({Audience.ADMIN} if is_admin else set())
    routes = {(method, _wildcard(path)) for (method, path), audience in ROUTES.items() if audience in open_to}
    wide = sorted(one for one in routes if not any(_covers(other, one) for other in routes - {one}))
    return tuple((each, path) for method, path in wide for each in _with_head(method))


def _covers(wide: tuple[str, str], narrow: tuple[str, str]) -> bool:
    """Does a line of a policy allow all that another allows? Its `*` stands for slashes, too."""
    return wide[0] == narrow[0] and fnmatchcase(narrow[1], wide[1])


def _with_head(method: str) -> Iterator[str]:
    yield method
    if method == "GET":
        yield "HEAD"


def _wildcard(path: str) -> str:
    return "/".join("*" if part.startswith("{") else part for part in path.split("/"))
