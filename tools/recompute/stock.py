"""The stock that lists show, which stands in the product's item, a moment behind the stock item that sells."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from chalicelib.aws import db, keys
from tools.recompute.run import Run, as_read

KIND = "stock in lists"
_SHOWN = ("stock", "stockVersion")


def recompute(run: Run) -> None:
    """Show what the stock items say."""
    suspects = run.sift(KIND, run.products, _wrong)
    run.settle(KIND, suspects, partial(_settle, run))


def _wrong(product_ids: list[str]) -> list[str]:
    wanted = [key for each in product_ids for key in _keys(each)]
    items = db.get_many(wanted, consistent=True)
    return [each for each in product_ids if _is_wrong(each, items)]


def _settle(run: Run, product_id: str) -> None:
    if db.retry_on_conflict(partial(_repair, product_id, for_good=run.repairs)):
        run.differs(KIND, product_id)


def _repair(product_id: str, *, for_good: bool) -> bool:
    """Tell whether the shown stock was wrong, and show the right one for good, if nothing was sold meanwhile.

    That none was makes it safe for the stream: its records of what is sold later are newer than what is shown then.
    """
    about, stock = _keys(product_id)
    items = db.get_many((about, stock), consistent=True)
    if not _is_wrong(product_id, items):
        return False
    if for_good:
        units, version = (items[stock][name] for name in _SHOWN)
        seen = as_read(items[about], ("productId", *_SHOWN))
        values = {":stock": units, ":version": version, **seen.pop("values")}
        sold = db.Stale(product_id)
        db.commit(
            db.update(about, "SET #stock = :stock, #stockVersion = :version", values, **seen),
            db.check(stock, "stockVersion = :version", {":version": version}, otherwise=sold),
        )
    return True


def _is_wrong(product_id: str, items: Mapping[keys.Key, db.Item]) -> bool:
    """Is another number shown than there is, or is one shown as newer, which no sale could ever change?

    An older version with the right number is right: so stands a product whose item an import has completed.
    """
    about, stock = (items.get(key) for key in _keys(product_id))
    if about is None or stock is None:
        return False
    version = about.get("stockVersion", 0)
    is_ahead = not isinstance(version, int) or version > stock["stockVersion"]
    return is_ahead or about.get("stock") != stock["stock"]


def _keys(product_id: str) -> tuple[keys.Key, keys.Key]:
    return keys.product(product_id), keys.stock(product_id)
