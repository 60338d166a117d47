"""Which problem codes each route may answer: what follows from how it is declared, and what it says itself.

A test holds what is said here to every answer that any other test gets.
"""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.api.permissions import Audience
from chalicelib.core import schema
from tools.contract.routes import Route

# Of any route: what nobody can read, what nobody expected, and what the gateway says before the app hears of it.
EVERYWHERE = (
    "validation_failed", "not_acceptable", "unsupported_media_type", "payload_too_large", "too_many_requests",
    "internal_error", "temporarily_unavailable", "gateway_timeout",
)  # fmt: skip
_TOKEN = ("unauthorized", "invalid_token")
_REPEATABLE = ("idempotency_key_reused", "idempotency_key_in_use", "request_in_progress")
_USER_CHANGE = ("user_not_found", "invalid_transition", "erasure_scheduled")
_ORDER = ("order_not_found",)
_COUPON = ("coupon_not_found", "coupon_changed")
_PRODUCT = ("product_not_found",)
_PRODUCT_CHANGE = (*_PRODUCT, "product_changed", "precondition_required", "sku_is_final")
_WEBHOOK = ("webhook_not_found",)
_LOGIN = ("bad_credentials", "too_many_attempts")
_PROFILE_CHANGE = (*_USER_CHANGE, "email_taken", "user_changed")

OWN: dict[str, tuple[str, ...]] = {
    "get_problem_code": ("not_found",),
    "get_health": ("unhealthy",),
    "register": ("email_taken",),
    "login": _LOGIN,
    "create_session": _LOGIN,
    "refresh": ("invalid_token", "token_reuse_detected"),
    "reset_password": ("invalid_one_time_token",),
    "verify_email": ("invalid_one_time_token", "email_taken"),
    "get_session": ("session_not_found",),
    "revoke_session": ("session_not_found",),
    "get_me": ("user_not_found",),
    "get_profile": ("user_not_found",),
    "update_profile": _PROFILE_CHANGE,
    "erase_profile": ("admin_role_held", *_USER_CHANGE),
    "revoke_erasure": _USER_CHANGE,
    "export_profile": ("user_not_found",),
    "change_password": ("wrong_password", *_USER_CHANGE),
    "create_user": ("email_taken",),
    "get_user": ("user_not_found",),
    "replace_user": _PROFILE_CHANGE,
    "update_user": _PROFILE_CHANGE,
    "delete_user": ("last_admin", *_USER_CHANGE),
    "erase_user": ("last_admin", *_USER_CHANGE),
    "set_user_status": ("last_admin", *_USER_CHANGE),
    "grant_role": _USER_CHANGE,
    "withdraw_role": ("last_admin", "not_found", *_USER_CHANGE),
    "list_history": ("user_not_found",),
    "create_product": ("sku_taken",),
    "get_product": _PRODUCT,
    "replace_product": _PRODUCT_CHANGE,
    "update_product": _PRODUCT_CHANGE,
    "delete_product": (*_PRODUCT, "product_changed"),
    "adjust_stock": (*_PRODUCT, "insufficient_stock"),
    "list_stock_movements": _PRODUCT,
    "request_image": _PRODUCT,
    "confirm_image": (*_PRODUCT, "image_not_uploaded", "not_an_image"),
    "get_managed_product": _PRODUCT,
    "get_cart": ("cart_not_found",),
    "clear_cart": ("cart_not_found",),
    "add_to_cart": (
        "cart_not_found", "product_not_found", "insufficient_stock", "cart_currency_mismatch", "too_many_items",
    ),
    "update_cart_item": (
        "cart_not_found", "cart_item_not_found", "product_not_found", "insufficient_stock", "cart_currency_mismatch",
    ),
    "remove_cart_item": ("cart_not_found", "cart_item_not_found"),
    "check_cart_coupon": ("cart_not_found", "coupon_invalid", "cart_currency_mismatch"),
    "create_coupon": ("coupon_exists",),
    "get_coupon": ("coupon_not_found",),
    "update_coupon": _COUPON,
    "delete_coupon": _COUPON,
    "place_order": (
        "payment_declined", "product_not_found", "cart_changed", "cart_currency_mismatch", "insufficient_stock",
        "coupon_invalid", "coupon_exhausted", "erasure_scheduled", "amount_not_payable", "empty_cart",
        "too_many_items", "total_too_large", "shipping_unavailable", "order_not_found", "payment_outcome_unknown",
    ),
    "get_order": _ORDER,
    "get_order_status": _ORDER,
    "cancel_order": (*_ORDER, "invalid_transition", "payment_outcome_unknown"),
    "update_order_status": (*_ORDER, "invalid_transition", "payment_outcome_unknown", "shipping_held"),
    "refund_order": (
        *_ORDER, "order_not_paid", "refund_exceeds_payment", "refund_failed", "nothing_to_refund",
        "amount_not_payable", "payment_outcome_unknown",
    ),
    "list_refunds": _ORDER,
    "receive_payment_webhook": ("invalid_signature", "unreadable_event"),
    "create_webhook": ("too_many_webhooks",),
    "get_webhook": _WEBHOOK,
    "update_webhook": (*_WEBHOOK, "webhook_changed"),
    "delete_webhook": (*_WEBHOOK, "webhook_changed"),
    "rotate_webhook_secret": (*_WEBHOOK, "too_many_secrets"),
    "test_webhook": (*_WEBHOOK, "webhook_not_active"),
    "list_webhook_deliveries": _WEBHOOK,
    "retry_webhook_delivery": (
        *_WEBHOOK, "delivery_not_found", "delivery_in_progress", "webhook_not_active",
    ),
}  # fmt: skip


def of(route: Route) -> list[str]:
    """Every code that a route may answer with, in the order of the alphabet."""
    return sorted({*_implied(route), *OWN.get(route.name, ())})


def _implied(route: Route) -> Iterator[str]:
    """The codes that follow from how a route is declared."""
    yield from EVERYWHERE
    if route.audience is not Audience.PUBLIC:
        yield from _TOKEN
    if route.audience in (Audience.ADMIN, Audience.SELF):
        yield "forbidden"
    if route.contract.takes is not bytes and route.method not in ("GET", "HEAD"):
        yield "invalid_json"
        if route.method == "POST":  # a key is read wherever one may stand
            yield "invalid_idempotency_key"
    if route.is_repeatable:
        yield from _REPEATABLE
    if issubclass(route.contract.query, schema.PageQuery):
        yield "invalid_cursor"
