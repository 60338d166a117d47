"""`python -m tools.admin`: the first admin of a stage, or another one."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import timedelta
from unittest import mock

import pytest

from chalicelib.auth import accounts
from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.users import store as user_store
from chalicelib.users.models import User
from chalicelib.users.reach import EmailMark
from chalicelib.users.schemas import EmailStatus
from tests.support.faults import Crash
from tests.support.stage import with_settings
from tests.support.stream import deliver, mail_about, mails
from tools import admin, stage
from tools.testing.shop import PASSWORD, Shop

EMAIL = "ada@example.com"
ENTER = admin._enter
CALLER = "arn:aws:sts::123456789012:user/moto"


@pytest.fixture(autouse=True)
def _stage(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage is the tests' own, and nobody is at a terminal."""
    monkeypatch.setattr(stage, "enter", lambda **_: None)
    monkeypatch.setattr(admin, "_enter", stage.enter)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What somebody at a terminal will type."""
    lines: list[str] = []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda _: lines.pop(0))
    return lines


def found() -> User:
    user = user_store.get_by_email(EMAIL)
    assert user
    return user


def confirm() -> None:
    user = found()
    db.commit(*user_store.update(user, user.with_confirmed_email(), actor=user.user_id))


def test_the_first_admin_is_invited_chooses_a_password_and_runs_the_shop(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert admin.main([EMAIL]) == 0
    deliver(shop)

    invitation = mail_about("An account was opened")
    assert invitation.to == EMAIL
    shop("POST", "/auth/password/reset", {"token": invitation.token, "password": PASSWORD}).expect(204)
    assert shop.login(EMAIL)("GET", "/users?role=admin").body["count"] == 1
    assert "on its way" in capsys.readouterr().out


def test_the_history_names_who_made_the_admin(shop: Shop) -> None:
    admin.main([EMAIL])
    deliver(shop)

    history = shop.admin()("GET", f"/users/{found().user_id}/audit").body["entries"]

    assert [(entry["action"], entry["actor"]) for entry in history] == [("user.created", CALLER)]


def test_the_same_again_changes_nothing_and_invites_anew_after_half_an_hour(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    admin.main([EMAIL])
    first = found()
    assert admin.main([EMAIL]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    with clock.fixed(clock.now() + timedelta(minutes=31)):
        assert admin.main([EMAIL]) == 0
    deliver(shop)

    assert found() == first
    assert "admin of test already" in said
    assert "less than half an hour ago" in said
    assert len([each for each in mails() if "An account was opened" in each.subject]) == 2
    assert db.get(keys.admins()) == {"PK": "ADMINS", "SK": "COUNT", "admins": 1}


def test_a_confirmed_account_gets_the_role_and_keeps_its_password(ada: Shop, shop: Shop) -> None:
    confirm()

    assert admin.main([EMAIL]) == 0
    deliver(shop)

    assert ada("GET", "/auth/me").status == 401
    assert shop.login(EMAIL)("GET", "/auth/me").body["roles"] == ["admin", "customer"]
    assert not [each for each in mails() if "An account was opened" in each.subject]


def test_who_opened_an_account_for_an_address_that_is_not_theirs_does_not_become_admin(
    ada: Shop, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert admin.main([EMAIL]) == 0
    deliver(shop)

    assert ada("GET", "/auth/me").status == 401
    assert shop("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD}).status == 401
    assert mail_about("An account was opened").to == EMAIL
    assert "not good any more" in capsys.readouterr().out


def test_an_admin_who_has_a_password_is_left_alone(shop: Shop) -> None:
    root = shop.admin(EMAIL)

    assert admin.main([EMAIL]) == 0
    assert root("GET", "/auth/me").status == 200


def test_a_password_can_be_typed_twice_at_a_terminal(shop: Shop, typed: list[str]) -> None:
    typed += [PASSWORD, PASSWORD]

    assert admin.main([EMAIL]) == 0
    assert shop.login(EMAIL)("GET", "/users").status == 200


@pytest.mark.parametrize(
    ("lines", "why"), [([PASSWORD, "another"], "were not the same"), (["short"], "at least 8 characters")]
)
def test_a_mistyped_password_changes_nothing(
    lines: list[str], why: str, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed += lines

    assert admin.main([EMAIL]) == 2
    assert why in capsys.readouterr().err
    assert user_store.get_by_email(EMAIL) is None


def test_nothing_typed_is_an_invitation(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    typed.append("")

    assert admin.main([EMAIL]) == 0
    assert "on its way" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["ada", "", "ada@example.com bob@example.com"])
def test_what_is_no_address_is_refused_in_one_sentence(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert admin.main([text]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{text!r} is not an email address such as ada@example.com, at most 254 characters."
    ]


def test_a_disabled_account_is_refused_in_one_sentence(
    ada: Shop, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.admin()("PUT", f"/users/{found().user_id}/status", {"status": "disabled"}).expect(200)
    capsys.readouterr()

    assert admin.main([EMAIL]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "ada@example.com was not made an admin: This account is disabled; enable it first, or take another address."
    ]


def test_an_account_that_waits_for_its_erasure_is_refused(
    ada: Shop, mug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ada.order((mug, 1)).expect(201)
    ada("DELETE", "/users/profile").expect(202)

    assert admin.main([EMAIL]) == 2
    assert "let its owner revoke that first" in capsys.readouterr().err


def test_who_was_deleted_gets_a_new_account(ada: Shop, shop: Shop) -> None:
    former = found().user_id
    shop.admin()("DELETE", f"/users/{former}").expect(204)

    assert admin.main([EMAIL]) == 0
    assert found().user_id != former


def test_an_address_that_mail_came_back_from_is_invited_to_nothing(
    shop: Shop, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed.append("")
    admin.main([EMAIL])
    mark = EmailMark(status=EmailStatus.BOUNCED, at=clock.timestamp(), reason="General")
    db.commit(*user_store.update(found(), found().with_email_mark(mark), actor="system"))
    typed += ["", PASSWORD, PASSWORD]

    assert admin.main([EMAIL]) == 0
    assert "came back, so nobody is invited" in capsys.readouterr().out
    assert admin.main([EMAIL]) == 0
    shop.login(EMAIL)


def test_a_crash_before_the_invitation_is_made_up_for(shop: Shop) -> None:
    with mock.patch.object(accounts, "invite", side_effect=Crash), pytest.raises(Crash):
        admin.main([EMAIL])
    assert admin.main([EMAIL]) == 0
    deliver(shop)

    assert mail_about("An account was opened").to == EMAIL


def test_of_two_at_once_one_opens_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    assert admin.main([EMAIL]) == 0
    unseen, look = [EMAIL, EMAIL], user_store.get_by_email
    monkeypatch.setattr(user_store, "get_by_email", lambda email: None if unseen and unseen.pop() else look(email))

    assert admin.main([EMAIL]) == 0
    assert unseen == []
    assert db.get(keys.admins()) == {"PK": "ADMINS", "SK": "COUNT", "admins": 1}


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        (
            {"STAGE": "nowhere"},
            "There is no stage 'nowhere', for there is no stages/nowhere.toml; there are dev, prod.",
        ),
        (
            {"STAGE": "dev", "TABLE_NAME": "ecommerce-dev"},
            "There is no table ecommerce-dev in this account and region.",
        ),
    ],
)
def test_a_stage_that_is_not_there_is_refused_in_one_sentence(
    variables: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(admin, "_enter", ENTER)
    with mock.patch.dict(os.environ), with_settings(monkeypatch, **variables):
        assert admin.main([EMAIL]) == 2
    assert capsys.readouterr().err.splitlines() == [sentence]
