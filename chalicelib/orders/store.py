"""Orders in the table: the order among its owner's with its lines, its money in a partition of its own."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.aws import attributes, db, keys
from chalicelib.core import clock, ids, log, settings
from chalicelib.core.principal import Principal
from chalicelib.orders import books
from chalicelib.orders.errors import NoSuchOrder
from chalicelib.orders.incident_kinds import Incident, IncidentKind
from chalicelib.orders.models import Order
from chalicelib.orders.states import OrderStatus
from chalicelib.payments.models import ProviderEvent
from chalicelib.payments.returns import Dispute, DisputeStatus

_PARKED_SECONDS = 30 * 24 * 3600


class AlreadyProcessed(Exception):
    """A provider's message came again after it has had its effect."""


def create(order: Order) -> db.Write:
    """The write of a new order; its lines are in it."""
    item = {**_to_item(order), "updatedBy": order.user_id, "correlationId": log.correlation_id()}
    return db.insert(keys.order(order.user_id, order.order_id), item)


def update(before: Order, after: Order, *, actor: str) -> db.Write:
    """The write of what differs between two states of an order, or `db.Stale` when somebody changed it first (O2)."""
    was, now = _to_item(before), _to_item(after)
    changed = {name: now[name] for name in now if now[name] != was[name]}
    marks = {"version": after.version, "updatedBy": actor, "correlationId": log.correlation_id()}
    expression, values, names = attributes.assignment({**changed, **marks})
    return db.update(
        keys.order(before.user_id, before.order_id),
        expression,
        {**values, ":from": before.status, ":was": before.version},
        names={**names, "#status": "status"},
        condition="#status = :from AND #version = :was",
        otherwise=db.Stale(before.order_id),
    )


def get_by_id(order_id: str) -> Order | None:
    """An order by its id, whoever owns it; one that was placed a moment ago may not be found yet."""
    if not ids.is_valid("ord", order_id):
        return None
    page = db.query(db.GSI1, keys.order_by_id(order_id), limit=1)
    return get_owned(page.items[0]["userId"], order_id) if page.items else None


def get_visible(order_id: str, to: Principal) -> Order:
    """An order that its owner or an admin asks for; anybody else's is `NoSuchOrder` (O4)."""
    found = get_owned(to.user_id, order_id)
    if found is None and to.is_admin:
        found = get_by_id(order_id)
    if found is None:
        raise NoSuchOrder("There is no such order.")
    return found


def get_owned(user_id: str, order_id: str) -> Order | None:
    """A user's own order, up to date."""
    if not ids.is_valid("ord", order_id):
        return None
    item = db.get(keys.order(user_id, order_id), consistent=True)
    return _from_item(item) if item else None


def list_of_user(
    user_id: str, *, limit: int, after: str | None, consistent: bool = False
) -> tuple[list[Order], str | None]:
    """A page of a user's orders, newest first."""
    pk = keys.order(user_id, "").pk
    return _page(
        db.query(
            db.TABLE, pk, prefix=keys.ORDER_PREFIX, limit=limit, after=after, newest_first=True, consistent=consistent
        )
    )


def list_by_status(
    status: OrderStatus | None, *, limit: int, after: str | None, since: str = ""
) -> tuple[list[Order], str | None]:
    """A page of everybody's orders in one status or in any, newest first, one round trip a partition.

    `after` and `since` are places in the index: behind the one, down to the other.
    """
    statuses = [status] if status else list(OrderStatus)
    shards = range(settings.current().index_shards)
    partitions = [keys.orders_by_status(each, shard) for each in statuses for shard in shards]
    return _page(db.query_shards(db.GSI2, partitions, limit=limit, after=after, since=since))


def list_pending(*, before: str, after: str | None, limit: int) -> tuple[list[Order], str | None]:
    """A page of the orders placed before an instant that are neither paid nor given up, newest first."""
    shards = range(settings.current().index_shards)
    partitions = [keys.orders_by_status(OrderStatus.PENDING, shard) for shard in shards]
    return _page(db.query_shards(db.GSI2, partitions, limit=limit, after=after or keys.order_time(before)))


def note_late_payment(order: Order) -> list[db.Write]:
    """The write by which a day finds money that came for an order long after it; none for money that was prompt."""
    at = books.sold_at(order)
    if at is None or not books.came_late(order):
        return []
    shard = ids.shard(order.order_id, settings.current().index_shards)
    index = {"GSI2PK": keys.late_payments(shard), "GSI2SK": f"{at}#{order.order_id}"}
    return [db.put(keys.late_payment(order.order_id), {"orderId": order.order_id, "userId": order.user_id, **index})]


def note_loss(order: Order, dispute: Dispute) -> list[db.Write]:
    """The write by which a day finds what a dispute has cost, once; none while it has cost nothing."""
    if dispute.status is not DisputeStatus.LOST or not dispute.amount:
        return []
    shard = ids.shard(order.order_id, settings.current().index_shards)
    index = {"GSI2PK": keys.losses(shard), "GSI2SK": f"{order.updated_at}#{dispute.dispute_id}"}
    return [db.insert(keys.loss(order.order_id, dispute.dispute_id), {**msgspec.to_builtins(dispute), **index})]


def list_lost(*, since: str, until: str, after: str | None, limit: int) -> tuple[list[Dispute], str | None]:
    """A page of the disputes of all orders that were lost between two instants, newest first."""
    partitions = [keys.losses(shard) for shard in range(settings.current().index_shards)]
    page = db.query_shards(db.GSI2, partitions, limit=limit, after=after or until, since=since)
    return [msgspec.convert(item, Dispute) for item in page.items], page.after


def list_paid_late(*, since: str, until: str, after: str | None, limit: int) -> tuple[list[Order], str | None]:
    """A page of the orders whose money came between two instants and long after them, newest first."""
    partitions = [keys.late_payments(shard) for shard in range(settings.current().index_shards)]
    page = db.query_shards(db.GSI2, partitions, limit=limit, after=after or until, since=since)
    places = [keys.order(item["userId"], item["orderId"]) for item in page.items]
    return [_from_item(item) for item in db.get_many(places, consistent=True).values()], page.after


def park(event: ProviderEvent) -> db.Write:
    """The write that keeps a message about an order that is not known, for the schedule to try again (P5)."""
    now = clock.timestamp()
    index = {"GSI2PK": _parked(event, given_up=False), "GSI2SK": f"{now}#{event.event_id}"}
    item = {"event": msgspec.to_builtins(event), "parkedAt": now, "expiresAt": clock.epoch() + _PARKED_SECONDS}
    return db.put(keys.parked_event(event.event_id), {**item, **index})


def list_parked(*, limit: int, given_up: bool = False) -> list[tuple[ProviderEvent, str]]:
    """Messages about orders that were not known when they came, and when that was: those that are tried, or not."""
    partitions = [keys.parked_events(shard, given_up=given_up) for shard in range(settings.current().index_shards)]
    pages = [db.query(db.GSI2, partition, limit=limit) for partition in partitions]
    return [(msgspec.convert(i["event"], ProviderEvent), i["parkedAt"]) for page in pages for i in page.items]


def give_up(event: ProviderEvent) -> db.Write:
    """The write that takes a parked message out of the schedule; people look at it."""
    given_up = {":given_up": _parked(event, given_up=True)}
    return db.update(keys.parked_event(event.event_id), "SET GSI2PK = :given_up", given_up)


def unpark(event: ProviderEvent) -> db.Write:
    """The write that forgets a parked message."""
    return db.delete(keys.parked_event(event.event_id))


def record_processed(event: ProviderEvent) -> db.Write:
    """The write that notes that a message has had its effect, or `AlreadyProcessed` (P5)."""
    item = {"expiresAt": clock.epoch() + _PARKED_SECONDS}
    return db.insert(
        keys.effect(f"webhook-{event.event_id}", "settled"), item, otherwise=AlreadyProcessed(event.event_id)
    )


def report(order_id: str, kind: IncidentKind, subject: str = "", /, **facts: Any) -> db.Write:
    """The write of something that only people can put right; reported once under each name."""
    incident = Incident(order_id=order_id, name=kind.named(subject), facts=facts, at=clock.timestamp())
    item = {**msgspec.to_builtins(incident), **incident_index(incident)}
    return db.insert(keys.incident(order_id, incident.name), item)


def list_incidents(*, limit: int, after: str | None) -> tuple[list[Incident], str | None]:
    """A page of the incidents of all orders, newest first, one round trip a shard."""
    partitions = [keys.incidents(shard) for shard in range(settings.current().index_shards)]
    page = db.query_shards(db.GSI2, partitions, limit=limit, after=after)
    return [msgspec.convert(item, Incident) for item in page.items], page.after


def incident_index(incident: Incident) -> dict[str, str]:
    """Where an incident stands in the list of all."""
    shard = ids.shard(incident.order_id, settings.current().index_shards)
    place = f"{incident.at}#{incident.order_id}#{incident.name}"
    return {"GSI2PK": keys.incidents(shard), "GSI2SK": place}


def _parked(event: ProviderEvent, *, given_up: bool) -> str:
    return keys.parked_events(ids.shard(event.event_id, settings.current().index_shards), given_up=given_up)


def _page(page: db.Page) -> tuple[list[Order], str | None]:
    return [_from_item(item) for item in page.items], page.after


def _to_item(order: Order) -> dict[str, Any]:
    return {**msgspec.to_builtins(order), **_index(order)}


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
