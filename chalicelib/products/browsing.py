"""Pages of products: everything, a category, or what a search finds, narrowed by price, stock and sale.

An index can order by one thing only, so what a selection leaves out is read and dropped. A page therefore reads at
most a fixed number of items, whatever there is, and may be short with more to come (H1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from chalicelib.products import queries, search, store
from chalicelib.products.models import Product, id_of
from chalicelib.products.queries import Query


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which products somebody wants to see; None where any will do. Prices are a range of minor units and a currency.

    `active` is whether they are for sale.
    """

    sku: str | None = None
    category: str | None = None
    prices: tuple[int, int, str] | None = None
    in_stock: bool | None = None
    active: bool | None = True

    @property
    def is_narrow(self) -> bool:
        """May it leave out what a list holds?"""
        return self.prices is not None or self.in_stock is not None

    def includes(self, product: Product) -> bool:
        """Is it one of them?"""
        low, high, currency = self.prices or (0, product.price, product.currency)
        return (
            self.category in (None, product.category)
            and low <= product.price <= high
            and currency == product.currency
            and self.in_stock in (None, product.stock > 0)
            and self.active in (None, product.is_active)
        )


class Place(NamedTuple):
    """A product, where it stands in a list, and how far it is from what a search wants, as in `Hit`."""

    position: str
    product: Product
    distance: int = 0


Found = tuple[list[Place], str | None]  # and where to go on

_ROUNDS = 4
_READ_PAGE_SIZE = 60
_SEARCH_PAGE_SIZE = 48  # items of the index, of which so many are three read units at most as a rule


def find_page(
    selection: Selection, query: str | None, *, limit: int, after: str | None
) -> tuple[list[Product], str | None]:
    """At most `limit` of the wanted products, and where the next page begins, None at the end.

    Lists are newest first. A search goes by its words: exact ones before longer ones, the newest first among equals,
    and on each page what comes nearest to all of them first.
    """
    wanted = queries.of_text(query) if query is not None else None
    if selection.sku is not None:
        return ([] if after else _by_sku(selection.sku, selection, wanted)), None
    read = _searched(wanted, selection, limit) if wanted else _listed(selection, limit)
    found: list[Place] = []
    for _ in range(_ROUNDS):
        places, after = read(after)
        found += [place for place in places if selection.includes(place.product)]
        if after is None or len(found) >= limit:
            break
    shown = found[:limit]
    following = shown[-1].position if len(found) > limit else after
    return [place.product for place in sorted(shown, key=lambda place: place.distance)], following


def _by_sku(sku: str, selection: Selection, query: Query | None) -> list[Product]:
    """The product with that SKU, if it is wanted, in one round trip: its id follows from the SKU."""
    found = store.get_many([id_of(sku)]).values()
    known = (each for each in found if each.sku == sku and not each.deleted_at and selection.includes(each))
    return [each for each in known if query is None or search.is_found(each, query)]


def _listed(selection: Selection, limit: int) -> Callable[[str | None], Found]:
    """Reads a list: of the category where only what is for sale is wanted, else of everything."""
    if selection.category is not None and selection.active:
        partition, page_size = store.in_category(selection.category), limit
    else:
        partition = store.all_products(active=selection.active)
        page_size = limit if selection.category is None else _READ_PAGE_SIZE

    def read(after: str | None) -> Found:
        count = max(limit, _READ_PAGE_SIZE) if selection.is_narrow else page_size
        products, following = store.list_page(partition, limit=count, after=after)
        return [Place(store.position(product), product) for product in products], following

    return read


def _searched(query: Query, selection: Selection, limit: int) -> Callable[[str | None], Found]:
    """Reads the search index and then at most `limit` products, in two round trips."""
    wanted = query.narrowed(selection.category or "")  # a category's own words are in the index, too
    is_sure = wanted.is_one_word and not selection.is_narrow

    def read(after: str | None) -> Found:
        page_size = limit if is_sure else max(limit, _SEARCH_PAGE_SIZE)
        found, following = search.find_page(wanted, limit=page_size, after=after)
        hits = found[:limit]
        following = hits[-1].position if len(found) > limit else following
        products = store.get_many(hit.product_id for hit in hits)
        known = ((hit, products.get(hit.product_id)) for hit in hits)
        return [
            Place(hit.position, each, hit.distance) for hit, each in known if each and not each.deleted_at
        ], following

    return read
