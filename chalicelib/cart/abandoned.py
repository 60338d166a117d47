"""Carts left behind: who is reminded of one, once, a day after they last touched it.

Whoever hears of changes of the table notes under each hour whose cart was touched in it (`record_touch`), so a cart's
own writes cost nothing more and nothing is ever scanned. The schedule goes through the hours that have been over for a
day, each once and in order (`remind`); how far it has come is one item. It may run late, twice, or two at once, and
may die anywhere: an hour that it did not finish it goes through again, and the condition of the one write that reminds
lets nobody be reminded twice. The mail follows from that write, the cart's new `remindedAt`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

import msgspec

from chalicelib.aws import db, keys
from chalicelib.cart import store
from chalicelib.cart.models import Cart, Owner
from chalicelib.cart.views import line_view
from chalicelib.core import clock, ids, log, settings
from chalicelib.core.deadline import Deadline, OutOfTime
from chalicelib.products import store as product_store
from chalicelib.users import store as user_store
from chalicelib.users.models import User

_HOUR = 3600
_AFTER = 24  # hours that a cart is left alone
_LOOK_BACK = 7 * 24  # hours that may be caught up with
_KEPT = timedelta(days=10)
_REST = timedelta(days=7)  # between two reminders of the same cart
PAGE_SIZE = 50  # carts
_MALFORMED = (msgspec.ValidationError, KeyError, TypeError, AttributeError)


class AbandonedCart(NamedTuple):
    """A user's cart and when it was last touched, and they last reminded of it."""

    user_id: str
    cart: Cart
    updated_at: str
    reminded_at: str | None


def record_touch(user_id: str, *, updated_at: str, before: str | None) -> None:
    """Note that a user's cart was touched; `before` is when it was the last time, None for a new cart.

    Writes nothing within the same hour, and noting the same again changes nothing.
    """
    hour = _hour_of(updated_at)
    if before is not None and _hour_of(before) == hour:
        return
    shard = ids.shard(user_id, settings.current().index_shards)
    expiry = clock.epoch_of(updated_at) + int(_KEPT.total_seconds())
    db.commit(db.put(keys.cart_watch(hour, shard, user_id), {"userId": user_id, "expiresAt": expiry}))


def remind(*, at: str, seconds: float, page_size: int = PAGE_SIZE) -> dict[str, int]:
    """Remind the users whose carts were last touched a day before `at`, an instant of ISO 8601, or since the last run.

    Works for about that many seconds at most. Gives how many hours are done with, and how many users were reminded.
    """
    deadline = Deadline(seconds)
    done: Counter[str] = Counter({"hours": 0, "reminded": 0})
    try:
        for hour in _due(at):
            for left in _abandoned_in(hour, deadline, page_size):
                done["reminded"] += _remind(left)
            _finish(hour)
            done["hours"] += 1
    except OutOfTime:
        log.warning("CARTS_UNFINISHED")
    log.info("CARTS_REMINDED", **{name: str(count) for name, count in done.items()})
    return dict(done)


def _due(at: str) -> Iterator[str]:
    """The hours that were over a day before `at` and are not done with, oldest first."""
    last = clock.epoch_of(at) // _HOUR - _AFTER - 1
    state = db.get(keys.job("carts"), consistent=True)
    begun = clock.epoch_of(f"{state['lastHour']}:00:00Z") // _HOUR + 1 if state else 0
    for number in range(max(begun, last - _LOOK_BACK + 1), last + 1):
        yield _hour_of(clock.timestamp(clock.from_epoch(number * _HOUR)))


def _finish(hour: str) -> None:
    """Note that an hour is done with; where another run has come further, that stays."""
    further = "attribute_not_exists(lastHour) OR lastHour < :hour"
    try:
        db.commit(db.update(keys.job("carts"), "SET lastHour = :hour", {":hour": hour}, condition=further))
    except db.Stale:
        log.debug("CARTS_DONE_BY_ANOTHER", hour=hour)


def _abandoned_in(hour: str, deadline: Deadline, page_size: int) -> Iterator[AbandonedCart]:
    """The carts to remind of among those touched in an hour."""
    for shard in range(settings.current().index_shards):
        for page in _touched_in(keys.cart_watch(hour, shard).pk, deadline, page_size):
            yield from _abandoned_by([item["userId"] for item in page], hour)


def _touched_in(pk: str, deadline: Deadline, page_size: int) -> Iterator[list[db.Item]]:
    def read(after: str | None) -> db.Page:
        deadline.require()
        return db.query(db.TABLE, pk, limit=page_size, after=after)

    return db.pages(read)


def _abandoned_by(user_ids: list[str], hour: str) -> list[AbandonedCart]:
    """The carts to remind of among those users'; what is malformed with one costs the others no reminder."""
    try:
        return _wanted([left for left in _carts(user_ids) if _is_due(left, hour)])
    except _MALFORMED as error:
        if len(user_ids) > 1:
            return [left for user_id in user_ids for left in _abandoned_by([user_id], hour)]
        log.error("CART_MALFORMED", ofUser=user_ids[0], error=type(error).__name__)
        return []


def _carts(user_ids: Iterable[str]) -> Iterator[AbandonedCart]:
    """The users' carts as they are now."""
    owners = {user_id: Owner(key=keys.user_cart(user_id)) for user_id in user_ids}
    items = db.get_many((owner.key for owner in owners.values()), consistent=True)
    for user_id, owner in owners.items():
        if item := items.get(owner.key):
            yield AbandonedCart(user_id, store.from_item(owner, item), item["updatedAt"], item.get("remindedAt"))


def _is_due(left: AbandonedCart, hour: str) -> bool:
    """Is there something in a cart that nobody touched since that hour, nor was reminded of of late?"""
    rested = left.reminded_at is None or left.reminded_at < clock.ago(_REST)
    return bool(left.cart.lines) and _hour_of(left.updated_at) == hour and rested


def _wanted(due: list[AbandonedCart]) -> list[AbandonedCart]:
    """Those whose users want to hear of them, with something that can still be bought."""
    if not due:
        return []
    owners = user_store.get_many(left.user_id for left in due)
    listed = product_store.get_listings({product_id for left in due for product_id in left.cart.lines})

    def is_wanted(left: AbandonedCart) -> bool:
        sellable = (line_view(line, listed.get(line.product_id)).available for line in left.cart.lines.values())
        return _may_be_mailed(owners.get(left.user_id)) and any(sellable)

    return [left for left in due if is_wanted(left)]


def _may_be_mailed(user: User | None) -> bool:
    return user is not None and user.is_active and user.email_verified and user.wants_reminders


def _remind(left: AbandonedCart) -> bool:
    """Set the cart's `remindedAt`, unless it was touched or its user reminded meanwhile."""
    try:
        db.commit(store.record_reminder(left.cart.owner, updated_at=left.updated_at, reminded_at=left.reminded_at))
    except db.Stale:
        return False
    log.info("CART_REMINDER_DUE", ofUser=left.user_id)
    return True


def _hour_of(timestamp: str) -> str:
    return timestamp[:13]
