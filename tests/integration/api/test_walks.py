"""Walks over lists while they change, and cursors that somebody has tampered with (H2, H3)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from chalicelib.api import cursors
from chalicelib.api.cursors import InvalidCursor
from chalicelib.aws import db
from chalicelib.core import clock, settings
from chalicelib.core.money import Amount
from chalicelib.products import search
from chalicelib.products import service as products
from chalicelib.products import store as product_store
from chalicelib.products.models import Product
from chalicelib.products.schemas import NewProduct, ProductQuery
from tests.support.table import load, renew

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

BEGIN = datetime(2026, 11, 21, tzinfo=UTC)
NAMES = ("Wi-Fi mug {}", "Wifi mug {}", "Wi fi mug {}, wifi")
SCOPE = "GET /products []\n[]\n"


@pytest.fixture(params=[1, 3])
def shards(request: pytest.FixtureRequest, aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("INDEX_SHARDS", str(request.param))
    settings.current.cache_clear()
    yield
    monkeypatch.undo()
    settings.current.cache_clear()


class Catalogue:
    """Products that come and go; `second` is when one was created, and several may share one."""

    def __init__(self) -> None:
        self.alive: list[str] = []

    def add(self, second: int) -> str:
        with clock.fixed(BEGIN + timedelta(seconds=second)):
            new = NewProduct(name=NAMES[second % len(NAMES)].format(second), price=Amount(5), category="kitchen")
            product = Product.create(new, default_currency="USD")
        load(product_store.create(product, actor="test"))
        search.refresh(product.product_id)
        self.alive.append(product.product_id)
        return product.product_id

    def remove(self, number: int) -> str:
        product_id = self.alive.pop(number % len(self.alive))
        before = product_store.get_listings([product_id])[product_id]
        db.commit(*product_store.update(before, before.deleted(), actor="test"))
        search.refresh(product_id)
        return product_id


LISTS: list[dict[str, Any]] = [
    {},
    {"category": "kitchen"},
    {"query": "mug"},
    {"query": "mug kitchen"},
    {"query": "wi fi"},
    {"query": "wi-fi mug", "max_price": Amount(6)},
    {"max_price": Amount(6)},
    {"query": "mug", "max_price": Amount(6)},
]
CHANGES = st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=3)  # None removes one, a number adds at that time


@profile(max_examples=12)
@given(
    stable=st.lists(st.integers(0, 20), max_size=9),
    limit=st.integers(1, 4),
    which=st.sampled_from(LISTS),
    changes=st.lists(CHANGES, max_size=12),
)
def test_a_walk_meets_what_was_there_throughout_exactly_once(
    shards: None, stable: list[int], limit: int, which: dict[str, Any], changes: list[list[int | None]]
) -> None:
    renew()
    catalogue, met, after = Catalogue(), [], None
    steady = {catalogue.add(second) for second in stable}
    steps = iter(changes)

    while True:
        found, after = products.list_page(
            ProductQuery(limit=limit, q=which.get("query"), max_price=which.get("max_price")),
            after,
            category=which.get("category"),
        )
        assert len(found) <= limit
        met += [view.product_id for view in found]
        if after is None:
            break
        for change in next(steps, []):
            if change is not None:
                catalogue.add(change)
            elif catalogue.alive:
                steady.discard(catalogue.remove(len(met)))

    assert len(met) == len(set(met))
    assert steady <= set(met)


@profile(max_examples=60)
@given(position=st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=1, max_size=40))
def test_a_cursor_gives_back_its_position_and_no_other_spelling_of_it_does(aws: None, position: str) -> None:
    cursor = cursors.make(position, SCOPE)

    assert cursor is not None
    assert cursors.read(cursor, SCOPE) == position
    for other in (f"{cursor}=", f"{cursor}A", cursor[:-1], f" {cursor}", cursor.swapcase()):
        with pytest.raises(InvalidCursor):
            cursors.read(other, SCOPE)


def test_every_flipped_bit_of_a_cursor_and_every_other_list_or_caller_is_refused(aws: None) -> None:
    cursor = cursors.make("2026-11-21T00:00:00.000Z#prd_01ARZ3NDEKTSV4RRFFQ69G5FAV", SCOPE) or ""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    tampered = [
        base64.urlsafe_b64encode(raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]).decode().rstrip("=")
        for place in range(len(raw))
        for bit in range(8)
    ]
    replaced = [cursor[:place] + letter + cursor[place + 1 :] for place in range(len(cursor)) for letter in "Aa0-"]

    for wrong in {*tampered, *replaced} - {cursor}:
        with pytest.raises(InvalidCursor):
            cursors.read(wrong, SCOPE)
    for scope in (SCOPE + "usr_1", SCOPE.replace("[]\n[]", "[]\n[('q', 'mug')]"), SCOPE.replace("products", "orders")):
        with pytest.raises(InvalidCursor):
            cursors.read(cursor, scope)
