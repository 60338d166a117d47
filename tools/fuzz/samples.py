"""What each route would take: a body and a query that fit, with names of the world in braces."""

from __future__ import annotations

from typing import Any

from tools.testing.shop import ADDRESS, PASSWORD

_NAMES = {"firstName": "Ada", "lastName": "Lovelace"}
_LOGIN = {"email": "{email}", "password": PASSWORD}
_TERMS = {"kind": "fixed", "amount": 5, "currency": "USD", "minimumSubtotal": 20}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/auth/register"): {"email": "{fresh}@example.com", "password": PASSWORD, **_NAMES, "locale": "en-US"},
    ("POST", "/auth/login"): {**_LOGIN, "cartToken": "{cart_token}"},
    ("POST", "/auth/refresh"): {"refreshToken": "made up"},
    ("POST", "/auth/password/forgot"): {"email": "{email}"},
    ("POST", "/auth/password/reset"): {"token": "made up", "password": PASSWORD},
    ("POST", "/auth/verify"): {"token": "made up"},
    ("POST", "/sessions"): _LOGIN,
    ("PUT", "/users/profile"): {**_NAMES, "phone": "+1 555 0100", "addresses": [ADDRESS], "locale": "de"},
    ("PUT", "/users/password"): {"oldPassword": "not this one", "newPassword": PASSWORD},
    ("POST", "/users"): {"email": "{fresh}@example.com", **_NAMES, "roles": ["customer"]},
    ("PUT", "/users/{user_id}"): {**_NAMES, "phone": "+49 30 123456", "addresses": [ADDRESS]},
    ("PATCH", "/users/{user_id}"): {"firstName": "Augusta", "locale": "pt-BR", "cartReminders": False},
    ("PUT", "/users/{user_id}/status"): {"status": "active"},
    ("POST", "/users/{user_id}/roles"): {"role": "customer"},
    ("POST", "/products"): {
        "name": "Strange mug", "price": 12.5, "category": "fuzz", "description": "Of clay.", "currency": "USD",
        "stock": 1000, "isActive": True, "sku": "FUZZ-{fresh}",
    },
    ("PUT", "/products/{product_id}"): {"name": "Strange cup", "price": 9.99, "category": "fuzz",
    "description": "Cup."}, ("PATCH", "/products/{product_id}"): {"name": "Strange cup", "price": 8},
    ("POST", "/products/{product_id}/stock"): {"delta": 5, "reason": "found"},
    ("POST", "/products/{product_id}/images"): {"contentType": "image/png"},
    ("POST", "/cart/items"): {"productId": "{product_id}", "quantity": 1},
    ("PUT", "/cart/items/{item_id}"): {"quantity": 2},
    ("POST", "/cart/coupon"): {"code": "{code}"},
    ("POST", "/coupons"): {
        "code": "F{fresh}", **_TERMS, "validFrom": "2026-01-01T00:00:00Z", "validUntil": "2036-01-01", "totalLimit": 9,
        "perUserLimit": 1, "isActive": True,
    },
    ("PATCH", "/coupons/{code}"): {"minimumSubtotal": None, "perUserLimit": 3},
    ("POST", "/orders"): {
        "items": [{"productId": "{product_id}", "quantity": 1}], "shippingAddress": ADDRESS, "billingAddress": ADDRESS,
        "paymentMethod": {"type": "card", "token": "tok_success"}, "note": "Ring twice.", "expectedTotal": 12.5,
    },
    ("PUT", "/orders/{order_id}/status"): {"status": "shipped", "reason": "It left."},
    ("POST", "/orders/{order_id}/refunds"): {"items": [{"productId": "{product_id}", "quantity": 1}],
    "reason": "Broken"}, ("POST", "/webhooks"): {"url": "http://127.0.0.1:65535/", "events": ["order.*"],
    "isActive": False}, ("PATCH", "/webhooks/{webhook_id}"): {"description": "Warehouse"},
    ("POST", "/payments/webhook"): {"eventId": "evt_1", "type": "payment.captured", "amount": 1250},
}  # fmt: skip
_PAGE = {"limit": "5"}
QUERIES: dict[str, dict[str, str]] = {
    "/products": {**_PAGE, "category": "fuzz", "minPrice": "1", "maxPrice": "99.5", "currency": "USD",
    "inStock": "true",
                  "q": "strange mug"},
    "/products/category/{category}": {**_PAGE, "inStock": "true"},
    "/admin/products": {**_PAGE, "active": "false", "sku": "FUZZ-1"},
    "/orders": {**_PAGE, "status": "processing", "since": "2026-01-01T00:00:00+05:30", "until": "2036-01-01"},
    "/users": {**_PAGE, "status": "active", "role": "customer"},
    "/auth/logout": {"all": "false"},
}  # fmt: skip
# What ends the session or the account of whoever asks, so that the next get no further than the door.
LAST = {("POST", "/auth/logout"), ("DELETE", "/users/profile")}
