"""The permission matrix against the routes that the app declares."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

import app
from chalicelib.api.permissions import ROUTES, Audience, methods_of, route, routes_for
from chalicelib.core.principal import Principal, Role

HANDLED_IN_THE_HANDLER = (Audience.PUBLIC, Audience.GUEST)


def principal(*roles: Role) -> Principal:
    return Principal(user_id="usr_1", email="a@example.com", roles=roles, session_id="ses_1")


def opens(policy: set[tuple[str, str]], method: str, path: str) -> bool:
    return any(allowed == method and fnmatchcase(path, wide) for allowed, wide in policy)


def test_every_route_has_an_audience_and_every_audience_a_route() -> None:
    declared = {route(method, path) for path, methods in app.app.routes.items() for method in methods}

    assert declared == set(ROUTES)


def test_a_route_has_an_authorizer_exactly_when_its_audience_must_be_known() -> None:
    for path, methods in app.app.routes.items():
        for method, entry in methods.items():
            assert (entry.authorizer is None) == (ROUTES[route(method, path)] in HANDLED_IN_THE_HANDLER), (method, path)


def test_a_customers_policy_opens_no_admin_route_and_an_admins_opens_all() -> None:
    customer = set(routes_for(principal(Role.CUSTOMER)))
    admin = set(routes_for(principal(Role.CUSTOMER, Role.ADMIN)))

    assert ("POST", "/products") not in customer
    assert ("POST", "/products") in admin
    assert all(opens(admin, *each) for each in customer)
    assert ("GET", "/orders/*") in customer


@pytest.mark.fault("F16")
@pytest.mark.parametrize("roles", [(Role.CUSTOMER,), (Role.CUSTOMER, Role.ADMIN)])
def test_a_policy_opens_every_route_of_its_roles_and_head_where_it_opens_get(roles: tuple[Role, ...]) -> None:
    policy = set(routes_for(principal(*roles)))
    open_to = {Audience.USER, Audience.SELF} | ({Audience.ADMIN} if Role.ADMIN in roles else set())

    for (method, path), audience in ROUTES.items():
        if audience in open_to:
            assert opens(policy, method, path), (method, path)
    assert {path for method, path in policy if method == "GET"} == {path for method, path in policy if method == "HEAD"}


def test_a_policy_says_nothing_twice_and_stays_far_below_what_a_gateway_takes() -> None:
    lines = routes_for(principal(Role.CUSTOMER, Role.ADMIN))

    for method, path in lines:
        assert not opens(set(lines) - {(method, path)}, method, path), (method, path)
    assert sum(len(f"arn:aws:execute-api:ap-southeast-1:{'1' * 12}:{'a' * 10}/prod/{m}{p}") for m, p in lines) < 6000


@pytest.mark.fault("F16")
def test_a_path_says_all_methods_that_it_answers() -> None:
    assert methods_of("/users/profile") == ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]
    assert methods_of("/auth/login") == ["POST", "OPTIONS"]
