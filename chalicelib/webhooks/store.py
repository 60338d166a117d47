"""Webhooks in the table: all endpoints in one partition, and a partition for what belongs to each.

The secrets are an item of their own, so that whoever only asks who wants an event never reads one. A delivery that is
to be sent stands in an index by the time when it is due; what is done has left it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.aws import attributes, db, keys
from chalicelib.aws.keys import Key
from chalicelib.core import clock, ids, log
from chalicelib.webhooks.models import (
    Delivery,
    DeliveryInProgress,
    DeliveryState,
    TooManyWebhooks,
    Webhook,
)
from chalicelib.webhooks.signatures import Secrets

MAX_WEBHOOKS = 20
_DELETED_PAGE_SIZE = 50
_DELETED_KEPT_SECONDS = 30 * 24 * 3600


class DeletedWebhook(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An endpoint that is no more."""

    webhook_id: str
    deleted_at: str


def prepare() -> None:
    """Learn how items are read, before threads do so: msgspec 0.22 crashes when two learn the same shape at once."""
    for kind in (Delivery, Secrets):
        msgspec.json.Decoder(kind)


def create(webhook: Webhook, secrets: Secrets, *, actor: str) -> tuple[db.Write, ...]:
    """The writes of a new endpoint, or `TooManyWebhooks`."""
    full = TooManyWebhooks(f"A shop has at most {MAX_WEBHOOKS} webhooks; delete one first.")
    return (
        db.update(
            keys.webhook_count(),
            "SET webhooks = if_not_exists(webhooks, :zero) + :one",
            {":zero": 0, ":one": 1, ":most": MAX_WEBHOOKS},
            condition="attribute_not_exists(webhooks) OR webhooks < :most",
            otherwise=full,
        ),
        db.insert(keys.webhook(webhook.webhook_id), {**msgspec.to_builtins(webhook), "updatedBy": actor}),
        db.insert(keys.webhook_secrets(webhook.webhook_id), msgspec.to_builtins(secrets)),
    )


def get(webhook_id: str) -> Webhook | None:
    """An endpoint, up to date."""
    item = db.get(keys.webhook(webhook_id), consistent=True) if ids.is_valid("whk", webhook_id) else None
    return msgspec.convert(item, Webhook) if item else None


def list_page(*, limit: int, after: str | None = None, consistent: bool = False) -> tuple[list[Webhook], str | None]:
    """A page of the endpoints, newest first."""
    pk, prefix = keys.webhook()
    found = db.query(db.TABLE, pk, prefix=prefix, limit=limit, after=after, newest_first=True, consistent=consistent)
    return [msgspec.convert(item, Webhook) for item in found.items], found.after


def list_all() -> list[Webhook]:
    """All endpoints, up to date."""
    return list_page(limit=MAX_WEBHOOKS, consistent=True)[0]


def update(before: Webhook, after: Webhook, *, actor: str) -> db.Write:
    """The write that makes one state of an endpoint of another; `db.Stale` if it is in neither."""
    was, now = msgspec.to_builtins(before), msgspec.to_builtins(after)
    changes = {name: value for name, value in now.items() if was[name] != value}
    expression, values, names = attributes.assignment({**changes, "updatedBy": actor})
    return db.update(
        keys.webhook(before.webhook_id),
        expression,
        {**values, ":was": before.version},
        names=names,
        condition="#version = :was",
        otherwise=db.Stale(before.webhook_id),
    )


def delete(webhook: Webhook) -> tuple[db.Write, ...]:
    """The writes that delete an endpoint with its secrets, and note that deliveries may be left to be cancelled."""
    now = clock.timestamp()
    deleted = msgspec.to_builtins(DeletedWebhook(webhook_id=webhook.webhook_id, deleted_at=now))
    return (
        db.delete(
            keys.webhook(webhook.webhook_id),
            condition="#version = :was",
            values={":was": webhook.version},
            names={"#version": "version"},
            otherwise=db.Stale(webhook.webhook_id),
        ),
        db.delete(keys.webhook_secrets(webhook.webhook_id)),
        db.update(keys.webhook_count(), "SET webhooks = webhooks - :one", {":one": 1}),
        db.put(
            keys.webhook(webhook.webhook_id, is_deleted=True),
            {**deleted, "expiresAt": clock.epoch() + _DELETED_KEPT_SECONDS},
        ),
    )


def list_deleted() -> list[DeletedWebhook]:
    """Endpoints that were deleted and may have deliveries left, those first that were made first."""
    pk, prefix = keys.webhook(is_deleted=True)
    found = db.query(db.TABLE, pk, prefix=prefix, limit=_DELETED_PAGE_SIZE)
    return [msgspec.convert(item, DeletedWebhook) for item in found.items]


def forget(webhook_id: str) -> db.Write:
    """The write that ends looking for deliveries of an endpoint that was deleted."""
    return db.delete(keys.webhook(webhook_id, is_deleted=True))


def record_failure(webhook: Webhook, at: str) -> db.Write:
    """The write that says since when an endpoint has only failed, unless that is known."""
    changed = "SET failingSince = if_not_exists(failingSince, :at)"
    return db.update(keys.webhook(webhook.webhook_id), changed, {":at": at})


def record_success(webhook: Webhook) -> db.Write:
    """The write that says that an endpoint does not only fail."""
    return db.update(keys.webhook(webhook.webhook_id), "REMOVE failingSince", {})


def get_secrets(webhook_id: str) -> Secrets | None:
    """The secrets of an endpoint, up to date."""
    item = db.get(keys.webhook_secrets(webhook_id), consistent=True)
    return msgspec.convert(item, Secrets) if item else None


def rotate_secret(webhook_id: str, before: Secrets, after: Secrets) -> db.Write:
    """The write that replaces the secrets, or `db.Stale`."""
    item = msgspec.to_builtins(after)
    return db.put(
        keys.webhook_secrets(webhook_id),
        item,
        condition="#version = :was",
        values={":was": before.version},
        names={"#version": "version"},
        otherwise=db.Stale(webhook_id),
    )


def create_delivery(delivery: Delivery) -> db.Write:
    """The write of a new delivery; whoever commits it twice starts it anew."""
    return db.put(_key(delivery), _to_item(delivery))


def get_delivery(webhook_id: str, delivery_id: str) -> Delivery | None:
    """A delivery, up to date."""
    known = ids.is_valid("dlv", delivery_id)
    item = db.get(keys.webhook_delivery(webhook_id, delivery_id), consistent=True) if known else None
    return msgspec.convert(item, Delivery) if item else None


def list_deliveries(webhook_id: str, *, limit: int, after: str | None) -> tuple[list[Delivery], str | None]:
    """A page of an endpoint's deliveries, newest first."""
    pk, prefix = keys.webhook_delivery(webhook_id)
    found = db.query(db.TABLE, pk, prefix=prefix, limit=limit, after=after, newest_first=True)
    return [msgspec.convert(item, Delivery) for item in found.items], found.after


def list_due(webhook_id: str, *, limit: int, after: str | None = None) -> tuple[list[Delivery], str | None]:
    """A page of the deliveries to an endpoint that are due, the longest due first."""
    until = f"{clock.timestamp()}#~"  # behind every id of that instant
    found = db.query_up_to(db.GSI2, keys.due_deliveries(webhook_id), until, limit=limit, after=after)
    return [delivery for item in found.items if (delivery := _delivery(item))], found.after


def update_delivery(before: Delivery, after: Delivery) -> db.Write:
    """The write that makes one state of a delivery of another; `db.Stale` if something has happened to it since."""
    was, now = _to_item(before), _to_item(after)
    expression, values, names = attributes.assignment(_differences(was, now))
    return db.update(
        _key(before),
        expression,
        {**values, ":was": before.next_at, ":pending": DeliveryState.PENDING},
        names={**names, "#nextAt": "nextAt", "#state": "state"},
        condition="#state = :pending AND #nextAt = :was",
        otherwise=db.Stale(before.delivery_id),
    )


def restart_delivery(before: Delivery, after: Delivery) -> db.Write:
    """The write that begins a delivery anew, unless it is just being sent."""
    changes = {**_differences(_to_item(before), _to_item(after)), "state": after.state}
    expression, values, names = attributes.assignment(changes)
    busy = DeliveryInProgress("This delivery is just being sent; look at it again in two minutes.")
    return db.update(
        _key(before),
        expression,
        {**values, ":now": clock.timestamp()},
        names=names,
        condition="attribute_exists(PK) AND (attribute_not_exists(leasedUntil) OR leasedUntil <= :now)",
        otherwise=busy,
    )


def _differences(was: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    return {name: now.get(name) for name in {**was, **now} if was.get(name) != now.get(name)}


def _key(delivery: Delivery) -> Key:
    return keys.webhook_delivery(delivery.webhook_id, delivery.delivery_id)


def _to_item(delivery: Delivery) -> dict[str, Any]:
    item: dict[str, Any] = msgspec.to_builtins(delivery)
    if delivery.next_at is None:
        return item
    due = {"GSI2PK": keys.due_deliveries(delivery.webhook_id), "GSI2SK": f"{delivery.next_at}#{delivery.delivery_id}"}
    return {**item, **due}


def _delivery(item: db.Item) -> Delivery | None:
    """The delivery, or None for one that nobody can read, which waits for people and holds up no other."""
    try:
        return msgspec.convert(item, Delivery)
    except msgspec.ValidationError as error:
        log.error("DELIVERY_MALFORMED", deliveryId=item["SK"], error=type(error).__name__)
        return None
