"""The search index and the numbers of the categories: items beside the products, brought up to date by the stream.

What a product has in the index is noted in one item of its own. A refresh compares that note with the product as it
is now, never with what a stream record says, and changes both in one transaction: it may come twice, late or out of
order, and two at once exclude each other. Where one transaction cannot hold the change, the note names the old and
the new words until the last of them, so that an interrupted refresh is completed by the next.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from chalicelib.aws import db, keys
from chalicelib.products import words
from chalicelib.products.models import Product
from chalicelib.products.queries import Own, Query
from chalicelib.products.views import CategoryView

_BATCH_SIZE = 90  # writes of one transaction, beside the note and the two numbers
_RANKS = (words.NAME, words.CATEGORY, words.DESCRIPTION, words.SKU)
_NEXT_RANK = "  "  # between an item's words of one rank and the next
_IN_WALK = ">"  # between the number of a walk and the place in it; the last walk has no number


class Entry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a product stands in the index: all its terms that may be there, and the category it is counted in."""

    created_at: str = ""
    terms: tuple[str, ...] = ()
    category: str | None = None
    version: int = 0

    @classmethod
    def of(cls, product: Product | None) -> Entry:
        """How a product is to stand in the index; one that is deleted stands nowhere."""
        if product is None or product.deleted_at:
            return cls()
        found = words.of_product(product.name, product.category, product.description, product.sku)
        counted = product.category if product.is_active else None
        return cls(created_at=product.created_at, terms=found, category=counted)

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """Each term with the time that it is sorted by."""
        return frozenset((term, self.created_at) for term in self.terms)

    def is_found_like(self, other: Entry) -> bool:
        """Is a product found and counted the same by both?"""
        return (self.places, self.category) == (other.places, other.category)

    def items(self, product_id: str) -> dict[keys.Key, db.Item]:
        """The items by which a product is found, in the order of their keys."""
        item = {"productId": product_id, "words": _told(self.terms)}
        return {keys.word(*place, product_id): item for place in sorted(self.places)}


def refresh(product_id: str) -> bool:
    """Bring the index up to a product as it is now; tells whether anything had to be changed."""
    return db.retry_on_conflict(lambda: _refresh(product_id))


def get_entry(product_id: str) -> Entry:
    """How a product stands in the index at present."""
    return msgspec.convert(db.get(keys.index_entry(product_id), consistent=True) or {}, Entry)


def put_entry(product_id: str, entry: Entry, *, version: int) -> db.Write:
    """The write of the note, if it is still of that version; whoever writes words of a product writes it with them."""
    unchanged = "version = :before" if version else "attribute_not_exists(PK)"
    values = {":before": version} if version else None
    following = msgspec.structs.replace(entry, version=version + 1)
    return db.put(keys.index_entry(product_id), msgspec.to_builtins(following), condition=unchanged, values=values)


class Hit(NamedTuple):
    """A product that a search finds: where it stands in the search, and how far it is from what is wanted."""

    product_id: str
    position: str
    distance: int


def find_page(query: Query, *, limit: int, after: str | None) -> tuple[list[Hit], str | None]:
    """The products that a query finds, in one round trip; the page may be short. And where the next one begins.

    The index is walked from one beginning after the other. A product with several words of a beginning is shown under
    the first of them only, and in one walk only, so that it is met once.
    """
    walks = query.walks
    number, position = _position(after, len(walks) - 1)
    start = walks[number]
    page = db.query(db.TABLE, keys.words(start), prefix=start, limit=limit, after=position)
    following = page.after
    if number < len(walks) - 1:
        following = f"{number}{_IN_WALK}{page.after}" if page.after else f"{number + 1}{_IN_WALK}"
    mark = f"{number}{_IN_WALK}" if number < len(walks) - 1 else ""
    hits = (_hit(query, number, item) for item in page.items)
    return [hit._replace(position=mark + hit.position) for hit in hits if hit], following


def is_found(product: Product, query: Query) -> bool:
    """Does a query find that product as it is now?"""
    return query.cost(Own.of(map(words.of_term, Entry.of(product).terms))) is not None


def list_categories(*, limit: int, after: str | None) -> tuple[list[CategoryView], str | None]:
    """A page of the categories that have products for sale, by name, with how many."""
    page = db.query(db.TABLE, keys.category_count().pk, limit=limit, after=after)
    views = [CategoryView(category=item["category"], count=item["count"]) for item in page.items if item["count"]]
    return views, page.after


def _hit(query: Query, walk: int, item: db.Item) -> Hit | None:
    """What an item of the index stands for in a walk; None unless its product is shown there and under its word."""
    own, position = _read(item["words"]), item["SK"]
    place = query.place(own)
    if place is None or place[0] != walk or not position.startswith(f"{place[1]}#"):
        return None
    return Hit(item["productId"], position, query.distance(own))


def _position(after: str | None, last: int) -> tuple[int, str | None]:
    """The walk that a position is in, and where in it; one that names no walk is in the last."""
    number, mark, position = (after or "").rpartition(_IN_WALK)
    if not mark:
        return (last if after else 0), after
    return min(int(number), last), position or None


def _told(terms: tuple[str, ...]) -> str:
    """The words of these terms, parted by rank."""
    found = [words.of_term(term) for term in terms]
    by_rank = (" ".join(word for word, rank in found if rank == each) for each in _RANKS)
    return _NEXT_RANK.join(by_rank).rstrip()


def _read(text: str) -> Own:
    """The words that `_told` wrote; all are of the first rank in a text that is older than the marks."""
    found = [(rank, f" {those.strip()} ") for rank, those in zip(_RANKS, text.split(_NEXT_RANK), strict=False)]
    return Own(tuple(found[3:] + found[:3]))


def _refresh(product_id: str) -> bool:
    # The note first: whoever changes the product after this read finds the note changed, if we were faster.
    present = get_entry(product_id)
    item = db.get(keys.product(product_id), consistent=True)
    wanted = Entry.of(msgspec.convert(item, Product) if item else None)
    if present.is_found_like(wanted):
        return False
    # A product that was created anew under its old id leaves first.
    if present.terms and wanted.terms and present.created_at != wanted.created_at:
        present = _move_entry(product_id, present, Entry())
    _move_entry(product_id, present, wanted)
    return True


def _move_entry(product_id: str, present: Entry, wanted: Entry) -> Entry:
    """Commit the way from one entry to another, and give the other as it is noted."""
    version = present.version
    *earlier, last = _steps(product_id, present, wanted)
    for step in earlier:
        both = tuple(dict.fromkeys((*present.terms, *wanted.terms)))
        between = msgspec.structs.replace(present, created_at=present.created_at or wanted.created_at, terms=both)
        db.commit(*step, put_entry(product_id, between, version=version))
        version += 1
    db.commit(*last, put_entry(product_id, wanted, version=version), *_counts(present.category, wanted.category))
    return msgspec.structs.replace(wanted, version=version + 1)


def _steps(product_id: str, present: Entry, wanted: Entry) -> list[tuple[db.Write, ...]]:
    """The writes of the terms, in the portions that transactions can hold; at least one, perhaps empty."""
    rewritten = wanted.places if present.terms != wanted.terms else wanted.places - present.places
    put = {keys.word(*place, product_id) for place in rewritten}
    writes = [
        *(db.delete(keys.word(*place, product_id)) for place in sorted(present.places - wanted.places)),
        *(db.put(key, item) for key, item in wanted.items(product_id).items() if key in put),
    ]
    return [tuple(writes[at : at + _BATCH_SIZE]) for at in range(0, len(writes), _BATCH_SIZE)] or [()]


def _counts(before: str | None, after: str | None) -> list[db.Write]:
    if before == after:
        return []
    return [_add(name, delta) for name, delta in ((before, -1), (after, 1)) if name is not None]


def _add(category: str, delta: int) -> db.Write:
    values: dict[str, Any] = {":category": category, ":delta": delta, ":one": 1}
    changed = "SET category = :category ADD #count :delta, version :one"
    return db.update(keys.category_count(category), changed, values, names={"#count": "count"}, condition="")
