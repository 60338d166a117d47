"""Pages of products: everything, a category, or what a search finds, narrowed by price, stock and sale.

An index can order by one thing only, so what a selection leaves out is read and dropped. A page therefore reads at
most a fixed number of items, whatever there is, and may be short with more to come (H1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from chalicelib.products import search, store, words
from chalicelib.products.models import Product


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which products somebody wants to see; None where any will do. Prices are a range of minor units and a currency.

    `active` is whether they are for sale.
    """

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


Found = tuple[list[tuple[str, Product]], str | None]  # products with their places in the list, and where to go on

_ROUNDS = 4
_READ_PAGE_SIZE = 60


def find_page(
    selection: Selection, query: str | None, *, limit: int, after: str | None
) -> tuple[list[Product], str | None]:
    """At most `limit` of the wanted products, and where the next page begins, None at the end.

    Lists are newest first. A search goes by its words: exact ones before longer ones, the newest first among equals.
    """
    read = _listed(selection, limit) if query is None else _searched(words.of_query(query), selection, limit)
    found: list[tuple[str, Product]] = []
    for _ in range(_ROUNDS):
        products, after = read(after)
        found += [(place, product) for place, product in products if selection.includes(product)]
        if after is None or len(found) >= limit:
            break
    shown = found[:limit]
    return [product for _, product in shown], shown[-1][0] if len(found) > limit else after


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
        return [(store.position(product), product) for product in products], following

    return read


def _searched(terms: Sequence[str], selection: Selection, limit: int) -> Callable[[str | None], Found]:
    """Reads the search index and then at most `limit` products, in two round trips."""
    wanted = (*terms, *words.of_text(selection.category or ""))  # a category's own words are in the index, too
    is_sure = len(wanted) == 1 and not selection.is_narrow

    def read(after: str | None) -> Found:
        page = search.find_page(wanted, limit=limit if is_sure else max(limit, _READ_PAGE_SIZE), after=after)
        hits = page.items[:limit]
        following = hits[-1]["SK"] if len(page.items) > limit else page.after
        products = store.get_many(hit["productId"] for hit in hits)
        known = ((hit["SK"], products.get(hit["productId"])) for hit in hits)
        return [(place, product) for place, product in known if product and not product.deleted_at], following

    return read
