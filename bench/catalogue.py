"""A catalogue of any size: the demo shop's texts recombined, the same products in the same order every time.

Product 0 is the newest. So the catalogue of a thousand is the newest thousand of that of a hundred thousand, and what
a request reads of either is the same byte for byte, unless what it reads depends on how much there is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest import mock

from tqdm import tqdm

from chalicelib.aws import clients, db, keys
from chalicelib.core import clock, ids, settings
from chalicelib.core.money import Amount
from chalicelib.products import search
from chalicelib.products import store as product_store
from chalicelib.products.models import Product
from chalicelib.products.schemas import NewProduct
from tools import dynoxide
from tools.local import seed
from tools.testing.table import definition

ACTOR = "bench"
_NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
_APART = timedelta(minutes=1)
_RANGES = ("", "-classic", "-outlet")  # with the demo shop's seven categories, twenty-one
_SHELVED = 25  # one product in so many is not for sale
_STRIDE, _SHIFT = 37, 7  # without a common factor with the number of texts, so that all of them mix


def table() -> dict[str, Any]:
    """The table of infra/template.yaml, as CreateTable takes it."""
    return {**definition(), "TableName": settings.current().table_name}


def fill(database: Path, count: int) -> None:
    """Make a file of the engine with that many products, each as the shop itself writes it."""
    numbers = tqdm(range(count), unit=" products", desc=f"{count:,} products", disable=None)
    dynoxide.fill(database, table(), items(numbers))


def fingerprint() -> str:
    """Something else whenever a file made by `fill` would hold something else."""
    made = {"engine": dynoxide.VERSION, "table": table(), "items": list(items(range(len(_texts()))))}
    return ids.digest(json.dumps(made))[:12]


def product(number: int) -> Product:
    """The product of that number, counted from the newest."""
    texts = _texts()
    name, text = texts[number * _STRIDE % len(texts)], texts[(number * _SHIFT + number // len(texts)) % len(texts)]
    new = NewProduct(
        name=name["name"],
        description=text["description"],
        price=Amount(text["price"]),
        category=name["category"] + _RANGES[number // len(texts) % len(_RANGES)],
        stock=name["stock"],
        is_active=number % _SHELVED != _SHELVED - 1,
        sku=f"{name['sku']}-{number:06}",
    )
    with clock.fixed(_NEWEST - number * _APART):
        return Product.create(new, default_currency="USD")


def items(numbers: Iterable[int]) -> Iterator[db.Item]:
    """What the table holds after the shop has created these products and brought the search index up to them."""
    for_sale: Counter[str] = Counter()
    for number in numbers:
        new = product(number)
        for_sale.update([new.category] if new.is_active else [])
        yield from _Paper().write_for(new)
    for category, count in for_sale.items():
        counted = {"category": category, "count": count, "version": count}
        yield db.put(keys.category_count(category), counted).request["Item"]


class _Paper:
    """Takes the place of DynamoDB for one product: what the shop would send is noted instead.

    Only the number of its category is not, which products share.
    """

    def __init__(self) -> None:
        self._items: dict[keys.Key, db.Item] = {}

    def write_for(self, new: Product) -> Iterable[db.Item]:
        """All items of a new product, as the shop's own code writes them."""
        with mock.patch.object(clients, "dynamodb", return_value=self):
            db.commit(*product_store.create(new, actor=ACTOR))
            search.refresh(new.product_id)
        return self._items.values()

    def transact_write_items(self, *, TransactItems: list[Any], **_: Any) -> dict[str, Any]:  # noqa: N803 - its name
        """Note the items."""
        items = [write["Put"]["Item"] for write in TransactItems if "Put" in write]
        self._items |= {_key(item): item for item in items}
        return {}

    def get_item(self, *, Key: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803 - its name
        """The item if it was noted before."""
        found = self._items.get(_key(Key))
        return {"Item": found} if found else {}


def _key(item: db.Item) -> keys.Key:
    return keys.Key(item["PK"]["S"], item["SK"]["S"])


@lru_cache(maxsize=1)
def _texts() -> list[dict[str, Any]]:
    return [json.loads(line) for line in seed.CATALOGUE.read_text(encoding="utf-8").splitlines()]
