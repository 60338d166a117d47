"""The map of the table: which key every item lives under, and nothing else.

| item | PK | SK | GSI1 | GSI2 |
|---|---|---|---|---|
| user | USER#id | PROFILE | | USERS#shard / createdAt#id |
| address: who holds it, failed logins | EMAIL#email | LOCK | | |
| number of active admins | ADMINS | COUNT | | |
| session | USER#id | SESSION#id | | |
| audit entry | AUDIT#userId | time#event | | |
| asked for a password reset | RESET#hash of email | REQUEST | | |
| uses of a limited action | LIMIT#action#hour#hash | COUNT | | |
| cart | USER#id or GUEST#hash | CART | | |
| product | PRODUCT#id | METADATA | CATEGORY#name / createdAt#id | CATALOG#shard / createdAt#id |
| stock | PRODUCT#id | STOCK | | |
| stock movement | PRODUCT#id | MOVE#ulid | | |
| order | USER#id | ORDER#id | ORDER#id / USER#id | STATUS#status#shard / ORDER#time#id |
| order item | ORDER#id | ITEM#productId | | |
| payment attempt | ORDER#id | PAY#number | | |
| refund | ORDER#id | REFUND#id | | REFUNDS#state#shard / time#id |
| idempotency record | IDEM#scope | RECORD | | |
| effect marker | EFFECT#event | name | | |
| simulated charge | SIMULATOR#key | CHARGE | | |
| probe | HEALTH#instance | PROBE | | |
"""

from __future__ import annotations

from typing import NamedTuple


class Key(NamedTuple):
    """The primary key of one item."""

    pk: str
    sk: str


AUDIT_PREFIX = "AUDIT#"
ORDER_PREFIX = "ORDER#"
PROFILE_SK = "PROFILE"
RESET_PREFIX = "RESET#"
SESSION_PREFIX = "SESSION#"
STOCK_SK = "STOCK"


def user(user_id: str) -> Key:
    """A user's profile."""
    return Key(f"USER#{user_id}", PROFILE_SK)


def email_lock(email: str) -> Key:
    """The item whose existence makes an address taken; `email` is already folded."""
    return Key(f"EMAIL#{email}", "LOCK")


def users(shard: int) -> str:
    """GSI2: users by time of creation."""
    return f"USERS#{shard}"


def admins() -> Key:
    """How many active admins there are."""
    return Key("ADMINS", "COUNT")


def audit_entry(user_id: str, at: str, event_id: str) -> Key:
    """One line of a user's history; the same event writes the same line."""
    return Key(f"{AUDIT_PREFIX}{user_id}", f"{at}#{event_id}")


def reset_request(email_hash: str) -> Key:
    """The latest request to reset the password of an address, known or not."""
    return Key(f"{RESET_PREFIX}{email_hash}", "REQUEST")


def limit(action: str, hour: int, who_hash: str) -> Key:
    """How often somebody did something in one hour."""
    return Key(f"LIMIT#{action}#{hour}#{who_hash}", "COUNT")


def session(user_id: str, session_id: str) -> Key:
    """One login."""
    return Key(f"USER#{user_id}", f"{SESSION_PREFIX}{session_id}")


def user_cart(user_id: str) -> Key:
    """A user's cart."""
    return Key(f"USER#{user_id}", "CART")


def guest_cart(token_hash: str) -> Key:
    """The cart of whoever holds the token with this hash."""
    return Key(f"GUEST#{token_hash}", "CART")


def product(product_id: str) -> Key:
    """What a product is."""
    return Key(f"PRODUCT#{product_id}", "METADATA")


def stock(product_id: str) -> Key:
    """What a sale needs to know and change: units left, price, whether it is for sale."""
    return Key(f"PRODUCT#{product_id}", STOCK_SK)


def stock_movement(product_id: str, movement_id: str) -> Key:
    """One change of stock that no order made."""
    return Key(f"PRODUCT#{product_id}", f"MOVE#{movement_id}")


def catalogue(shard: int) -> str:
    """GSI2: every product for sale by time of creation."""
    return f"CATALOG#{shard}"


def category(name: str) -> str:
    """GSI1: the products for sale in one category."""
    return f"CATEGORY#{name}"


def order(user_id: str, order_id: str) -> Key:
    """An order, among its owner's."""
    return Key(f"USER#{user_id}", f"{ORDER_PREFIX}{order_id}")


def order_by_id(order_id: str) -> str:
    """GSI1: an order whoever owns it."""
    return f"ORDER#{order_id}"


def order_item(order_id: str, product_id: str) -> Key:
    """One line of an order."""
    return Key(f"ORDER#{order_id}", f"ITEM#{product_id}")


def orders_by_status(status: str, shard: int) -> str:
    """GSI2: orders in one status by time of creation."""
    return f"STATUS#{status}#{shard}"


def order_time(created_at: str, order_id: str = "") -> str:
    """The sort key of an order in the index by status; without an id, the bound just before that instant."""
    return f"ORDER#{created_at}#{order_id}" if order_id else f"ORDER#{created_at}"


def payment(order_id: str, attempt: int) -> Key:
    """One attempt to be paid for an order."""
    return Key(f"ORDER#{order_id}", f"PAY#{attempt:03d}")


def refund(order_id: str, refund_id: str) -> Key:
    """Money on its way back."""
    return Key(f"ORDER#{order_id}", f"REFUND#{refund_id}")


def refunds_by_state(state: str, shard: int) -> str:
    """GSI2: refunds in one state by time, so that the unfinished are found again."""
    return f"REFUNDS#{state}#{shard}"


def idempotency(scope: str) -> Key:
    """What became of one request with an Idempotency-Key."""
    return Key(f"IDEM#{scope}", "RECORD")


def effect(event_id: str, name: str) -> Key:
    """The mark that one effect of one event has happened."""
    return Key(f"EFFECT#{event_id}", name)


def simulated_charge(merchant_key: str) -> Key:
    """A row of the payment simulator's ledger."""
    return Key(f"SIMULATOR#{merchant_key}", "CHARGE")


def health_probe(instance: str) -> Key:
    """The item that one instance's health check writes, reads and deletes."""
    return Key(f"HEALTH#{instance}", "PROBE")
