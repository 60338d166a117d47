"""Orders in the table: the order among its owner's, its lines and money in a partition of its own."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib import db, ids, keys, settings
from chalicelib.access import Principal
from chalicelib.orders.models import NoSuchOrder, Order
from chalicelib.orders.states import OrderStatus


class Stale(db.ConditionFailed):
    """The order was changed by somebody else since it was read."""


def add(order: Order) -> tuple[db.Write, ...]:
    """The writes of a new order and its lines."""
    item = {**msgspec.to_builtins(order), **_index(order), "updatedBy": order.user_id}
    lines = (
        db.insert(
            keys.order_item(order.order_id, line.product_id),
            {**msgspec.to_builtins(line), "orderId": order.order_id, "createdAt": order.created_at},
        )
        for line in order.lines
    )
    return db.insert(keys.order(order.user_id, order.order_id), item), *lines


def change(before: Order, after: Order, *, actor: str) -> db.Write:
    """The write that moves an order on, or `Stale` when somebody else moved it first (O2)."""
    changed = {
        ":status": after.status,
        ":payment": after.payment_status,
        ":paymentId": after.payment_id,
        ":timeline": msgspec.to_builtins(after.timeline),
        ":updated": after.updated_at,
        ":version": after.version,
        ":index": _index(after)["GSI2PK"],
        ":actor": actor,
        ":email": after.email,
        ":address": msgspec.to_builtins(after.shipping_address),
    }
    return db.update(
        keys.order(before.user_id, before.order_id),
        "SET #status = :status, paymentStatus = :payment, paymentId = :paymentId, timeline = :timeline, "
        "updatedAt = :updated, version = :version, GSI2PK = :index, updatedBy = :actor, email = :email, "
        "shippingAddress = :address",
        {**changed, ":from": before.status, ":was": before.version},
        names={"#status": "status"},
        condition="#status = :from AND version = :was",
        otherwise=Stale(before.order_id),
    )


def visible(order_id: str, to: Principal) -> Order:
    """An order that its owner or an admin asks for; anybody else's is `NoSuchOrder` (O4)."""
    found = owned(to.user_id, order_id)
    if found is None and to.is_admin:
        page = db.query(db.GSI1, keys.order_by_id(order_id), limit=1)
        found = _from_item(page.items[0]) if page.items else None
    if found is None:
        raise NoSuchOrder("There is no such order.")
    return found


def owned(user_id: str, order_id: str) -> Order | None:
    """A user's own order, up to date."""
    if not ids.valid("ord", order_id):
        return None
    item = db.get(keys.order(user_id, order_id), consistent=True)
    return _from_item(item) if item else None


def of_user(user_id: str, *, limit: int, after: str | None, consistent: bool = False) -> tuple[list[Order], str | None]:
    """A page of a user's orders, newest first."""
    pk = keys.order(user_id, "").pk
    return _page(
        db.query(
            db.TABLE, pk, prefix=keys.ORDER_PREFIX, limit=limit, after=after, newest_first=True, consistent=consistent
        )
    )


def in_status(status: OrderStatus | None, *, limit: int, after: str | None) -> tuple[list[Order], str | None]:
    """A page of everybody's orders in one status or in any, newest first, one round trip a partition."""
    statuses = [status] if status else list(OrderStatus)
    shards = range(settings.current().index_shards)
    partitions = [keys.orders_by_status(each, shard) for each in statuses for shard in shards]
    return _page(db.query_shards(db.GSI2, partitions, limit=limit, after=after))


def pending(*, before: str, after: str | None, limit: int) -> tuple[list[Order], str | None]:
    """A page of the orders placed before an instant that are neither paid nor given up, newest first."""
    shards = range(settings.current().index_shards)
    partitions = [keys.orders_by_status(OrderStatus.PENDING, shard) for shard in shards]
    return _page(db.query_shards(db.GSI2, partitions, limit=limit, after=after or keys.order_time(before)))


def _page(page: db.Page) -> tuple[list[Order], str | None]:
    return [_from_item(item) for item in page.items], page.after


def _from_item(item: db.Item) -> Order:
    return msgspec.convert(item, Order)


def _index(order: Order) -> dict[str, Any]:
    shard = ids.shard(order.order_id, settings.current().index_shards)
    return {
        "GSI1PK": keys.order_by_id(order.order_id),
        "GSI1SK": keys.user(order.user_id).pk,
        "GSI2PK": keys.orders_by_status(order.status, shard),
        "GSI2SK": keys.order_time(order.created_at, order.order_id),
    }
