"""Managing products over the app's routes: changes, deletion, stock (S4) and what admins see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.aws import db, keys
from chalicelib.core.money import Amount
from chalicelib.core.principal import Principal, Role
from chalicelib.products import service as products
from chalicelib.products import store as product_store
from chalicelib.products.models import Product
from chalicelib.products.schemas import NewProduct, ProductChange
from tests.support.faults import error, injected
from tests.support.table import load
from tools.testing.shop import Shop, ShopAnswer

SOMEBODY = Principal(user_id="usr_x", email="x@example.com", roles=(Role.ADMIN,), session_id="")
MUG = {"name": "Mug", "price": 12.5, "category": "kitchen", "stock": 10, "sku": "MUG-1"}


@pytest.fixture
def admin(shop: Shop) -> Shop:
    return shop.admin()


def path(product: dict[str, Any]) -> str:
    return f"/products/{product['productId']}"


def etag(shop: Shop, product: dict[str, Any]) -> str:
    return shop("GET", path(product)).headers["ETag"]


def problem(answer: ShopAnswer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


def test_a_patch_changes_what_it_names_and_a_put_everything_but_stock_currency_and_sku(admin: Shop) -> None:
    mug = admin.product(**MUG, description="Blue.", imageUrl="https://example.com/mug.jpg", currency="EUR")

    patched = admin("PATCH", path(mug), {"price": 13, "imageUrl": None}).body
    put = admin("PUT", path(mug), {"name": "Cup", "price": 14, "category": "office"}).body

    unchanged = {"productId", "stock", "currency", "sku", "createdAt", "isActive"}
    assert {name: patched[name] for name in unchanged} == {name: mug[name] for name in unchanged}
    assert (patched["price"], patched["imageUrl"], patched["description"]) == (13, None, "Blue.")
    assert (put["name"], put["price"], put["category"], put["description"]) == ("Cup", 14, "office", "")
    assert {name: put[name] for name in unchanged} == {name: mug[name] for name in unchanged}
    assert admin("GET", path(mug)).body == put


def test_a_new_price_is_the_one_that_is_sold_at(admin: Shop, shop: Shop) -> None:
    mug, ada = admin.product(**MUG), shop.customer()

    admin("PATCH", path(mug), {"price": 20})

    assert ada.order((mug["productId"], 2)).body["totalAmount"] == 40


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"price": -1}, {("price", "out_of_range")}),
        ({"price": "1"}, {("price", "invalid_type")}),
        ({"currency": "JPY", "price": 1.5}, {("price", "too_many_decimals")}),
        ({"currency": "XXX", "price": 1}, {("currency", "unknown_currency")}),
        ({"stock": -1}, {("stock", "out_of_range")}),
        ({"name": None}, {("name", "invalid_type")}),
        ({"productId": "prd_1", "createdAt": "now"}, {("productId", "unknown_field"), ("createdAt", "unknown_field")}),
    ],
)
def test_a_faulty_change_names_its_fields_and_changes_nothing(
    admin: Shop, change: dict[str, Any], fields: set[tuple[str, str]]
) -> None:
    mug = admin.product(**MUG)

    refused = admin("PATCH", path(mug), change)

    assert (problem(refused), refused.fields) == ((400, "validation_failed"), fields)
    assert admin("GET", path(mug)).body == mug


def test_a_change_to_what_it_is_already_changes_nothing(admin: Shop) -> None:
    mug = admin.product(**MUG)
    before = etag(admin, mug)

    for change in ({}, {"price": 12.5, "name": "Mug"}):
        assert admin("PATCH", path(mug), change).headers["ETag"] == before


def test_an_adjustment_that_met_a_product_between_two_lives_is_tried_again(admin: Shop) -> None:
    mug = admin.product(**MUG)
    lives = []

    def die_first(operation: str, _: dict[str, Any], go_on: Any) -> Any:
        if operation == "transact_write_items" and not lives:
            lives.append(operation)
            raise error("ConditionalCheckFailed")
        return go_on()

    with injected(die_first):
        moved = admin("POST", f"{path(mug)}/stock", {"delta": 2, "reason": "found"})

    assert (moved.status, admin.stock(mug["productId"])) == (201, 12)


@pytest.mark.parametrize("name", ["\u200b", "\ufeff ", "Mug \u202e gum"])
def test_a_name_that_cannot_be_seen_or_turns_the_text_around_is_refused(admin: Shop, name: str) -> None:
    assert admin("POST", "/products", {**MUG, "name": name}).fields == {("name", "invalid_value")}


def test_a_put_needs_what_makes_a_product(admin: Shop) -> None:
    mug = admin.product(**MUG)

    assert admin("PUT", path(mug), {"name": "Cup"}).fields == {("price", "required"), ("category", "required")}


def test_a_sku_belongs_to_one_product_and_stays_with_it(admin: Shop) -> None:
    mug = admin.product(**MUG)

    assert problem(admin("POST", "/products", MUG)) == (409, "sku_taken")
    assert problem(admin("PATCH", path(mug), {"sku": "MUG-2"})) == (422, "sku_is_final")
    assert admin("PATCH", path(mug), {"sku": "MUG-1"}).status == 200


def test_who_has_the_product_already_gets_a_304(admin: Shop, shop: Shop) -> None:
    mug = admin.product(**MUG)
    tag = etag(shop, mug)

    known = shop("GET", path(mug), If_None_Match=f'"other", W/{tag}')
    shop.customer().order((mug["productId"], 1))
    sold = shop("GET", path(mug), If_None_Match=tag)

    assert (known.status, known.text, known.headers["ETag"]) == (304, "", tag)
    assert (sold.status, sold.body["stock"]) == (200, 9)


def test_an_old_copy_changes_nothing_but_a_sale_does_not_make_a_description_old(admin: Shop, shop: Shop) -> None:
    mug = admin.product(**MUG)
    first = etag(shop, mug)
    shop.customer().order((mug["productId"], 1))

    assert admin("PATCH", path(mug), {"name": "Cup"}, If_Match=first).status == 200
    assert problem(admin("PATCH", path(mug), {"name": "Pot"}, If_Match=first)) == (412, "product_changed")
    assert problem(admin("DELETE", path(mug), If_Match=first)) == (412, "product_changed")
    assert shop("GET", path(mug)).body["name"] == "Cup"


def test_a_counted_stock_needs_the_copy_it_was_counted_from(admin: Shop, shop: Shop) -> None:
    mug = admin.product(**MUG)
    counted = etag(shop, mug)
    without = admin("PATCH", path(mug), {"stock": 7})
    anything = admin("PATCH", path(mug), {"stock": 7}, If_Match="*")

    shop.customer().order((mug["productId"], 1))
    sold_meanwhile = admin("PATCH", path(mug), {"stock": 7}, If_Match=counted)
    again = admin("PATCH", path(mug), {"stock": 7}, If_Match=etag(shop, mug))

    assert [problem(each) for each in (without, anything)] == [(428, "precondition_required")] * 2
    assert problem(sold_meanwhile) == (412, "product_changed")
    assert (again.status, shop.stock(mug["productId"])) == (200, 7)
    movements = admin("GET", f"{path(mug)}/stock").body["movements"]
    assert [(each["delta"], each["reason"]) for each in movements] == [(-2, "stock taking"), (10, "initial stock")]


def test_a_sale_between_reading_and_writing_a_counted_stock_is_not_lost(admin: Shop, shop: Shop) -> None:
    mug = admin.product(**MUG)
    tag = etag(shop, mug)
    sold = []

    def sell_first(operation: str, request: dict[str, Any], go_on: Any) -> Any:
        if operation == "transact_write_items" and not sold:
            sold.append(1)
            db.commit(db.update(keys.stock(mug["productId"]), "SET stock = stock - :one, stockVersion = stockVersion + "
                                ":one", {":one": 1}))  # fmt: skip
        return go_on()

    with injected(sell_first):
        refused = admin("PATCH", path(mug), {"stock": 30}, If_Match=tag)

    assert (problem(refused), shop.stock(mug["productId"])) == ((412, "product_changed"), 9)


def test_a_deleted_product_is_gone_but_for_past_orders(admin: Shop, shop: Shop) -> None:
    mug, ada = admin.product(**MUG), shop.customer()
    order = ada.order((mug["productId"], 2)).body["orderId"]
    ada("POST", "/cart/items", {"productId": mug["productId"], "quantity": 1})

    assert admin("DELETE", path(mug)).status == 204

    assert problem(shop("GET", path(mug))) == (404, "product_not_found")
    assert problem(admin("GET", f"/admin{path(mug)}")) == (404, "product_not_found")
    assert problem(admin("PATCH", path(mug), {"name": "Cup"})) == (404, "product_not_found")
    assert problem(admin("DELETE", path(mug))) == (404, "product_not_found")
    assert problem(admin("POST", f"{path(mug)}/stock", {"delta": 1, "reason": "found"})) == (404, "product_not_found")
    assert shop("GET", "/products").body["products"] == admin("GET", "/admin/products").body["products"] == []
    assert ada("GET", f"/orders/{order}").body["items"][0]["productName"] == "Mug"
    assert ada("GET", "/cart").body["items"][0]["available"] is False
    assert ada.order((mug["productId"], 1)).status == 404


def test_units_of_a_cancelled_order_return_to_a_deleted_product_too(admin: Shop, shop: Shop) -> None:
    mug, ada = admin.product(**MUG), shop.customer()
    order = ada.order((mug["productId"], 2)).body["orderId"]
    admin("DELETE", path(mug))

    assert ada("PUT", f"/orders/{order}/cancel").status == 200

    offer = db.get(keys.stock(mug["productId"]), consistent=True)
    assert offer
    assert (offer["stock"], offer["isActive"]) == (10, False)


def test_a_deleted_sku_can_be_created_again_and_its_units_stay_accounted_for(admin: Shop, shop: Shop) -> None:
    mug = admin.product(**MUG)
    admin("DELETE", path(mug))

    again = admin.product(**{**MUG, "name": "Second mug", "stock": 3})

    assert again["productId"] == mug["productId"]
    assert (shop("GET", path(mug)).body, shop.stock(mug["productId"])) == (again, 3)
    movements = admin("GET", f"{path(mug)}/stock").body["movements"]
    assert sum(each["delta"] for each in movements) == 3
    assert shop("GET", "/products").body["products"][0]["name"] == "Second mug"


def test_a_copy_from_before_a_deletion_is_old_after_it(admin: Shop) -> None:
    mug = admin.product(**MUG)
    old = etag(admin, mug)
    admin("DELETE", path(mug))
    admin.product(**MUG)

    assert problem(admin("PATCH", path(mug), {"name": "Cup"}, If_Match=old)) == (412, "product_changed")


@pytest.mark.parametrize("switch", [False, True])
def test_a_product_that_changes_sides_while_admins_list_is_listed_once(admin: Shop, *, switch: bool) -> None:
    mug, pot = admin.product(**MUG, isActive=not switch), admin.product(name="Pot", isActive=switch)
    asked = []

    def switch_both(operation: str, _: dict[str, Any], go_on: Any) -> Any:
        answer = go_on()
        if operation == "query" and not asked:
            asked.append(operation)
            admin("PATCH", path(mug), {"isActive": switch})
            admin("PATCH", path(pot), {"isActive": not switch})
        return answer

    with injected(switch_both):
        listed = admin("GET", "/admin/products").body["products"]

    assert sorted(each["name"] for each in listed) == ["Mug", "Pot"]


def test_a_new_currency_needs_a_new_price(admin: Shop) -> None:
    mug = admin.product(**{**MUG, "price": 1200})

    assert admin("PATCH", path(mug), {"currency": "JPY"}).fields == {("price", "required")}
    assert admin("PATCH", path(mug), {"currency": "JPY", "price": 1200}).status == 200


@pytest.mark.parametrize("unknown", ["nonsense", "prd_" + "Z" * 3000])
def test_the_stock_of_what_cannot_be_a_product_is_not_found(admin: Shop, unknown: str) -> None:
    assert admin("POST", f"/products/{unknown}/stock", {"delta": 1, "reason": "x"}).status == 404


def test_adjusting_adds_and_takes_units_and_says_who_and_why(admin: Shop, shop: Shop) -> None:
    mug = admin.product(**MUG)

    for delta, reason in ((5, "delivery"), (-3, "broken")):
        moved = admin("POST", f"{path(mug)}/stock", {"delta": delta, "reason": reason})
        assert (moved.status, moved.body["delta"]) == (201, delta)

    movements = admin("GET", f"{path(mug)}/stock").body["movements"]
    me = admin("GET", "/auth/me").body["userId"]
    assert shop.stock(mug["productId"]) == 12
    assert [(each["delta"], each["reason"], each["actor"]) for each in movements] == [
        (-3, "broken", me), (5, "delivery", me), (10, "initial stock", me),
    ]  # fmt: skip


def test_an_adjustment_with_a_key_happens_once(admin: Shop, shop: Shop) -> None:
    mug = admin.product(**MUG)

    answers = [admin("POST", f"{path(mug)}/stock", {"delta": 5, "reason": "x"}, Idempotency_Key="a") for _ in range(2)]

    assert answers[0].text == answers[1].text
    assert shop.stock(mug["productId"]) == 15


@pytest.mark.parametrize(
    ("delta", "status", "code"),
    [(-11, 409, "insufficient_stock"), (0, 400, "validation_failed"), (10**9, 400, "validation_failed"),
     (10**10, 400, "validation_failed"), (1.5, 400, "validation_failed"), (True, 400, "validation_failed")],
)  # fmt: skip
def test_an_impossible_adjustment_changes_nothing(admin: Shop, delta: object, status: int, code: str) -> None:
    mug = admin.product(**MUG)

    refused = admin("POST", f"{path(mug)}/stock", {"delta": delta, "reason": "x"})

    assert problem(refused) == (status, code)
    assert admin.stock(mug["productId"]) == 10
    assert admin("GET", f"{path(mug)}/stock").body["count"] == 1


def test_stock_may_go_down_to_nothing_but_says_what_is_left(admin: Shop) -> None:
    mug = admin.product(**MUG)

    refused = admin("POST", f"{path(mug)}/stock", {"delta": -11, "reason": "x"})
    allowed = admin("POST", f"{path(mug)}/stock", {"delta": -10, "reason": "x"})

    fault = refused.body["errors"][0]
    assert (fault["field"], fault["requested"], fault["available"]) == ("delta", 11, 10)
    assert (allowed.status, admin.stock(mug["productId"])) == (201, 0)


def test_admins_list_what_is_not_for_sale_and_others_do_not(admin: Shop, shop: Shop) -> None:
    sold, hidden = admin.product(name="Sold"), admin.product(name="Hidden", isActive=False, category="attic")

    def names(query: str) -> list[str]:
        return [each["name"] for each in admin("GET", f"/admin/products{query}").body["products"]]

    assert names("") == ["Hidden", "Sold"]
    assert (names("?active=true"), names("?active=false")) == (["Sold"], ["Hidden"])
    assert (names("?category=attic"), names("?category=attic&active=true")) == (["Hidden"], [])
    assert [each["name"] for each in shop("GET", "/products").body["products"]] == ["Sold"]
    assert shop("GET", path(hidden)).status == 404
    assert admin("GET", f"/admin{path(hidden)}").body["productId"] == hidden["productId"]
    assert admin("PATCH", path(hidden), {"isActive": True}).status == 200
    assert shop("GET", path(hidden)).status == 200
    assert names("?active=false") == []
    assert sold["isActive"] is True


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("minPrice=10", ["Dear", "Middle"]),
        ("maxPrice=10", ["Middle", "Cheap"]),
        ("minPrice=5&maxPrice=50", ["Middle"]),
        ("minPrice=10&maxPrice=10", ["Middle"]),
        ("inStock=true", ["Yen", "Dear", "Cheap"]),
        ("inStock=false", ["Middle"]),
        ("currency=JPY", ["Yen"]),
        ("currency=JPY&minPrice=600", []),
        ("category=office", ["Dear"]),
        ("category=office&maxPrice=10", []),
        ("category=nothing", []),
        ("", ["Yen", "Dear", "Middle", "Cheap"]),
    ],
)
def test_lists_are_narrowed_by_price_stock_and_category(admin: Shop, query: str, names: list[str]) -> None:
    admin.product(name="Cheap", price=1.5)
    admin.product(name="Middle", price=10, stock=0)
    admin.product(name="Dear", price=99.99, category="office")
    admin.product(name="Yen", price=500, currency="JPY")

    found = admin("GET", f"/products?{query}").body["products"]

    assert [each["name"] for each in found] == names


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("minPrice=x", "minPrice"),
        ("minPrice=-1", "minPrice"),
        ("maxPrice=1.234", "maxPrice"),
        ("currency=usd", "currency"),
        ("minPrice=1.5&currency=JPY", "minPrice"),
        ("minPrice=2&maxPrice=1", "maxPrice"),
        ("inStock=maybe", "inStock"),
        ("active=false", "active"),
        ("q=", "q"),
        ("q=???", "q"),
        (f"q={65 * 'x'}", "q"),
        ("sku=", "sku"),
        ("colour=red", "colour"),
        ("limit=0", "limit"),
    ],
)
def test_a_faulty_filter_is_refused_by_name(shop: Shop, query: str, field: str) -> None:
    refused = shop("GET", f"/products?{query}")

    assert (problem(refused), {name for name, _ in refused.fields}) == ((400, "validation_failed"), {field})


@pytest.mark.fault("F4")
def test_a_price_without_a_currency_is_in_the_stages(shop: Shop, default_currency: Callable[[str], None]) -> None:
    default_currency("KWD")
    admin = shop.admin()

    created = admin("POST", "/products", {"name": "Mug", "price": 1.255, "category": "kitchen"})
    yen = admin("POST", "/products", {"name": "Tea", "price": 1.255, "category": "kitchen", "currency": "JPY"})

    assert (created.status, created.body["currency"], created.body["price"]) == (201, "KWD", 1.255)
    assert (yen.status, yen.fields) == (400, {("price", "too_many_decimals")})
    found = [shop("GET", f"/products?minPrice={low}").body["products"] for low in ("1.255", "1.256")]
    assert [len(each) for each in found] == [1, 0]
    assert shop("GET", "/products?maxPrice=1.2555").fields == {("maxPrice", "too_many_decimals")}


def test_a_narrow_list_reads_a_bounded_number_of_items_and_goes_on_by_its_cursor(admin: Shop) -> None:
    cheap = admin.product(name="Cheap", price=1)["productId"]
    dear = NewProduct(name="Dear", price=Amount(50), category="kitchen")
    for _ in range(250):
        load(product_store.create(Product.create(dear, default_currency="USD"), actor="test"))

    pages, cursor = [], ""
    while cursor is not None:
        page = admin("GET", f"/products?maxPrice=2&limit=5{cursor and f'&cursor={cursor}'}").body
        pages.append([each["productId"] for each in page["products"]])
        cursor = page["nextCursor"]

    assert pages == [[], [cheap]]


def test_changing_a_product_that_somebody_else_changes_starts_anew(admin: Shop) -> None:
    mug = admin.product(**MUG)
    raced = []

    def rename_first(operation: str, request: dict[str, Any], go_on: Any) -> Any:
        if operation == "transact_write_items" and not raced:
            raced.append(operation)
            products.update(mug["productId"], ProductChange(name="Theirs"), actor=SOMEBODY, if_match=None)
        return go_on()

    with injected(rename_first):
        changed = admin("PATCH", path(mug), {"price": 99})

    assert (changed.body["name"], changed.body["price"]) == ("Theirs", 99)
