"""Who asks, and what there is to ask for: made anew now and then, since what is asked takes things away."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any

from tools.local.seed import ACCOUNTS, ADMIN
from tools.refusal import Refusal
from tools.testing.shop import ADDRESS, PASSWORD

HOST = "127.0.0.1"
PERSONAS = ("anonymous", "customer", "admin")
ANSWER_SECONDS = 60
NOBODY = "http://127.0.0.1:65535/"  # where no webhook arrives


class TooOften(Refusal):
    """The shop makes no further world for now, for so many were asked for."""


@dataclass(frozen=True)
class World:
    """Tokens by persona, and names that paths and bodies may hold."""

    tokens: dict[str, str]
    names: dict[str, str]


class Hands:
    """A well-behaved client of the shop."""

    def __init__(self, port: int, token: str = "") -> None:
        """Asks the shop on that port, as whose token it is."""
        self._port, self._token = port, token

    def __call__(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The JSON that came. Raises `TooOften` for a 429, `Refusal` for what else is none of success."""
        connection = HTTPConnection(HOST, self._port, timeout=ANSWER_SECONDS)
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self._token}"} if self._token else {}
        )
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            said = answer.read()
        except OSError as error:
            raise Refusal(f"No shop answers on port {self._port} ({error}); open one by `make run`.") from error
        finally:
            connection.close()
        if answer.status >= 300:  # noqa: PLR2004 - where success ends
            kind = TooOften if answer.status == HTTPStatus.TOO_MANY_REQUESTS else Refusal
            raise kind(f"{method} {path} was answered {answer.status}: {said[:300].decode(errors='replace')}")
        return dict(json.loads(said)) if said else {}

    def login(self, email: str, password: str) -> Hands:
        """The hands of that user."""
        return Hands(self._port, self("POST", "/auth/login", {"email": email, "password": password})["accessToken"])

    @property
    def token(self) -> str:
        """The access token."""
        return self._token


def make(port: int) -> World:
    """A new customer with an order, an admin, and one of everything that a path can name."""
    anyone, fresh = Hands(port), uuid.uuid4().hex[:12]
    email = f"fuzz.{fresh}@example.com"
    new = {"password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}
    anyone("POST", "/auth/register", {"email": email, **new})
    customer, admin = anyone.login(email, PASSWORD), anyone.login(ADMIN, ACCOUNTS[ADMIN])
    victim = admin("POST", "/users", {"email": f"victim.{fresh}@example.com", "firstName": "A", "lastName": "B"})
    names = {
        "email": email,
        "user_id": victim["userId"],
        "role": "customer",
        "category": "fuzz",
        "code": f"FUZZ{fresh}",
    }
    names |= _things(customer, admin, names["code"], fresh)
    tokens = {"anonymous": "", "customer": customer.token, "admin": admin.token}
    return World(tokens, names)


def _things(customer: Hands, admin: Hands, code: str, fresh: str) -> dict[str, str]:
    product = {"name": "Strange mug", "price": 12.5, "category": "fuzz", "stock": 1000, "sku": f"FUZZ-{fresh}"}
    mug = admin("POST", "/products", product)["productId"]
    image = admin("POST", f"/products/{mug}/images", {"contentType": "image/png"})["imageId"]
    admin("POST", "/coupons", {"code": code, "kind": "percentage", "percent": 10})
    items = [{"productId": mug, "quantity": 1}]
    payment = {"type": "card", "token": "tok_success"}
    order = customer("POST", "/orders", {"items": items, "shippingAddress": ADDRESS, "paymentMethod": payment})
    session = customer("GET", "/sessions")["sessions"][0]["sessionId"]
    hook = _hook(admin)
    delivery = admin("POST", f"/webhooks/{hook}/test")["deliveryId"]
    named = {"product_id": mug, "item_id": mug, "image_id": image, "order_id": order["orderId"]}
    return named | {"session_id": session, "webhook_id": hook, "delivery_id": delivery}


def _hook(admin: Hands) -> str:
    """A new webhook in place of those of earlier worlds, since a shop has few."""
    for each in admin("GET", "/webhooks?limit=100")["webhooks"]:
        if each["url"].startswith(NOBODY):
            admin("DELETE", f"/webhooks/{each['webhookId']}")
    return str(admin("POST", "/webhooks", {"url": NOBODY, "events": ["order.*"]})["webhookId"])
