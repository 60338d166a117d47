"""Coupons over the app's routes: who may have one, how often, and that a use which came to nothing is given back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.coupons import store as coupon_store
from chalicelib.orders import settlement, sweep
from chalicelib.orders.models import Order
from chalicelib.payments.models import AttemptState, Outcome
from tests.support.faults import Crash, Fault, crash, injected, lose_answer
from tests.support.schedule import swept_after
from tests.support.stream import deliver
from tools.testing.shop import Shop, ShopAnswer


@pytest.fixture
def root(shop: Shop, mug: str) -> Shop:
    """The admin who put the mug on the shelf."""
    return shop.login("root@example.com")


def uses(root: Shop, code: str) -> int:
    return int(root("GET", f"/coupons/{code}").body["uses"])


def uses_by(customer: Shop, code: str) -> int:
    user = customer("GET", "/auth/me").body["userId"]
    return int((db.get(keys.coupon_user(code, user)) or {"uses": 0})["uses"])


def stored(order_id: str) -> Order:
    (item,) = db.query(db.GSI1, keys.order_by_id(order_id), limit=1).items
    return msgspec.convert(item, Order)


# --- What admins do with them


def test_a_coupon_is_made_read_listed_changed_and_deleted(root: Shop) -> None:
    made = root("POST", "/coupons", {"code": "spring-26", "kind": "percentage", "percent": 12.5, "totalLimit": 100})
    root.coupon("SUMMER")

    assert (made.status, made.body["code"], made.body["percent"], made.body["uses"]) == (201, "SPRING-26", 12.5, 0)
    assert root("GET", "/coupons/Spring-26").body == made.body
    assert [each["code"] for each in root("GET", "/coupons").body["coupons"]] == ["SUMMER", "SPRING-26"]
    changed = root("PATCH", "/coupons/SPRING-26", {"percent": 20, "totalLimit": None}, If_Match=made.headers["ETag"])
    assert (changed.status, changed.body["percent"], changed.body["totalLimit"]) == (200, 20, None)
    assert root("DELETE", "/coupons/spring-26", If_Match=changed.headers["ETag"]).status == 204
    assert root("GET", "/coupons/SPRING-26").body["code"] == "coupon_not_found"
    assert [each["code"] for each in root("GET", "/coupons").body["coupons"]] == ["SUMMER"]


def test_pages_of_coupons_go_on_where_they_ended(root: Shop) -> None:
    for number in range(5):
        root.coupon(f"NUMBER-{number}")

    first = root("GET", "/coupons?limit=3").body
    second = root("GET", f"/coupons?limit=3&cursor={first['nextCursor']}").body

    found = [each["code"] for each in (*first["coupons"], *second["coupons"])]
    assert (found, second["nextCursor"]) == ([f"NUMBER-{number}" for number in (4, 3, 2, 1, 0)], None)


def test_an_old_copy_changes_and_deletes_nothing(root: Shop) -> None:
    etag = root("POST", "/coupons", {"code": "SPRING", "kind": "percentage", "percent": 10}).headers["ETag"]
    root("PATCH", "/coupons/SPRING", {"percent": 20})

    for method, body in (("PATCH", {"percent": 30}), ("DELETE", None)):
        refused = root(method, "/coupons/SPRING", body, If_Match=etag)
        assert (refused.status, refused.body["code"]) == (412, "coupon_changed")

    assert root("GET", "/coupons/SPRING").body["percent"] == 20


def test_a_use_leaves_the_entity_tag_as_it_is(root: Shop, ada: Shop, mug: str) -> None:
    etag = root("POST", "/coupons", {"code": "SPRING", "kind": "percentage", "percent": 10}).headers["ETag"]

    ada.order((mug, 1), couponCode="SPRING")

    assert root("GET", "/coupons/SPRING").headers["ETag"] == etag


def test_the_same_key_makes_one_coupon_and_a_code_is_given_out_once(root: Shop) -> None:
    body = {"code": "SPRING", "kind": "percentage", "percent": 10}
    first, again = (root("POST", "/coupons", body, Idempotency_Key="k") for _ in range(2))
    root("DELETE", "/coupons/SPRING")

    refused = root("POST", "/coupons", body)

    assert (first.status, again.text, again.headers["Idempotent-Replayed"]) == (201, first.text, "true")
    assert (refused.status, refused.body["code"]) == (409, "coupon_exists")


def test_the_stream_has_nothing_to_do_with_coupons(shop: Shop, root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")
    order = ada.order((mug, 1), couponCode="SPRING").body["orderId"]
    root("PATCH", "/coupons/SPRING", {"isActive": False})
    ada("PUT", f"/orders/{order}/cancel")
    root("DELETE", "/coupons/SPRING")

    assert deliver(shop) == []


@pytest.mark.parametrize("code", ["NO-SUCH", "x", "%23", "A" * 3000, "stra%C3%9Fe"])
def test_what_is_no_coupon_is_not_found(root: Shop, code: str) -> None:
    for method, body in (("GET", None), ("PATCH", {"percent": 1}), ("DELETE", None)):
        assert root(method, f"/coupons/{code}", body).body["code"] == "coupon_not_found"


# --- What they take off


def test_an_order_shows_what_the_coupon_takes_off_each_line(root: Shop, ada: Shop, mug: str) -> None:
    tea = root.product(name="Tea", price=3.33)["productId"]
    root.coupon("SPRING")

    placed = ada.order((mug, 2), (tea, 1), couponCode="spring", expectedTotal=25.50)

    order = placed.body
    assert (placed.status, order["couponCode"], order["paymentStatus"]) == (201, "SPRING", "paid")
    assert [(item["subtotal"], item["discount"]) for item in order["items"]] == [(25.0, 2.5), (3.33, 0.33)]
    assert (order["subtotal"], order["discount"], order["totalAmount"]) == (28.33, 2.83, 25.5)
    assert (uses(root, "SPRING"), uses_by(ada, "SPRING")) == (1, 1)


def test_a_cart_is_shown_with_the_discount_and_no_use_is_taken(shop: Shop, root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("FIVER", kind="fixed", amount=5, currency="USD", minimumSubtotal=20, totalLimit=1)
    token = shop("POST", "/cart/items", {"productId": mug, "quantity": 2}).headers["X-Cart-Token"]
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})

    checked = [shop("POST", "/cart/coupon", {"code": "fiver"}, X_Cart_Token=token)]
    checked += [ada("POST", "/cart/coupon", {"code": "fiver"})]

    expected = {"couponCode": "FIVER", "itemCount": 2, "subtotal": 25.0, "discount": 5.0, "totalAmount": 20.0}
    assert [each.body for each in checked] == [{**expected, "currency": "USD"}] * 2
    assert uses(root, "FIVER") == 0
    assert shop("POST", "/cart/coupon", {"code": "FIVER"}).body["reason"] == "minimum_not_reached"


@pytest.mark.parametrize("token", ["tok_success", "tok_declined"])
def test_an_order_that_a_coupon_makes_free_needs_no_payment(root: Shop, ada: Shop, mug: str, token: str) -> None:
    root.coupon("GIFT", percent=100)

    placed = ada.order((mug, 1), couponCode="GIFT", token=token)

    assert (placed.status, placed.body["totalAmount"], placed.body["paymentStatus"]) == (201, 0.0, "none")
    assert placed.body["status"] == "processing"
    cancelled = ada("PUT", f"/orders/{placed.body['orderId']}/cancel").body
    assert (cancelled["status"], cancelled["paymentStatus"], uses(root, "GIFT")) == ("cancelled", "none", 0)


def test_an_order_that_a_coupon_made_free_is_finished_when_its_process_died(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("GIFT", percent=100)
    with injected(crash(4, after=False)), pytest.raises(Crash):
        ada.order((mug, 1), couponCode="GIFT")
    (died,) = ada("GET", "/orders").body["orders"]

    with clock.fixed(clock.now() + timedelta(minutes=2)):
        sweep.run(seconds=10)

    (finished,) = ada("GET", "/orders").body["orders"]
    assert [(each["status"], each["paymentStatus"]) for each in (died, finished)] == [
        ("pending", "none"),
        ("processing", "none"),
    ]
    assert uses(root, "GIFT") == 1


def test_another_total_than_expected_shows_all_parts(shop: Shop, root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")

    refused = ada.order((mug, 2), couponCode="SPRING", expectedTotal=25)

    assert (refused.status, refused.body["code"]) == (409, "cart_changed")
    parts = ("totalAmount", "subtotal", "discount", "shipping", "tax", "taxIncluded", "currency")
    assert [refused.body[part] for part in parts] == [22.5, 25.0, 2.5, 0.0, 0.0, False, "USD"]
    assert (shop.stock(mug), uses(root, "SPRING")) == (10, 0)


# --- Who may not have them


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"isActive": False}, "unknown"),
        ({"validFrom": "2099-01-01T00:00:00Z"}, "not_started"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "expired"),
        ({"kind": "fixed", "amount": 5, "currency": "EUR"}, "currency"),
        ({"currency": "USD", "minimumSubtotal": 12.51}, "minimum_not_reached"),
    ],
)
def test_a_code_that_takes_nothing_off_is_refused_with_its_reason(
    shop: Shop, root: Shop, ada: Shop, mug: str, terms: dict[str, Any], reason: str
) -> None:
    root.coupon("SPRING", **terms)
    ada("POST", "/cart/items", {"productId": mug, "quantity": 1})

    for refused in (ada.order(couponCode="SPRING"), ada("POST", "/cart/coupon", {"code": "SPRING"})):
        assert (refused.status, refused.body["code"], refused.body["reason"]) == (422, "coupon_invalid", reason)
    assert (shop.stock(mug), ada("GET", "/cart").body["itemCount"]) == (10, 1)


def test_nobody_but_an_admin_can_tell_a_code_that_is_switched_off_from_a_made_up_one(
    root: Shop, ada: Shop, mug: str
) -> None:
    root.coupon("HIDDEN", isActive=False)
    root.coupon("DELETED")
    root("DELETE", "/coupons/DELETED")

    def told(who: Shop, code: str) -> dict[str, Any]:
        answer = who.order((mug, 1), couponCode=code).body
        return {name: value for name, value in answer.items() if name != "requestId"}

    assert told(ada, "HIDDEN") == told(ada, "DELETED") == told(ada, "MADE-UP")
    assert (told(root, "HIDDEN")["reason"], told(root, "MADE-UP")["reason"]) == ("inactive", "unknown")


@pytest.mark.parametrize("code", ["AB", "A B C", "", 5, "A" * 33])
def test_what_cannot_be_a_code_is_refused_by_its_shape(ada: Shop, mug: str, code: Any) -> None:
    refused = [ada.order((mug, 1), couponCode=code), ada("POST", "/cart/coupon", {"code": code})]

    assert [(each.status, {field for field, _ in each.fields}) for each in refused] == [
        (400, {"couponCode"}),
        (400, {"code"}),
    ]


def test_guessing_ends_after_thirty_wrong_codes_an_hour_for_right_ones_too(
    shop: Shop, root: Shop, ada: Shop, mug: str
) -> None:
    hour = clock.now()
    with clock.fixed(hour):
        begin_guessing(shop, root, ada, mug)
    with clock.fixed(hour + timedelta(hours=1)):
        assert ada.order((mug, 1), couponCode="SPRING").status == 201


def begin_guessing(shop: Shop, root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")
    bob = shop.customer("bob@example.com")
    guesses = [ada("POST", "/cart/coupon", {"code": f"GUESS-{number}"}).status for number in range(29)]

    last = ada.order((mug, 1), couponCode="GUESS-30")
    refused = [ada("POST", "/cart/coupon", {"code": "SPRING"}), ada.order((mug, 1), couponCode="SPRING")]

    assert {*guesses, last.status} == {422}
    assert [(each.status, each.body["code"]) for each in refused] == [(429, "too_many_requests")] * 2
    assert int(refused[0].headers["Retry-After"]) > 0
    assert bob.order((mug, 1), couponCode="SPRING").status == 201
    assert ada.order((mug, 1)).status == 201


def test_guests_are_told_apart_by_their_address_and_not_by_carts_that_cost_nothing(shop: Shop, root: Shop) -> None:
    root.coupon("SPRING")

    with clock.fixed(clock.now()):  # within one hour
        for number in range(30):
            shop("POST", "/cart/coupon", {"code": f"GUESS-{number}"})

        assert shop("POST", "/cart/coupon", {"code": "SPRING"}).status == 429


# --- How often


def test_a_total_limit_is_for_everybody_together(shop: Shop, root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("FIRST-2", totalLimit=2)
    for _ in range(2):
        assert ada.order((mug, 1), couponCode="FIRST-2").status == 201

    refused = shop.customer("bob@example.com").order((mug, 1), couponCode="FIRST-2")

    assert (refused.status, refused.body["code"]) == (409, "coupon_exhausted")
    assert (uses(root, "FIRST-2"), shop.stock(mug)) == (2, 8)


def test_a_limit_per_user_is_for_each(shop: Shop, root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("ONCE", perUserLimit=1)
    assert ada.order((mug, 1), couponCode="ONCE").status == 201

    refused = ada.order((mug, 1), couponCode="ONCE")

    assert (refused.status, refused.body["reason"]) == (422, "per_user_limit")
    assert ada("POST", "/cart/coupon", {"code": "ONCE"}).body["reason"] == "per_user_limit"
    assert shop.customer("bob@example.com").order((mug, 1), couponCode="ONCE").status == 201
    assert shop.stock(mug) == 8


def test_uses_before_a_limit_was_set_count(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")
    ada.order((mug, 1), couponCode="SPRING")

    root("PATCH", "/coupons/SPRING", {"perUserLimit": 1})

    assert ada.order((mug, 1), couponCode="SPRING").body["reason"] == "per_user_limit"


def test_the_same_key_is_one_use_and_is_replayed_when_the_coupon_is_used_up(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("ONCE", totalLimit=1)

    first, again = (ada.order((mug, 1), couponCode="ONCE", Idempotency_Key="k") for _ in range(2))

    assert (first.status, again.text, uses(root, "ONCE")) == (201, first.text, 1)


# --- What comes back


def test_a_declined_order_gives_its_use_back(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("ONCE", totalLimit=1, perUserLimit=1)

    assert ada.order((mug, 1), couponCode="ONCE", token="tok_declined").status == 402

    assert (uses(root, "ONCE"), uses_by(ada, "ONCE")) == (0, 0)
    assert ada.order((mug, 1), couponCode="ONCE").status == 201


def test_a_cancelled_order_gives_its_use_back_once(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")
    kept, cancelled = (ada.order((mug, 1), couponCode="SPRING").body["orderId"] for _ in range(2))

    for _ in range(2):
        assert ada("PUT", f"/orders/{cancelled}/cancel").status == 200

    assert (uses(root, "SPRING"), uses_by(ada, "SPRING")) == (1, 1)
    assert db.get(keys.coupon_use("SPRING", kept))
    assert db.get(keys.coupon_use("SPRING", cancelled)) is None


def test_an_expired_order_gives_its_use_back(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING", totalLimit=1)
    ada.order((mug, 1), couponCode="SPRING", token="tok_requires_action")

    assert [run["expired"] for run in swept_after(16, 17)] == [1, 0]

    assert (uses(root, "SPRING"), uses_by(ada, "SPRING")) == (0, 0)


def test_an_order_that_two_hear_has_failed_gives_its_use_back_once(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")
    order_ids = [ada.order((mug, 1), couponCode="SPRING", token="tok_timeout_before").body["orderId"] for _ in range(2)]
    failed = stored(order_ids[0])

    for _ in range(2):
        settlement.settle(failed, Outcome(state=AttemptState.FAILED))

    assert (uses(root, "SPRING"), uses_by(ada, "SPRING")) == (1, 1)


def test_a_use_is_given_back_only_while_it_is_there(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")
    order = stored(ada.order((mug, 1), couponCode="SPRING").body["orderId"])
    writes = coupon_store.release("SPRING", order_id=order.order_id, user_id=order.user_id)
    db.commit(*writes)

    with pytest.raises(db.Stale):
        db.commit(*writes)

    assert (uses(root, "SPRING"), uses_by(ada, "SPRING")) == (0, 0)


def test_a_use_of_a_coupon_that_was_deleted_since_can_still_be_given_back(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")
    order = ada.order((mug, 1), couponCode="SPRING").body["orderId"]
    root("DELETE", "/coupons/SPRING")

    assert ada("PUT", f"/orders/{order}/cancel").body["status"] == "cancelled"

    assert (db.get(keys.coupon("SPRING")) or {})["uses"] == 0


@pytest.mark.parametrize("number", range(1, 8))
def test_a_lost_answer_of_any_call_is_one_use(root: Shop, ada: Shop, mug: str, number: int) -> None:
    root.coupon("SPRING", totalLimit=1, perUserLimit=1)

    with injected(lose_answer(number)):
        answer = ada.order((mug, 1), couponCode="SPRING")

    assert (answer.status, uses(root, "SPRING")) == (201, 1)


@pytest.mark.parametrize("token", ["tok_success", "tok_declined"])
@pytest.mark.parametrize("number", range(2, 7))
def test_a_checkout_that_dies_at_any_call_uses_a_coupon_for_an_order_or_not_at_all(
    root: Shop, ada: Shop, mug: str, number: int, token: str
) -> None:
    root.coupon("SPRING")

    with injected(crash(number, after=True)), pytest.raises(Crash):
        ada.order((mug, 1), couponCode="SPRING", token=token)
    swept_after(3, 7)

    sold = [order for order in ada("GET", "/orders").body["orders"] if order["status"] == "processing"]
    assert uses(root, "SPRING") == uses_by(ada, "SPRING") == len(sold)


# --- Who comes first


def just_before_writing(*competitors: Callable[[], object]) -> Fault:
    """Others act between a checkout's last look and its transaction, each between the next one's."""
    pending = list(competitors)

    def fault(operation: str, _: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        if operation == "transact_write_items" and pending:
            pending.pop()()
        return go_on()

    return fault


def test_of_two_buyers_who_both_saw_the_last_use_one_gets_it(shop: Shop, root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("LAST", totalLimit=1)
    bob, won = shop.customer("bob@example.com"), list[ShopAnswer]()

    with injected(just_before_writing(lambda: won.append(bob.order((mug, 1), couponCode="LAST")))):
        lost = ada.order((mug, 1), couponCode="LAST")

    assert (won[0].status, won[0].body["discount"]) == (201, 1.25)
    assert (lost.status, lost.body["code"]) == (409, "coupon_exhausted")
    assert (uses(root, "LAST"), uses_by(ada, "LAST"), uses_by(bob, "LAST"), shop.stock(mug)) == (1, 0, 1, 9)
    assert ada("GET", "/orders").body["orders"] == []


@pytest.mark.parametrize("left", [1, 2, 3])
def test_as_many_of_five_buyers_at_once_get_a_use_as_there_are(
    shop: Shop, root: Shop, ada: Shop, mug: str, left: int
) -> None:
    root.coupon("RUSH", totalLimit=left)
    others = [shop.customer(f"buyer-{number}@example.com") for number in range(4)]
    answers: list[ShopAnswer] = []

    def buys(who: Shop) -> Callable[[], None]:
        return lambda: answers.append(who.order((mug, 1), couponCode="RUSH"))

    with injected(just_before_writing(*(buys(other) for other in others))):
        buys(ada)()

    assert sorted(answer.status for answer in answers) == [201] * left + [409] * (5 - left)
    assert (uses(root, "RUSH"), shop.stock(mug)) == (left, 10 - left)


def test_of_two_orders_of_one_buyer_with_one_use_left_one_gets_it(shop: Shop, root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("ONCE", perUserLimit=1)

    with injected(just_before_writing(lambda: ada.order((mug, 1), couponCode="ONCE"))):
        lost = ada.order((mug, 1), couponCode="ONCE")

    assert (lost.status, lost.body["reason"]) == (422, "per_user_limit")
    assert (uses(root, "ONCE"), uses_by(ada, "ONCE"), shop.stock(mug)) == (1, 1, 9)


def test_buyers_do_not_get_into_each_others_way_while_uses_are_left(
    shop: Shop, root: Shop, ada: Shop, mug: str
) -> None:
    root.coupon("SPRING", totalLimit=2)
    bob, transactions = shop.customer("bob@example.com"), 0
    interleaved = just_before_writing(lambda: bob.order((mug, 1), couponCode="SPRING"))

    def counted(operation: str, request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        nonlocal transactions
        transactions += operation == "transact_write_items"
        return interleaved(operation, request, go_on)

    with injected(counted):
        assert ada.order((mug, 1), couponCode="SPRING").status == 201

    assert (uses(root, "SPRING"), transactions) == (2, 6)  # two orders of two, and the simulator's own two


def test_a_use_that_comes_between_a_change_of_terms_is_not_forgotten(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")

    with injected(just_before_writing(lambda: ada.order((mug, 1), couponCode="SPRING"))):
        assert root("PATCH", "/coupons/SPRING", {"percent": 20}).status == 200

    assert uses(root, "SPRING") == 1


def test_the_last_look_before_the_transaction_is_up_to_date(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")
    looks: list[bool] = []

    def noted(operation: str, request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        if operation == "batch_get_item":
            looks.append(request["RequestItems"]["ecommerce-test"]["ConsistentRead"])
        return go_on()

    with injected(noted):
        ada.order((mug, 1), couponCode="SPRING")

    assert looks == [True]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [({"percent": 20}, 409, "cart_changed"), ({"isActive": False}, 422, "coupon_invalid")],
)
def test_terms_that_changed_since_they_were_read_are_read_again(
    shop: Shop, root: Shop, ada: Shop, mug: str, change: dict[str, Any], status: int, code: str
) -> None:
    root.coupon("SPRING")

    with injected(just_before_writing(lambda: root("PATCH", "/coupons/SPRING", change))):
        answer = ada.order((mug, 2), couponCode="SPRING", expectedTotal=22.5)

    assert (answer.status, answer.body["code"]) == (status, code)
    assert (uses(root, "SPRING"), shop.stock(mug)) == (0, 10)


def test_a_coupon_that_is_ended_while_it_is_being_used_is_refused_as_expired(root: Shop, ada: Shop, mug: str) -> None:
    root.coupon("SPRING")
    ended = {"validUntil": clock.timestamp()}

    with injected(just_before_writing(lambda: root("PATCH", "/coupons/SPRING", ended))):
        assert ada.order((mug, 1), couponCode="SPRING").body["reason"] == "expired"


def test_a_full_order_with_a_coupon_fits_one_transaction_and_comes_back_in_one(
    root: Shop, ada: Shop, shop: Shop
) -> None:
    root.coupon("SPRING")
    mugs = [root.product(name=f"Mug {number}", price=number + 0.01)["productId"] for number in range(30)]
    for mug in mugs:
        ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    sizes: list[int] = []

    def measured(operation: str, request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        if operation == "transact_write_items":
            sizes.append(len(request["TransactItems"]))
        return go_on()

    with injected(measured):
        placed = ada.order(couponCode="SPRING", Idempotency_Key="k")
        assert ada("PUT", f"/orders/{placed.body['orderId']}/cancel").status == 200

    assert (placed.status, max(sizes)) == (201, 40)
    assert sum(round(item["discount"] * 100) for item in placed.body["items"]) == round(placed.body["discount"] * 100)
    assert ({shop.stock(mug) for mug in mugs}, uses(root, "SPRING")) == ({10}, 0)
