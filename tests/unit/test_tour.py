"""The guide of `make tour`: what it counts, what it stops at, and what it does not print."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.core import quotas
from tools.local.settings import PROJECT
from tools.testing.shop import ShopAnswer
from tools.tour import printing
from tools.tour.guide import Guide, Strayed

ROUTES = (("GET", "/users/profile"), ("GET", "/users/{user_id}"), ("DELETE", "/users/{user_id}"), ("GET", "/"))


class Recorded:
    """A shop that answers what it is told, and the lines that were printed."""

    def __init__(self, **answers: int) -> None:
        self.answers, self.asked, self.printed = answers, [""], [""]

    def __call__(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> ShopAnswer:
        self.asked.append(f"{method} {path}")
        return ShopAnswer(self.answers.get(method, 200), '{"code": "user_not_found", "accessToken": "eyJ"}', {})

    def guide(self) -> Guide:
        return Guide(self, self.printed.append, ROUTES)


def test_a_tour_that_leaves_a_route_out_fails_and_names_it() -> None:
    guide = Recorded().guide()
    ada = guide.visitor("ada")

    ada("GET", "/users/profile?all=true")
    ada("GET", "/")
    ada("DELETE", "/users/usr_1")

    with pytest.raises(Strayed, match=r"^3 of 4 routes, 3 requests; never seen at work: GET /users/\{user_id\}\.$"):
        guide.count()
    ada("GET", "/users/usr_1")
    assert guide.count() == "4 of 4 routes, 4 requests"


def test_a_route_that_only_refuses_is_not_seen_at_work() -> None:
    guide = Recorded(GET=404).guide()

    guide.visitor("ada")("GET", "/users/profile", gives=404)

    assert guide.seen == set()


@pytest.mark.parametrize(("gives", "code"), [(200, ""), (409, ""), (404, "product_not_found")])
def test_an_answer_that_is_not_as_expected_ends_the_tour_in_a_sentence(gives: int, code: str) -> None:
    guide = Recorded(GET=404).guide()
    guide.begin("Users")

    with pytest.raises(Strayed, match=r"^Users, request 1: ada sent GET /users/usr_1 and expected .* came\.$"):
        guide.visitor("ada")("GET", "/users/usr_1", gives=gives, code=code)


def test_a_refusal_for_being_tried_too_often_stands_for_no_other() -> None:
    guide = Recorded(GET=429).guide()

    with pytest.raises(Strayed, match="expected 404 user_not_found, but 429"):
        guide.visitor("ada")("GET", "/users/usr_1", gives=404, code="user_not_found")


def test_the_local_shop_lets_a_tour_be_repeated_by_users_of_its_own() -> None:
    config = json.loads((PROJECT / ".chalice" / "config.json").read_text("utf-8"))
    local = quotas.parse(config["stages"]["local"]["environment_variables"]["RATE_LIMITS"])

    by_user = {"password", "email_change"}
    assert {name for name, quota in local.items() if quota.most < 100_000} == by_user


def test_what_the_story_has_not_taken_away_goes_in_the_end_last_things_first() -> None:
    shop = Recorded(DELETE=204)
    guide = shop.guide()
    admin = guide.visitor("admin")
    for user in ("usr_1", "usr_2", "usr_3"):
        guide.owe(admin, "DELETE", f"/users/{user}")

    admin("DELETE", "/users/usr_2", gives=204)
    guide.tidy_up()

    assert shop.asked[1:] == ["DELETE /users/usr_2", "DELETE /users/usr_3", "DELETE /users/usr_1"]


def test_what_cannot_be_taken_away_is_named() -> None:
    guide = Recorded(DELETE=403).guide()
    guide.owe(guide.visitor("admin"), "DELETE", "/users/usr_1")

    with pytest.raises(Strayed, match=r"DELETE /users/usr_1 answered 403\.$"):
        guide.tidy_up()


@pytest.mark.parametrize(
    "secret",
    [
        {"password": "hush"},
        {"accessToken": "hush"},
        {"cart": {"secret": "hush"}},
        {"upload": {"fields": {"a": "hush"}}},
    ],
)
def test_secrets_are_not_printed(secret: dict[str, Any]) -> None:
    answer = ShopAnswer(200, json.dumps(secret), {"X-Cart-Token": "hush"})

    printed = "".join(printing.lines("ada", "POST", "/", secret, {"Authorization": "hush"}, answer))

    assert "hush" not in printed
    assert printing.MASK in printed


def test_a_line_is_no_longer_than_a_terminal() -> None:
    answer = ShopAnswer(200, json.dumps({"names": ["a" * 500], "more": "b" * 500}), {})

    printed = list(printing.lines("ada", "GET", "/", {"q": "c" * 500}, {}, answer))

    assert [len(line) <= printing.MAX_LINE_LENGTH for line in printed] == [True, True]
