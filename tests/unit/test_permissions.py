"""The permission matrix against the routes that the app declares."""

from __future__ import annotations

import app
from chalicelib.api.permissions import ROUTES, Audience, routes_for
from chalicelib.core.principal import Principal, Role

HANDLED_IN_THE_HANDLER = (Audience.PUBLIC, Audience.GUEST)


def principal(*roles: Role) -> Principal:
    return Principal(user_id="usr_1", email="a@example.com", roles=roles, session_id="ses_1")


def test_every_route_has_an_audience_and_every_audience_a_route() -> None:
    declared = {(method, path) for path, methods in app.app.routes.items() for method in methods}

    assert declared == set(ROUTES)


def test_a_route_has_an_authorizer_exactly_when_its_audience_must_be_known() -> None:
    for path, methods in app.app.routes.items():
        for method, entry in methods.items():
            assert (entry.authorizer is None) == (ROUTES[method, path] in HANDLED_IN_THE_HANDLER), (method, path)


def test_a_customers_policy_opens_no_admin_route_and_an_admins_opens_all() -> None:
    customer = set(routes_for(principal(Role.CUSTOMER)))
    admin = set(routes_for(principal(Role.CUSTOMER, Role.ADMIN)))

    assert ("POST", "/products") not in customer
    assert ("POST", "/products") in admin
    assert customer < admin
    assert ("GET", "/orders/*") in customer
