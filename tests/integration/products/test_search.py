"""Finding products by words, and the numbers of the categories, as the stream brings them up to date."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.products import search, words
from tests.support.faults import Crash, crash, injected
from tests.support.stream import deliver, records
from tests.support.table import everything
from tools.testing.shop import Shop


@pytest.fixture
def admin(shop: Shop) -> Shop:
    return shop.admin()


def found(shop: Shop, query: str, **more: Any) -> list[str]:
    """The names of all products that a search finds, page by page."""
    names, cursor = [], ""
    filters = "".join(f"&{name}={value}" for name, value in more.items())
    while cursor is not None:
        page = shop("GET", f"/products?q={query}&limit=2{filters}{cursor and f'&cursor={cursor}'}")
        assert page.status == 200, page
        names += [product["name"] for product in page.body["products"]]
        cursor = page.body["nextCursor"]
    return names


def counts(shop: Shop) -> dict[str, int]:
    return {each["category"]: each["count"] for each in shop("GET", "/categories").body["categories"]}


def index() -> set[tuple[str, str]]:
    """Every word of every product in the index, read off the table itself."""
    return {
        (key.sk.split("#")[0], item["productId"]) for key, item in everything().items() if key.pk.startswith("WORD#")
    }


def test_products_are_found_by_words_and_beginnings_of_name_category_and_description(admin: Shop) -> None:
    admin.product(name="Adventure-Ready Backpack", category="accessories", description="A rugged harness.")
    admin.product(name="Leather Daypack", category="accessories", description="Like a backpack, but softer.")
    admin.product(name="Coffee mug", category="kitchen")
    deliver(admin)

    assert found(admin, "backpack") == ["Adventure-Ready Backpack", "Leather Daypack"]
    assert found(admin, "BACK") == ["Adventure-Ready Backpack", "Leather Daypack"]
    assert found(admin, "kitch") == ["Coffee mug"]
    assert found(admin, "leather+back") == found(admin, "back+leather") == ["Leather Daypack"]
    assert found(admin, "pack") == []
    assert found(admin, "backpack+mug") == []
    assert found(admin, "back", category="kitchen") == []
    assert found(admin, "back", maxPrice=1) == []


def test_exact_words_come_before_longer_ones_names_before_descriptions_and_newer_before_older(admin: Shop) -> None:
    admin.product(name="Chair", description="Kind to your back.")
    for name in ("Back rest", "Backpack", "Back pain", "Background"):
        admin.product(name=name, category="x1")
    deliver(admin)

    assert found(admin, "back") == ["Back pain", "Back rest", "Chair", "Background", "Backpack"]


def test_a_product_with_several_words_of_one_beginning_is_found_once(admin: Shop) -> None:
    for number in range(5):
        admin.product(name=f"Bag bags baggy bagpipe {number}")
    deliver(admin)

    assert sorted(found(admin, "bag")) == [f"Bag bags baggy bagpipe {number}" for number in range(5)]


def test_a_search_of_one_word_costs_two_round_trips_and_one_more_where_a_lease_is_taken(admin: Shop) -> None:
    for number in range(3):
        admin.product(name=f"Mug {number}")
    deliver(admin)
    calls: list[str] = []

    def note(operation: str, _: Any, go_on: Any) -> Any:
        calls.append(operation)
        return go_on()

    with injected(note):
        admin("GET", "/products?q=mug&limit=2")
        admin("GET", "/products?q=mug&limit=2")
        admin("GET", "/products?q=mug&limit=2")

    lease, found = "update_item", ["query", "batch_get_item"]
    assert calls == [lease, *found, lease, *found, *found]  # the second lease is of two


@pytest.mark.fault("F8")
@pytest.mark.parametrize(
    "query", ["wi+fi", "wi-fi", "the+mug", "a+b+c+d+e+f+g+h+i+j", "AB-12/3", "men%27s+t-shirt", "zz"]
)
def test_a_search_makes_at_most_eight_calls_and_a_lease_however_its_words_are_joined(admin: Shop, query: str) -> None:
    admin.product(name="The Wi-Fi mug a b c d e f g h i", sku="AB-12/3")
    deliver(admin)
    calls: list[str] = []

    def note(operation: str, _: Any, go_on: Any) -> Any:
        calls.append(operation)
        return go_on()

    with injected(note):
        admin("GET", f"/products?q={query}")

    assert calls.count("query") <= 4
    assert calls[0] == "update_item"  # the lease of its rate limit, at most one
    assert set(calls[1:]) <= {"query", "batch_get_item"}
    assert len(calls[1:]) <= 8


@pytest.mark.fault("F8")
def test_a_sku_is_found_whole_and_by_its_beginning_with_its_punctuation_or_without(admin: Shop) -> None:
    admin.product(name="Mug", sku="AB-12/3")
    admin.product(name="Pot", sku="AB-12/4")
    admin.product(name="Cup", sku="6579c22f-be2b-444c-a52b-0116dd82df6c")
    deliver(admin)

    assert found(admin, "AB-12/3") == found(admin, "ab-12%2F3") == found(admin, "AB123") == ["Mug"]
    assert found(admin, "AB-12/") == found(admin, "ab-1") == ["Mug", "Pot"]
    assert found(admin, "pot+AB-12") == ["Pot"]
    assert found(admin, "6579c22f-be2b-444c-a52b-0116dd82df6c") == found(admin, "6579c22f-be") == ["Cup"]


@pytest.mark.fault("F8")
@pytest.mark.fault("F25")
@pytest.mark.parametrize(
    ("sku", "name", "query"),
    [
        ("ABCDEFGHIJKLMN", "Multifunctional lamp", "ABCDEFGHIJKLMN+multifunctional"),
        ("ABCDEFGHIJKLMN", "Multifunctional lamp", "multifunctional+lamp+abcdefghijk"),
        ("XK-2000-BLUE-LARGE", "Lamp 123456", "XK-2000-BLUE-LARGE+123456"),
        ("XK-2000-BLUE-LARGE", "Lamp 123456", "123456+xk2000bluelarge"),
        ("x" * 64, "Multifunctional lamp", f"multifunctional+{'x' * 64}"),
    ],
)
def test_a_long_sku_is_found_beside_any_other_word(admin: Shop, sku: str, name: str, query: str) -> None:
    admin.product(name=name, sku=sku)
    admin.product(name=name, sku="ABCDEFGHIJ-OTHER")
    deliver(admin)

    assert found(admin, query) == [name]


@pytest.mark.fault("F8")
def test_measures_are_found_however_they_are_written(admin: Shop) -> None:
    for name in ("Board 10x20", "Board 10 x 20", "Board 10 \u00d7 20 x 30"):
        admin.product(name=name)
    admin.product(name="Board 20 x 40")
    deliver(admin)

    for query in ("10x20", "10+x+20", "10%C3%9720", "board+10+x+20"):
        assert len(found(admin, query)) == len(set(found(admin, query))) == 3, query


@pytest.mark.fault("F8")
def test_the_sku_filter_finds_exactly_one_in_one_round_trip(admin: Shop, shop: Shop) -> None:
    mug = admin.product(name="Mug", sku="AB-12/3", price=5)
    admin.product(name="Pot", sku="AB-12/34")
    calls: list[str] = []

    def note(operation: str, _: Any, go_on: Any) -> Any:
        calls.append(operation)
        return go_on()

    with injected(note):
        page = shop("GET", "/products?sku=AB-12/3").body

    assert calls == ["batch_get_item"]
    assert ([each["productId"] for each in page["products"]], page["nextCursor"]) == ([mug["productId"]], None)


@pytest.mark.fault("F8")
@pytest.mark.parametrize(
    ("more", "is_found"),
    [
        ("", True), ("&q=mug", True), ("&q=AB-12", True), ("&q=pot", False), ("&category=kitchen", True),
        ("&category=office", False), ("&maxPrice=5", True), ("&maxPrice=4", False), ("&inStock=true", True),
        ("&inStock=false", False), ("&limit=1", True),
    ],
)  # fmt: skip
def test_the_sku_filter_narrows_what_the_other_filters_leave(admin: Shop, more: str, is_found: bool) -> None:  # noqa: FBT001 - a table
    admin.product(name="Mug", sku="AB-12/3", price=5)

    assert len(admin("GET", f"/products?sku=AB-12/3{more}").body["products"]) == is_found


@pytest.mark.fault("F8")
def test_the_sku_filter_knows_case_sale_and_deletion(admin: Shop, shop: Shop) -> None:
    path = f"/products/{admin.product(name='Mug', sku='AB-1')['productId']}"

    def listed(lists: str, sku: str = "AB-1") -> int:
        return len(admin("GET", f"{lists}?sku={sku}").body["products"])

    assert [listed("/products"), listed("/products", "ab-1"), listed("/products/category/kitchen")] == [1, 0, 1]
    assert [listed("/products/category/office"), listed("/admin/products")] == [0, 1]
    admin("PATCH", path, {"isActive": False})
    assert [listed("/products"), listed("/admin/products")] == [0, 1]
    admin("DELETE", path)
    assert [listed("/products"), listed("/admin/products")] == [0, 0]


@pytest.mark.fault("F8")
def test_an_index_of_the_time_before_goes_on_and_a_refresh_brings_it_up(admin: Shop) -> None:
    mugs = [admin.product(name=f"T-shirt mug {number}")["productId"] for number in range(3)]
    for mug in mugs:
        created = str(admin("GET", f"/products/{mug}").body["createdAt"])
        older = search.Entry(created_at=created, terms=("shirt#0", "mug#0", "kitchen#1"), category="kitchen")
        item = {"productId": mug, "words": "shirt mug kitchen"}
        db.commit(*(db.put(keys.word(term, created, mug), item) for term in older.terms))
        db.commit(search.put_entry(mug, older, version=0))

    assert len(found(admin, "mug")) == len(found(admin, "kitchen+mug")) == 3
    assert found(admin, "tshirt") == []
    assert search.refresh(mugs[0]) is True
    assert found(admin, "tshirt") == ["T-shirt mug 0"]
    assert sorted(found(admin, "mug")) == [f"T-shirt mug {number}" for number in range(3)]


@pytest.mark.fault("F25")
@pytest.mark.parametrize("query", ["%3F%3F%3F", "%E2%80%94", "%20", 65 * "x"])
def test_what_cannot_be_looked_for_is_refused(shop: Shop, query: str) -> None:
    refused = shop("GET", f"/products?q={query}")

    assert (refused.status, [name for name, _ in refused.fields]) == (400, ["q"])


def test_the_index_and_the_numbers_follow_every_change(admin: Shop, shop: Shop) -> None:
    mug = admin.product(name="Mug", category="kitchen")
    path = f"/products/{mug['productId']}"
    admin.product(name="Pot", category="kitchen")
    deliver(admin)
    assert counts(shop) == {"kitchen": 2}

    admin("PATCH", path, {"name": "Cup", "category": "office"})
    deliver(admin)
    assert (found(shop, "mug"), found(shop, "cup")) == ([], ["Cup"])
    assert counts(shop) == {"kitchen": 1, "office": 1}

    admin("PATCH", path, {"isActive": False})
    deliver(admin)
    assert (found(shop, "cup"), counts(shop)) == ([], {"kitchen": 1})

    admin("PATCH", path, {"isActive": True})
    deliver(admin)
    assert (found(shop, "cup"), counts(shop)) == (["Cup"], {"kitchen": 1, "office": 1})

    admin("DELETE", path)
    deliver(admin)
    assert (found(shop, "cup"), counts(shop)) == ([], {"kitchen": 1})
    assert {product_id for _, product_id in index()} != {mug["productId"]}


def test_admins_find_what_is_not_for_sale(admin: Shop) -> None:
    admin.product(name="Secret mug", isActive=False)
    deliver(admin)

    assert [each["name"] for each in admin("GET", "/admin/products?q=mug").body["products"]] == ["Secret mug"]
    assert admin("GET", "/products?q=mug").body["products"] == []


def test_records_that_come_twice_or_in_any_order_lead_to_the_same_index(admin: Shop, shop: Shop) -> None:
    for number in range(4):
        product = admin.product(name="Mug", category="kitchen")
        admin("PATCH", f"/products/{product['productId']}", {"name": "Cup", "category": f"c{number % 2}"})
    batch = records()
    generator = random.Random(4)

    for _ in range(5):
        generator.shuffle(batch)
        assert deliver(shop, batch[: generator.randint(1, len(batch))]) == []
        deliver(shop, batch)
        assert counts(shop) == {"c0": 2, "c1": 2}
        assert {word for word, _ in index()} == {"cup", "c0", "c1"}


def long_text(start: int) -> str:
    return " ".join(f"w{number:03}" for number in range(start, start + words.MAX_WORDS_OF_PRODUCT))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(1, 5))
def test_a_refresh_that_dies_at_any_call_is_completed_by_the_next(admin: Shop, number: int, *, after: bool) -> None:
    product = admin.product(name="Mug", description=long_text(0))
    deliver(admin)
    admin("PATCH", f"/products/{product['productId']}", {"description": long_text(500), "category": "office"})

    try:
        with injected(crash(number, after=after)):
            search.refresh(product["productId"])
    except Crash:
        pass
    search.refresh(product["productId"])

    wanted = words.of_product("Mug", "office", long_text(500))
    assert index() == {(words.of_term(term)[0], product["productId"]) for term in wanted}
    assert counts(admin) == {"office": 1}
    assert search.refresh(product["productId"]) is False


def test_a_product_that_was_created_anew_stands_under_its_new_time_only(admin: Shop) -> None:
    product = admin.product(name="Mug", sku="X-1", description=long_text(0))
    deliver(admin)
    with clock.fixed(clock.now() + timedelta(hours=1)):
        admin("DELETE", f"/products/{product['productId']}")
        admin.product(name="Cup", sku="X-1", description=long_text(0))
        search.refresh(product["productId"])

    places = [key.sk for key in everything() if key.pk.startswith(keys.words("")) and key.sk.startswith("w000#")]
    assert len(places) == 1
    assert (found(admin, "mug"), found(admin, "cup"), counts(admin)) == ([], ["Cup"], {"kitchen": 1})


def test_two_refreshes_at_once_count_a_product_once(admin: Shop) -> None:
    product = admin.product(name="Mug", category="kitchen")["productId"]
    raced: list[str] = []

    def refresh_first(operation: str, _: Any, go_on: Any) -> Any:
        if operation == "transact_write_items" and not raced:
            raced.append(operation)
            search.refresh(product)
        return go_on()

    with injected(refresh_first):
        search.refresh(product)

    assert (len(raced), counts(admin)) == (1, {"kitchen": 1})


def test_a_sale_does_not_touch_the_index(admin: Shop, shop: Shop) -> None:
    mug = admin.product()["productId"]
    deliver(shop)
    before = db.get(keys.index_entry(mug))
    seen = len(records())

    shop.customer().order((mug, 1))
    deliver(shop, records()[seen:])

    assert db.get(keys.index_entry(mug)) == before
