"""The map of the table: which key every item lives under, and nothing else.

| item | PK | SK | GSI1 | GSI2 |
|---|---|---|---|---|
| user | USER#id | PROFILE | | USERS#shard / createdAt#id |
| user who is to be erased | USER#id | PROFILE | ERASURES#shard / askedAt#id | USERS#shard / createdAt#id |
| address: who holds it, failed logins | EMAIL#email | LOCK | | |
| number of active admins | ADMINS | COUNT | | |
| session | USER#id | SESSION#id | | |
| audit entry | AUDIT#userId | time#event | | |
| asked for a password reset | RESET#hash of email | REQUEST | | |
| uses of a limit by one caller | LIMIT#name#window#hash | COUNT | | |
| cart | USER#id or GUEST#hash | CART | | |
| user whose cart was touched in an hour | CARTWATCH#hour#shard | USER#id | | |
| product for sale | PRODUCT#id | METADATA | CATEGORY#name / createdAt#id | CATALOG#shard / createdAt#id |
| product not for sale | PRODUCT#id | METADATA | | SHELF#shard / createdAt#id |
| stock | PRODUCT#id | STOCK | | |
| stock movement | PRODUCT#id | MOVE#ulid | | |
| how a product stands in search and counts | PRODUCT#id | INDEXED | | |
| word of a product | WORD#first letters | word#rank#inverted createdAt#id | | |
| number of products of a category | CATEGORIES | name | | |
| coupon | COUPON#code | METADATA | | COUPONS#shard / createdAt#code |
| one use of it, uses of one user | COUPON#code | USE#orderId, USER#userId | | |
| order | USER#id | ORDER#id | ORDER#id / USER#id | STATUS#status#shard / ORDER#time#id |
| payment attempt | ORDER#id | PAY#number | | |
| what only people can put right | ORDER#id | INCIDENT#name | | INCIDENTS#shard / at#orderId#name |
| provider's message about an unknown order | PARKED#event | EVENT | | PARKED#shard / time#event |
| refund, in GSI2 unless it failed | ORDER#id | REFUND#id | | REFUNDS#state#shard / time to ask again or of end#id |
| dispute that was lost | ORDER#id | LOSS#dispute | | LOSS#shard / time#dispute |
| that an order's money came late | ORDER#id | LATE | | LATE#shard / time#orderId |
| report of a store audit | STOREAUDIT | time | | |
| sales of a day | SALES | day | | |
| the same before they are told | JOB#sales#day | DRAFT | | |
| how far a scheduled job has come | JOB#name | STATE | | |
| webhook endpoint, one that was deleted, number of them | WEBHOOKS | WEBHOOK#id, DELETED#id, COUNT | | |
| an endpoint's secrets | WEBHOOK#id | SECRETS | | |
| delivery to an endpoint; in GSI2 only while it is to be sent | WEBHOOK#id | DELIVERY#id | | DUE#endpoint / dueAt#id |
| idempotency record | IDEM#scope | RECORD | | |
| effect marker | EFFECT#event | name | | |
| simulated charge or refund | SIMULATOR#key | CHARGE | | |
| what the simulator was asked | SIMULATOR#key | CALL#id | | |
| probe | HEALTH#instance | PROBE | | |
"""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.core.scripts import is_unspaced


class Key(NamedTuple):
    """The primary key of one item."""

    pk: str
    sk: str


CART_SK = "CART"
FIRST_MOVEMENT = "0"  # sorts before every ULID
INCIDENT_PREFIX = "INCIDENT#"
INDEXED_SK = "INDEXED"
MOVEMENT_PREFIX = "MOVE#"
ORDER_PREFIX = "ORDER#"
PRODUCT_PREFIX = "PRODUCT#"
PRODUCT_SK = "METADATA"
PROFILE_SK = "PROFILE"
SESSION_PREFIX = "SESSION#"
STOCK_SK = "STOCK"
WORD_PREFIX = "WORD#"
_INVERTED = str.maketrans("0123456789", "9876543210")


def family(key: str) -> str:
    """What kind of thing a partition or sort key names, such as `ORDER` of `ORDER#ord_1`; also the word of a term."""
    return key.partition("#")[0]


def user(user_id: str) -> Key:
    """A user's profile."""
    return Key(f"USER#{user_id}", PROFILE_SK)


def email_lock(email: str) -> Key:
    """The item whose existence makes an address taken; `email` is already folded."""
    return Key(f"EMAIL#{email}", "LOCK")


def users(shard: int) -> str:
    """GSI2: users by time of creation."""
    return f"USERS#{shard}"


def erasures(shard: int) -> str:
    """GSI1: users who are to be erased, by when that was asked for."""
    return f"ERASURES#{shard}"


def admins() -> Key:
    """How many active admins there are."""
    return Key("ADMINS", "COUNT")


def audit_entry(user_id: str, at: str, event_id: str) -> Key:
    """One line of a user's history; the same event writes the same line."""
    return Key(f"AUDIT#{user_id}", f"{at}#{event_id}")


def reset_request(email_hash: str) -> Key:
    """The latest request to reset the password of an address, known or not."""
    return Key(f"RESET#{email_hash}", "REQUEST")


def limit(name: str, window: int, who_hash: str) -> Key:
    """How often somebody did something in one window of time."""
    return Key(f"LIMIT#{name}#{window}#{who_hash}", "COUNT")


def session(user_id: str, session_id: str) -> Key:
    """One login."""
    return Key(f"USER#{user_id}", f"{SESSION_PREFIX}{session_id}")


def user_cart(user_id: str) -> Key:
    """A user's cart."""
    return Key(f"USER#{user_id}", CART_SK)


def guest_cart(token_hash: str) -> Key:
    """The cart of whoever holds the token with this hash."""
    return Key(f"GUEST#{token_hash}", CART_SK)


def cart_watch(hour: str, shard: int, user_id: str = "") -> Key:
    """That a user's cart was touched in an hour such as `2026-11-21T13`."""
    return Key(f"CARTWATCH#{hour}#{shard}", f"USER#{user_id}")


def product(product_id: str) -> Key:
    """What a product is."""
    return Key(f"{PRODUCT_PREFIX}{product_id}", PRODUCT_SK)


def stock(product_id: str) -> Key:
    """What a sale needs to know and change: units left, price, whether it is for sale."""
    return Key(f"PRODUCT#{product_id}", STOCK_SK)


def stock_movement(product_id: str, movement_id: str) -> Key:
    """One change of stock that no order made."""
    return Key(f"PRODUCT#{product_id}", f"{MOVEMENT_PREFIX}{movement_id}")


def index_entry(product_id: str) -> Key:
    """Under which words and in which category's number a product is found at present."""
    return Key(f"PRODUCT#{product_id}", INDEXED_SK)


def words(start: str) -> str:
    """The words that begin with the same two letters as `start`; of scripts without blanks, with the same one."""
    return f"{WORD_PREFIX}{start[: 1 if is_unspaced(start[:1]) else 2]}"


def word(term: str, created_at: str, product_id: str) -> Key:
    """One word of one product, with its rank; of the same word and rank the newest product comes first."""
    inverted = created_at.translate(_INVERTED)
    return Key(words(family(term)), f"{term}#{inverted}#{product_id}")


def category_count(name: str = "") -> Key:
    """How many products of a category are for sale."""
    return Key("CATEGORIES", name)


def catalogue(shard: int) -> str:
    """GSI2: every product for sale by time of creation."""
    return f"CATALOG#{shard}"


def shelf(shard: int) -> str:
    """GSI2: every product that is not for sale but not deleted either, by time of creation."""
    return f"SHELF#{shard}"


def category(name: str) -> str:
    """GSI1: the products for sale in one category."""
    return f"CATEGORY#{name}"


def coupon(code: str) -> Key:
    """A coupon; `code` is already folded."""
    return Key(f"COUPON#{code}", "METADATA")


def coupon_use(code: str, order_id: str) -> Key:
    """One order that has used a coupon."""
    return Key(f"COUPON#{code}", f"USE#{order_id}")


def coupon_user(code: str, user_id: str) -> Key:
    """How often somebody has used a coupon."""
    return Key(f"COUPON#{code}", f"USER#{user_id}")


def coupons(shard: int) -> str:
    """GSI2: every coupon by time of creation."""
    return f"COUPONS#{shard}"


def order(user_id: str, order_id: str) -> Key:
    """An order, among its owner's."""
    return Key(f"USER#{user_id}", f"{ORDER_PREFIX}{order_id}")


def order_by_id(order_id: str) -> str:
    """GSI1: an order whoever owns it."""
    return f"ORDER#{order_id}"


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


def incident(order_id: str, name: str) -> Key:
    """Something about an order that only people can put right."""
    return Key(f"ORDER#{order_id}", f"{INCIDENT_PREFIX}{name}")


def incidents(shard: int) -> str:
    """GSI2: what only people can put right, of all orders, by when it was found."""
    return f"INCIDENTS#{shard}"


def parked_event(event_id: str) -> Key:
    """A payment provider's message about an order that is not known."""
    return Key(f"PARKED#{event_id}", "EVENT")


def parked_events(shard: int, *, given_up: bool = False) -> str:
    """GSI2: parked messages by time of arrival, those that are still tried or those that people look at."""
    return f"PARKED#GIVEN_UP#{shard}" if given_up else f"PARKED#{shard}"


def late_payment(order_id: str) -> Key:
    """That an order's money came long after the order."""
    return Key(f"ORDER#{order_id}", "LATE")


def late_payments(shard: int) -> str:
    """GSI2: orders whose money came long after them, by when it came."""
    return f"LATE#{shard}"


def loss(order_id: str, dispute_id: str) -> Key:
    """What a dispute has cost."""
    return Key(f"ORDER#{order_id}", f"LOSS#{dispute_id}")


def losses(shard: int) -> str:
    """GSI2: disputes that were lost, by when that was heard."""
    return f"LOSS#{shard}"


def refunds_by_state(state: str, shard: int) -> str:
    """GSI2: refunds in one state: pending ones by when they are to be asked for again, others by when they ended."""
    return f"REFUNDS#{state}#{shard}"


def store_report(at: str) -> Key:
    """What a store audit found."""
    return Key("STOREAUDIT", at)


def sales_report(day: str) -> Key:
    """What was sold on a day such as `2026-11-20`."""
    return Key("SALES", day)


def sales_draft(day: str) -> Key:
    """The same, from when it is computed until it is told."""
    return Key(f"JOB#sales#{day}", "DRAFT")


def job(name: str) -> Key:
    """How far a scheduled job has come."""
    return Key(f"JOB#{name}", "STATE")


def idempotency(scope: str) -> Key:
    """What became of one request with an Idempotency-Key."""
    return Key(f"IDEM#{scope}", "RECORD")


def effect(event_id: str, name: str) -> Key:
    """The mark that one effect of one event has happened."""
    return Key(f"EFFECT#{event_id}", name)


def simulated_charge(key: str) -> Key:
    """A row of the payment simulator's ledger, by merchant key or refund id."""
    return Key(f"SIMULATOR#{key}", "CHARGE")


def simulated_call(key: str, call_id: str) -> Key:
    """One time that the payment simulator was asked for something."""
    return Key(f"SIMULATOR#{key}", f"CALL#{call_id}")


def health_probe(instance: str) -> Key:
    """The item that one instance's health check writes, reads and deletes."""
    return Key(f"HEALTH#{instance}", "PROBE")


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
