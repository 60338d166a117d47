"""Mail that came back or was complained of: whose address it is, what follows, and how it ends (rule W4)."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

import app
from chalicelib.core import clock
from tests.support.mail_events import Event, bounced, complained, rejected
from tests.support.stream import deliver, mail_about, mails
from tools.local import functions
from tools.testing.shop import Shop

ADA = "ada@example.com"


def told(*events: Event) -> list[int]:
    """Let the app hear of that; how many addresses each marked."""
    context = functions.context("handle_mail_events")
    return [app.handle_mail_events(event, context)["marked"] for event in events]


def seen(shop: Shop, email: str = ADA) -> tuple[Any, Any]:
    """What an admin sees of a user's address."""
    users = shop.login("root@example.com")("GET", "/users?limit=50").body["users"]
    (found,) = [user for user in users if user["email"] == email]
    return found["emailStatus"], found["emailStatusReason"]


def reached(shop: Shop) -> list[str]:
    """What mail there has been since the last look, by its subjects."""
    before = len(mails())
    deliver(shop)
    return [mail.subject for mail in mails()[before:]]


@pytest.fixture(autouse=True)
def root(shop: Shop) -> Shop:
    return shop.admin()


@pytest.fixture
def mug(root: Shop) -> str:
    return str(root.product(name="Mug", price=12.5, stock=10)["productId"])


def test_admins_see_from_whom_mail_came_back_since_when_and_by_which_code(ada: Shop, root: Shop) -> None:
    event = bounced(ADA, why="NoEmail")

    assert told(event) == [1]

    user = root("GET", f"/users/{ada('GET', '/auth/me').body['userId']}").body
    assert (user["emailStatus"], user["emailStatusReason"]) == ("bounced", "NoEmail")
    assert user["emailStatusAt"] == event["detail"]["bounce"]["timestamp"]
    assert "longer" not in str(user)
    assert [each["email"] for each in root("GET", "/users?emailStatus=bounced").body["users"]] == [ADA]
    assert root("GET", "/users?emailStatus=complained").body["users"] == []
    assert root("GET", "/users?emailStatus=nonsense").status == 400


def test_repeated_and_in_any_order_it_comes_to_the_same(shop: Shop) -> None:
    names = [f"user{number}@example.com" for number in range(6)]
    for name, order in zip(names, itertools.permutations(range(3)), strict=True):
        shop.customer(name)
        events = [bounced(name), complained(name), bounced(name, kind="Transient", why="MailboxFull")]

        told(*(events[each] for each in (*order, *order)))

        assert seen(shop, name) == ("bounced", "General")


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_an_address_that_is_only_busy_is_not_marked(ada: Shop, kind: str) -> None:
    assert told(bounced(ADA, kind=kind)) == [0]
    assert seen(ada) == (None, None)


def test_a_rejected_mail_marks_nobody(ada: Shop) -> None:
    assert told(rejected()) == [0]


def test_what_is_no_code_is_not_kept(ada: Shop) -> None:
    told(complained(ADA, kind="Ada Lovelace <ada@example.com> is angry"))

    assert seen(ada) == ("complained", "unknown")


@pytest.mark.parametrize("spelling", ["Ada@Example.COM", "Ada Lovelace <ada@example.com>"])
def test_an_address_is_known_in_any_spelling(ada: Shop, spelling: str) -> None:
    assert told(bounced(spelling)) == [1]


@pytest.mark.parametrize("nobodys", ["nobody@example.com", "", "no address", "x" * 3000])
def test_an_address_that_nobody_has_changes_nothing(ada: Shop, nobodys: str) -> None:
    assert told(bounced(nobodys)) == [0]


def test_nothing_but_what_confirms_the_address_goes_to_where_mail_came_back_from(ada: Shop, mug: str) -> None:
    deliver(ada)
    told(bounced(ADA))

    ada.order((mug, 1)).expect(201)
    ada("POST", "/auth/password/forgot", {"email": ADA})
    ada("PUT", "/users/profile", {"email": "ada@new.example.com"})

    assert reached(ada) == ["Please confirm your email address"]
    assert mails()[-1].to == "ada@new.example.com"


def test_a_new_address_that_is_confirmed_has_no_mark(ada: Shop, mug: str) -> None:
    told(bounced(ADA))
    ada("PUT", "/users/profile", {"email": "ada@new.example.com"})
    deliver(ada)

    assert ada("POST", "/auth/verify", {"token": mail_about("Please confirm").token}).status == 204

    assert seen(ada, "ada@new.example.com") == (None, None)
    assert told(bounced(ADA)) == [0]


def test_asking_for_the_same_address_again_sends_a_token_and_its_confirmation_takes_the_mark_away(
    ada: Shop, mug: str
) -> None:
    deliver(ada)
    told(bounced(ADA))
    ada("PUT", "/users/profile", {"email": ADA})

    assert reached(ada) == ["Please confirm your email address"]
    assert ada("POST", "/auth/verify", {"token": mails()[-1].token}).status == 204
    assert seen(ada) == (None, None)
    ada.order((mug, 1)).expect(201)
    assert len(reached(ada)) == 1


def test_what_is_told_late_of_mail_before_the_confirmation_is_of_no_interest(ada: Shop) -> None:
    late = bounced(ADA)
    told(late)
    ada("PUT", "/users/profile", {"email": ADA})
    deliver(ada)
    with clock.fixed(clock.now() + timedelta(minutes=5)):
        ada("POST", "/auth/verify", {"token": mails()[-1].token})

        assert told(late) == [0]
        assert seen(ada) == (None, None)
        assert told(bounced(ADA)) == [1]


def test_mail_to_who_had_the_address_before_says_nothing_of_who_has_it_now(shop: Shop) -> None:
    before = clock.timestamp(clock.now() - timedelta(days=1))
    shop.customer(ADA)

    assert told(bounced(ADA, sent_at=before)) == [0]


def test_who_complained_gets_what_they_ask_for_and_no_reminders(ada: Shop, mug: str) -> None:
    deliver(ada)
    told(complained(ADA))

    order = ada.order((mug, 1)).body["orderId"]

    assert reached(ada) == [f"Order {order} confirmed"]
    assert seen(ada) == ("complained", "abuse")


def test_the_history_says_that_the_address_was_marked_and_the_export_how(ada: Shop, root: Shop) -> None:
    user = ada("GET", "/auth/me").body["userId"]
    told(bounced(ADA))
    deliver(ada)

    (entry,) = [
        each for each in root("GET", f"/users/{user}/audit").body["entries"] if each["action"] == "user.email_marked"
    ]
    assert entry["actor"] == "system"
    assert ada("GET", "/users/profile/export").body["profile"]["emailStatus"] == "bounced"


def test_who_is_forgotten_leaves_no_mark(ada: Shop) -> None:
    told(bounced(ADA))
    user = ada("GET", "/auth/me").body["userId"]
    assert ada("DELETE", "/users/profile").status == 204

    found = ada.login("root@example.com")("GET", f"/users/{user}").body
    assert found["emailStatus"] is None
    assert told(bounced(ADA)) == [0]
