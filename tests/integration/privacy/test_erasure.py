"""Being forgotten: at once, or when the last order has ended; revoked, asked for by others, died over (F6)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws import keys
from chalicelib.core import clock
from chalicelib.core.errors import Unavailable
from chalicelib.orders import store as order_store
from chalicelib.orders.models import Order
from chalicelib.payments import port
from chalicelib.payments.simulator import in_table
from chalicelib.privacy import service as privacy
from chalicelib.users import store as user_store
from chalicelib.users.models import User
from tests.support import faults
from tests.support.lines import events, values
from tests.support.schedule import run_at
from tests.support.stream import deliver
from tests.support.table import everything
from tools.testing.shop import ADDRESS, Shop

pytestmark = pytest.mark.fault("F6")

PROFILE, REVOCATION = "/users/profile", "/users/profile/erasure"


@pytest.fixture
def admin(shop: Shop) -> Shop:
    return shop.admin()


@pytest.fixture
def cup(admin: Shop) -> str:
    return str(admin.product(stock=1000)["productId"])


def user_id(who: Shop) -> str:
    return str(who("GET", "/auth/me").body["userId"])


def user(of: str) -> User:
    found = user_store.get(of, consistent=True)
    assert found
    return found


def orders(of: str) -> list[Order]:
    return order_store.list_of_user(of, limit=10, after=None, consistent=True)[0]


def run_schedule(**later: float) -> dict[str, int]:
    return run_at("run_scheduled_work", clock.now() + timedelta(**later or {"minutes": 1}))


def is_forgotten(of: str) -> bool:
    """Is nothing left to be done? Fails for anything between forgotten and not."""
    beside = {keys.family(key.sk) for key in everything() if key.pk == keys.user(of).pk}
    if not user(of).is_erased:
        assert all(order.shipping_address.street == ADDRESS["street"] for order in orders(of))
        return False
    assert user(of).erasure_asked_at is None
    assert all(order.is_anonymous for order in orders(of))
    assert beside <= {"PROFILE", "ORDER"}
    return True


def test_who_has_an_order_under_way_is_forgotten_when_it_has_ended(
    shop: Shop, admin: Shop, cup: str, ada: Shop
) -> None:
    ada_id, order = user_id(ada), ada.order((cup, 1)).body["orderId"]

    assert [ada("DELETE", PROFILE).status for _ in range(2)] == [202, 202]

    assert [ada("GET", path).body["erasure"] for path in (PROFILE, "/auth/me")] == ["scheduled"] * 2
    assert run_schedule()["erased"] == 0
    admin("PUT", f"/orders/{order}/status", {"status": "cancelled"}).expect(200)
    assert run_schedule()["erased"] == 1
    assert is_forgotten(ada_id)
    assert run_schedule()["erased"] == 0


def test_who_is_about_to_be_forgotten_orders_nothing_until_they_take_it_back(cup: str, ada: Shop) -> None:
    assert ada("GET", PROFILE).body["erasure"] is None
    ada.order((cup, 1)).expect(201)
    ada("DELETE", PROFILE).expect(202)

    refused = ada.order((cup, 1))

    assert (refused.status, refused.body["code"]) == (409, "erasure_scheduled")
    assert len(ada("GET", "/orders").body["orders"]) == 1
    assert [ada("DELETE", REVOCATION).status for _ in range(2)] == [204, 204]
    assert ada("GET", PROFILE).body["erasure"] is None
    ada.order((cup, 1)).expect(201)
    assert run_schedule(days=1)["erased"] == 0


def test_an_order_placed_before_is_answered_again_to_its_key(cup: str, ada: Shop) -> None:
    first = ada.order((cup, 1), Idempotency_Key="one")
    ada("DELETE", PROFILE).expect(202)

    again = ada.order((cup, 1), Idempotency_Key="one")

    assert (again.status, again.text) == (201, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_an_erasure_waits_for_a_payment_in_doubt(cup: str, ada: Shop) -> None:
    ada_id = user_id(ada)
    ada.order((cup, 1), token="tok_timeout_before").expect(202)

    assert ada("DELETE", PROFILE).status == 202
    for minutes in (20, 45):
        run_schedule(minutes=minutes)

    assert is_forgotten(ada_id)


def test_an_erasure_waits_for_money_that_is_to_go_back(cup: str, ada: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ada_id, order = user_id(ada), ada.order((cup, 1)).body["orderId"]

    def no_answer(*_: object) -> None:
        raise port.NoAnswer

    with monkeypatch.context() as silent:
        silent.setattr(in_table.Simulator, "refund", no_answer)
        assert ada("PUT", f"/orders/{order}/cancel").body["paymentStatus"] == "paid"
    assert ada("DELETE", PROFILE).status == 202
    run_schedule(minutes=20)

    assert is_forgotten(ada_id)
    assert orders(ada_id)[0].payment_status == "refunded"


def test_an_erasure_that_dies_at_any_call_is_finished_by_the_schedule(shop: Shop, cup: str) -> None:
    ends: list[bool] = []
    for number in itertools.count(1):
        buyer = shop.customer(f"ada{number}@example.com")
        buyer_id, order = user_id(buyer), buyer.order((cup, 1), Idempotency_Key="one").body["orderId"]
        buyer("PUT", f"/orders/{order}/cancel").expect(200)
        try:
            with faults.injected(faults.crash(number, after=True)):
                buyer("DELETE", PROFILE).expect(204)
        except faults.Crash:
            run_schedule()
            ends.append(is_forgotten(buyer_id))
            continue
        break

    assert len(ends) > 10
    assert ends == sorted(ends)  # from the mark on, all of it happens
    assert ends[0] is False
    assert ends[-1] is True


def revoke(who: Shop) -> int:
    return who("DELETE", REVOCATION).status


@pytest.fixture
def waiting(shop: Shop, cup: str) -> Iterator[Shop]:
    """Customers whose erasure waits for nothing any more but the schedule."""

    def make() -> Iterator[Shop]:
        for number in itertools.count():
            buyer = shop.customer(f"ada{number}@example.com")
            order = buyer.order((cup, 1)).body["orderId"]
            buyer("DELETE", PROFILE).expect(202)
            buyer("PUT", f"/orders/{order}/cancel").expect(200)
            yield buyer

    return make()


def test_of_a_revocation_and_the_schedule_at_the_same_moment_one_wins(waiting: Iterator[Shop]) -> None:
    for number in itertools.count(1):
        who, answered = next(waiting), []
        who_id = user_id(who)
        with faults.injected(
            faults.interleave(number, lambda who=who, met=answered: met.append(revoke(who)), only="transact")
        ):
            run_schedule()
        if not answered:
            break
        assert is_forgotten(who_id) is (answered[0] != 204)
        run_schedule()
        assert is_forgotten(who_id) is (answered[0] != 204)
    assert number > 2


def test_of_the_schedule_in_the_middle_of_a_revocation_one_wins(waiting: Iterator[Shop]) -> None:
    for number in itertools.count(1):
        who, ran = next(waiting), []
        who_id = user_id(who)
        with faults.injected(faults.interleave(number, lambda met=ran: met.append(run_schedule()))):
            answered = revoke(who)
        if not ran:
            break
        assert is_forgotten(who_id) is (answered != 204)
    assert number > 3


def test_who_revokes_orders_and_asks_again_while_the_schedule_looks_is_not_taken_for_who_asked_before(
    waiting: Iterator[Shop], cup: str
) -> None:
    def change_mind(who: Shop) -> int:
        revoke(who)
        ordered = who.order((cup, 1)).status
        who("DELETE", PROFILE)
        return ordered

    for number in itertools.count(1):
        who, ordered = next(waiting), []
        who_id = user_id(who)
        with faults.injected(
            faults.interleave(number, lambda who=who, met=ordered: met.append(change_mind(who)), only="transact")
        ):
            run_schedule()
        if not ordered:
            break
        assert is_forgotten(who_id) is (ordered[0] != 201)
        revoke(who)  # or every run after this one would look at them as well
    assert number > 2


def test_an_admin_erases_who_asks_by_letter_and_that_is_on_record(shop: Shop, admin: Shop, ada: Shop, cup: str) -> None:
    ada_id, root = user_id(ada), user_id(admin)
    order = ada.order((cup, 1)).body["orderId"]
    path = f"/users/{ada_id}"

    assert admin("POST", f"{path}/erasure").body == {"erasure": "scheduled"}
    assert admin("GET", path).body["erasure"] == "scheduled"
    admin("PUT", f"/orders/{order}/status", {"status": "cancelled"}).expect(200)
    assert [admin("POST", f"{path}/erasure").status for _ in range(2)] == [204, 204]
    deliver(shop)

    assert is_forgotten(ada_id)
    entries = admin("GET", f"{path}/audit?limit=100").body["entries"]
    assert [(entry["action"], entry["actor"]) for entry in entries if "user." in entry["action"]] == [
        ("user.status_changed", root),
        ("user.erasure_asked_for", root),
        ("user.created", ada_id),
    ]
    assert admin("POST", "/users/usr_01M7YQ1WE14DDEYE8G33STTW65/erasure").status == 404


def test_the_last_admin_is_not_erased_and_another_is(shop: Shop, admin: Shop) -> None:
    second = shop.admin("second@example.com")
    first_id, second_id = user_id(admin), user_id(second)

    assert admin("DELETE", PROFILE).body["code"] == "admin_role_held"
    assert admin("POST", f"/users/{second_id}/erasure").status == 204
    refused = admin("POST", f"/users/{first_id}/erasure")

    assert (refused.status, refused.body["code"]) == (409, "last_admin")
    assert is_forgotten(second_id)
    assert user(first_id).erasure_asked_at is None


def test_who_has_become_the_last_admin_since_waits_for_another(shop: Shop, admin: Shop, cup: str) -> None:
    second = shop.admin("second@example.com")
    second_id, order = user_id(second), second.order((cup, 1)).body["orderId"]
    assert admin("POST", f"/users/{second_id}/erasure").status == 202
    second("PUT", f"/orders/{order}/cancel").expect(200)
    admin("DELETE", f"/users/{user_id(admin)}/roles/admin").expect(200)

    assert run_schedule()["failed"] == 1
    assert not is_forgotten(second_id)
    shop.admin("third@example.com")
    assert run_schedule()["erased"] == 1


def test_erasures_that_are_late_are_counted(ada: Shop, cup: str, capsys: pytest.CaptureFixture[str]) -> None:
    ada.order((cup, 1)).expect(201)
    assert ada("DELETE", PROFILE).status == 202

    run_schedule(days=20)
    in_time = capsys.readouterr().out
    run_schedule(days=22)

    assert values(in_time, "ErasuresLate") == [0]
    assert values(capsys.readouterr().out, "ErasuresLate") == [1]


def test_a_list_of_who_waits_that_cannot_be_read_is_a_failure_and_the_sweep_is_told_of_all_the_same(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(**_: Any) -> Any:
        raise Unavailable("The table does not answer.")

    monkeypatch.setattr(user_store, "list_to_erase", silent)

    assert run_schedule()["failed"] == 1
    (swept,) = events(capsys.readouterr().out, "SWEPT")
    assert swept["metadata"]["failed"] == 1


def test_who_was_deleted_can_be_erased_and_their_address_stays_its_new_holders(
    shop: Shop, admin: Shop, ada: Shop, cup: str
) -> None:
    ada_id, order = user_id(ada), ada.order((cup, 1)).body["orderId"]
    ada("PUT", f"/orders/{order}/cancel").expect(200)
    admin("DELETE", f"/users/{ada_id}").expect(204)
    assert not is_forgotten(ada_id)
    newcomer = shop.customer()

    assert admin("POST", f"/users/{ada_id}/erasure").status == 204

    assert is_forgotten(ada_id)
    assert newcomer("GET", "/auth/me").body["email"] == "ada@example.com"
    assert shop.register().body["code"] == "email_taken"


def test_who_is_deleted_while_an_erasure_waits_is_still_erased(admin: Shop, ada: Shop, cup: str) -> None:
    ada_id, order = user_id(ada), ada.order((cup, 1)).body["orderId"]
    ada("DELETE", PROFILE).expect(202)
    admin("DELETE", f"/users/{ada_id}").expect(204)
    assert not is_forgotten(ada_id)  # what is on its way keeps its address
    admin("PUT", f"/orders/{order}/status", {"status": "cancelled"}).expect(200)

    run_schedule()

    assert is_forgotten(ada_id)


def test_a_refund_with_a_key_is_not_paid_twice_after_its_buyer_is_erased(admin: Shop, ada: Shop, cup: str) -> None:
    ada_id, path = user_id(ada), f"/orders/{ada.order((cup, 1)).body['orderId']}"
    back, key = {"amount": 1, "reason": "Ada asked for it"}, {"Idempotency_Key": "back"}
    first = admin("POST", f"{path}/refunds", back, **key).expect(201)
    for status in ("shipped", "delivered", "completed"):
        admin("PUT", f"{path}/status", {"status": status}).expect(200)
    ada("DELETE", PROFILE).expect(204)

    again = admin("POST", f"{path}/refunds", back, **key)

    assert is_forgotten(ada_id)
    assert again.status == 201
    assert again.body == {**first, "reason": None}
    assert admin("GET", path).body["refunded"] == 1


def test_an_account_that_was_opened_with_a_key_is_not_opened_again_after_its_erasure(shop: Shop, admin: Shop) -> None:
    new = {"email": "bob@example.com", "firstName": "Bob", "lastName": "B"}
    bob_id = admin("POST", "/users", new, Idempotency_Key="bob").body["userId"]
    assert admin("POST", f"/users/{bob_id}/erasure").status == 204

    again = admin("POST", "/users", new, Idempotency_Key="bob")

    assert (again.status, again.body["code"]) == (409, "idempotency_key_in_use")


def test_the_schedule_comes_to_everybody_who_waits_a_page_a_run(
    shop: Shop, cup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(privacy, "_PAGE_SIZE", 1)
    patient, *others = (shop.customer(f"ada{number}@example.com") for number in range(3))
    placed = [(who, who.order((cup, 1)).body["orderId"]) for who in (patient, *others)]
    for who, order in placed:
        who("DELETE", PROFILE).expect(202)
        if who is not patient:
            who("PUT", f"/orders/{order}/cancel").expect(200)

    erased = [run_schedule()["erased"] for _ in range(6)]

    assert sum(erased) == 2
    assert patient("GET", PROFILE).body["erasure"] == "scheduled"
