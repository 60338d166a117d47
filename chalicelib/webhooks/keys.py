"""Where webhooks stand in the table, whose whole map is in chalicelib/keys.py."""

from __future__ import annotations

from chalicelib.keys import Key


def webhook(webhook_id: str = "", *, is_deleted: bool = False) -> Key:
    """An endpoint that a shop has registered, or had; without an id, what the keys of all of these begin with."""
    return Key("WEBHOOKS", f"{'DELETED' if is_deleted else 'WEBHOOK'}#{webhook_id}")


def webhook_count() -> Key:
    """How many endpoints there are."""
    return Key("WEBHOOKS", "COUNT")


def webhook_secrets(webhook_id: str) -> Key:
    """What an endpoint's deliveries are signed with."""
    return Key(f"WEBHOOK#{webhook_id}", "SECRETS")


def webhook_delivery(webhook_id: str, delivery_id: str = "") -> Key:
    """One event on its way to one endpoint."""
    return Key(f"WEBHOOK#{webhook_id}", f"DELIVERY#{delivery_id}")


def due_deliveries(webhook_id: str) -> str:
    """GSI2: what is to be sent to one endpoint, by the time when it is due."""
    return f"DUE#{webhook_id}"
