"""Users as admins and they themselves see and change them (rules A3, H5, O4)."""

from __future__ import annotations

from unittest import mock

import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.privacy import service as privacy
from chalicelib.users import passwords
from tests.support.faults import Crash
from tests.support.stream import deliver, mail_about, mails
from tools.testing.shop import ADDRESS, PASSWORD, Shop

NEW = {"email": "bob@example.com", "firstName": "Bob", "lastName": "B"}


@pytest.fixture
def admin(shop: Shop) -> Shop:
    return shop.admin()


def user_id(who: Shop) -> str:
    return str(who("GET", "/auth/me").body["userId"])


def history(admin: Shop, user: str) -> list[str]:
    return [entry["action"] for entry in admin("GET", f"/users/{user}/audit").body["entries"]]


def test_an_invited_user_chooses_a_password_by_mail(shop: Shop, admin: Shop) -> None:
    made = admin("POST", "/users", NEW)
    deliver(shop)

    invitation = mail_about("An account was opened")

    assert (made.status, invitation.to) == (201, "bob@example.com")
    body = {"token": invitation.token, "password": PASSWORD}
    assert shop("POST", "/auth/password/reset", body).status == 204
    assert shop.login("bob@example.com")("GET", "/auth/me").body["userId"] == made.body["userId"]


def test_creating_with_a_key_creates_once(admin: Shop) -> None:
    answers = [admin("POST", "/users", {**NEW, "password": PASSWORD}, Idempotency_Key="k") for _ in range(2)]

    assert answers[0].text == answers[1].text
    assert admin("POST", "/users", NEW).body["code"] == "email_taken"


def test_users_are_listed_ten_a_page_and_filtered(shop: Shop, admin: Shop) -> None:
    for number in range(11):
        shop.register(f"user{number:02}@example.com")

    first = admin("GET", "/users").body
    second = admin("GET", f"/users?cursor={first['nextCursor']}").body

    assert (first["count"], second["count"]) == (10, 2)
    assert first["users"][0]["email"] == "user10@example.com"
    admins = admin("GET", "/users?role=admin&status=active&limit=100").body["users"]
    assert [user["email"] for user in admins] == ["root@example.com"]
    assert admin("GET", "/users?role=king").fields == {("role", "invalid_value")}


def test_a_full_change_replaces_and_a_partial_one_keeps(admin: Shop, ada: Shop) -> None:
    path = f"/users/{user_id(ada)}"
    ada("PATCH", path, {"phone": "+1 555 0100", "addresses": [ADDRESS]})

    patched = admin("PATCH", path, {"firstName": "Augusta"}).body
    replaced = ada("PUT", path, {"firstName": "Ada", "lastName": "King"}).body

    assert (patched["firstName"], patched["phone"], patched["addresses"]) == ("Augusta", "+1 555 0100", [ADDRESS])
    assert (replaced["lastName"], replaced["phone"], replaced["addresses"]) == ("King", None, [])
    assert ada("PUT", path, {"firstName": "Ada"}).fields == {("lastName", "required")}


def test_a_change_based_on_an_old_copy_is_refused(ada: Shop) -> None:
    path = f"/users/{user_id(ada)}"
    tag = ada("GET", path).headers["ETag"]

    first = ada("PATCH", path, {"firstName": "A"}, If_Match=tag)
    second = ada("PATCH", path, {"firstName": "B"}, If_Match=tag)

    assert (first.status, second.status, second.body["code"]) == (200, 412, "user_changed")
    assert ada("PATCH", path, {"firstName": "B"}, If_Match=first.headers["ETag"]).status == 200


@pytest.mark.parametrize("field", ["role", "roles", "status", "userId", "emailVerified", "createdAt", "passwordHash"])
def test_fields_that_are_not_the_users_to_write_are_refused(ada: Shop, field: str) -> None:
    for method, path in (("PUT", "/users/profile"), ("PATCH", f"/users/{user_id(ada)}")):
        assert ada(method, path, {field: "admin"}).fields == {(field, "unknown_field")}


def test_nobody_sees_or_changes_somebody_else(shop: Shop, ada: Shop) -> None:
    bob = shop.customer("bob@example.com")
    path = f"/users/{user_id(ada)}"

    for method, body in (("GET", None), ("PUT", {"firstName": "x", "lastName": "y"}), ("PATCH", {"firstName": "x"})):
        assert bob(method, path, body).status == 403


def test_a_disabled_user_is_out_at_once_and_stays_out_until_enabled(shop: Shop, admin: Shop, ada: Shop) -> None:
    path = f"/users/{user_id(ada)}/status"

    assert admin("PUT", path, {"status": "disabled"}).body["status"] == "disabled"

    assert ada("GET", "/auth/me").status == 401
    assert shop("POST", "/auth/login", {"email": "ada@example.com", "password": PASSWORD}).status == 401
    assert admin("PUT", path, {"status": "active"}).status == 200
    assert shop.login()("GET", "/auth/me").status == 200


def test_a_deleted_user_stays_deleted_and_their_address_is_free(shop: Shop, admin: Shop, ada: Shop) -> None:
    path = f"/users/{user_id(ada)}"

    assert [admin("DELETE", path).status for _ in range(2)] == [204, 404]

    assert admin("GET", path).body["status"] == "deleted"
    assert admin("PUT", f"{path}/status", {"status": "active"}).body["code"] == "invalid_transition"
    assert shop.register("ada@example.com").status == 201
    assert admin("DELETE", "/users/usr_01ARZ3NDEKTSV4RRFFQ69G5FAV").status == 404


def test_a_deleted_user_gets_no_mail_and_keeps_no_secret(shop: Shop, admin: Shop, ada: Shop) -> None:
    user = user_id(ada)
    ada("PUT", "/users/profile", {"email": "new@example.com", "phone": "+1 555 0100", "addresses": [ADDRESS]})
    deliver(shop)
    before = len(mails())

    admin("DELETE", f"/users/{user}")
    deliver(shop)

    item = db.get(keys.user(user)) or {}
    assert len(mails()) == before
    assert not {"passwordHash", "phone", "pendingEmail", "emailNonce"} & set(item)
    assert item["addresses"] == []


def test_roles_come_and_go_and_end_sessions(shop: Shop, admin: Shop, ada: Shop) -> None:
    path = f"/users/{user_id(ada)}/roles"

    granted = admin("POST", path, {"role": "admin"})

    assert (granted.body["role"], granted.body["roles"]) == ("admin", ["admin", "customer"])
    assert ada("GET", "/auth/me").status == 401
    again = shop.login()
    assert again("GET", "/users").status == 200
    assert admin("DELETE", f"{path}/admin").body["roles"] == ["customer"]
    assert again("GET", "/users").status == 401
    assert admin("DELETE", f"{path}/king").status == 404


def test_the_last_admin_stays(admin: Shop, ada: Shop) -> None:
    root = f"/users/{user_id(admin)}"

    for method, path, body in (
        ("DELETE", f"{root}/roles/admin", None),
        ("PUT", f"{root}/status", {"status": "disabled"}),
        ("DELETE", root, None),
    ):
        assert admin(method, path, body).body["code"] == "last_admin"
    assert admin("DELETE", "/users/profile").body["code"] == "admin_role_held"
    admin("POST", f"/users/{user_id(ada)}/roles", {"role": "admin"})
    assert admin("DELETE", f"{root}/roles/admin").status == 200


def test_every_change_is_in_the_history_once_with_its_actor_and_no_secret(shop: Shop, admin: Shop, ada: Shop) -> None:
    user, root = user_id(ada), user_id(admin)
    ada("PUT", "/users/profile", {"firstName": "Augusta", "addresses": [ADDRESS]})
    ada("PUT", "/users/password", {"oldPassword": PASSWORD, "newPassword": "another passphrase"})
    admin("PUT", f"/users/{user}/status", {"status": "disabled", "reason": "asked for it"})
    deliver(shop)
    deliver(shop)

    page = admin("GET", f"/users/{user}/audit?limit=2").body

    assert [(e["action"], e["actor"]) for e in page["entries"]] == [
        ("user.status_changed", root),
        ("user.password_changed", user),
    ]
    assert page["entries"][0]["changes"] == {"status": {"from": "active", "to": "disabled"}}
    assert page["entries"][0]["reason"] == "asked for it"
    assert page["nextCursor"]
    assert history(admin, user) == [
        "user.status_changed",
        "user.password_changed",
        "user.updated",
        "user.created",
    ]
    text = admin("GET", f"/users/{user}/audit").text
    assert not [secret for secret in (PASSWORD, "another passphrase", ADDRESS["street"], "$2b$") if secret in text]


def test_a_user_takes_their_data_and_is_forgotten(shop: Shop, admin: Shop, ada: Shop) -> None:
    mug = admin.product()["productId"]
    order = ada.order((mug, 1)).body["orderId"]
    user = user_id(ada)
    exported = ada("GET", "/users/profile/export").body
    assert (exported["profile"]["email"], len(exported["orders"]), len(exported["sessions"])) == (
        "ada@example.com",
        1,
        1,
    )

    assert ada("DELETE", "/users/profile").body == {"erasure": "scheduled"}
    assert ada("DELETE", "/users/profile/erasure").status == 204
    ada("PUT", f"/orders/{order}/cancel")
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    assert ada("DELETE", "/users/profile").status == 204

    assert ada("GET", "/auth/me").status == 401
    gone = admin("GET", f"/users/{user}").body
    assert (gone["status"], gone["firstName"], gone["email"]) == ("deleted", "erased", f"{user.lower()}@erased.invalid")
    kept = admin("GET", f"/orders/{order}")
    assert kept.body["totalAmount"] == 12.5
    assert ADDRESS["street"] not in kept.text
    assert shop.register("ada@example.com").status == 201
    deliver(shop)
    assert [mail for mail in mails() if mail.subject.startswith("Order")] == []  # she was forgotten before they left
    assert db.get(keys.user_cart(user)) is None
    assert admin("PATCH", f"/users/{user}", {"firstName": "Ada"}).body["code"] == "invalid_transition"


def test_an_erasure_that_died_half_way_is_finished_by_the_stream(shop: Shop, admin: Shop, ada: Shop) -> None:
    mug = admin.product()["productId"]
    order = ada.order((mug, 1)).body["orderId"]
    ada("PUT", f"/orders/{order}/cancel")

    with mock.patch.object(privacy, "finish_erasure", side_effect=Crash), pytest.raises(Crash):
        ada("DELETE", "/users/profile")
    deliver(shop)

    assert ADDRESS["street"] not in admin("GET", f"/orders/{order}").text


def test_a_waiting_address_is_withdrawn_by_whatever_ends_sessions(shop: Shop, ada: Shop) -> None:
    ada("PUT", "/users/profile", {"email": "evil@example.com"})
    deliver(shop)
    token = mail_about("Please confirm").token

    ada("PUT", "/users/password", {"oldPassword": PASSWORD, "newPassword": "another passphrase"})

    assert ada("GET", "/auth/me").body["pendingEmail"] is None
    assert shop("POST", "/auth/verify", {"token": token}).body["code"] == "invalid_one_time_token"


def test_asking_for_the_present_address_withdraws_the_waiting_one(shop: Shop, ada: Shop) -> None:
    ada("PUT", "/users/profile", {"email": "new@example.com"})

    withdrawn = ada("PUT", "/users/profile", {"email": "ada@example.com"})

    assert withdrawn.body["pendingEmail"] is None


def test_an_address_may_be_changed_five_times_an_hour(ada: Shop) -> None:
    with clock.fixed(clock.now()):
        statuses = [ada("PUT", "/users/profile", {"email": f"new{n}@example.com"}).status for n in range(6)]

    assert statuses == [200] * 5 + [429]


def test_a_password_that_changes_while_another_change_is_looked_at_wins(shop: Shop, ada: Shop) -> None:
    original = passwords.hash_password
    reset = iter([lambda: ada("PUT", "/users/password", {"oldPassword": PASSWORD, "newPassword": "the first one"})])

    def hash_of(password: str) -> str:
        next(reset, lambda: None)()
        return original(password)

    with mock.patch.object(passwords, "hash_password", hash_of):
        late = ada("PUT", "/users/password", {"oldPassword": PASSWORD, "newPassword": "the second one"})

    assert late.body["code"] == "wrong_password"
    assert shop("POST", "/auth/login", {"email": "ada@example.com", "password": "the first one"}).status == 200
