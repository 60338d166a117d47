"""A customer's hands: short calls on the app's routes, for tests that tell a story."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from chalice.test import Client

from chalicelib.core.principal import Role
from chalicelib.users import passwords
from chalicelib.users import store as user_store
from chalicelib.users.models import User
from chalicelib.users.schemas import Registration

PASSWORD = "correct horse battery"  # noqa: S105 - of accounts that last for a test
ADDRESS = {"street": "1 Main Street", "city": "Springfield", "postalCode": "12345", "country": "US"}


class Unexpected(Exception):
    """The shop answered otherwise than whoever asked relies on."""


@dataclass
class ShopAnswer:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def body(self) -> Any:
        """The JSON that came, None without any."""
        return json.loads(self.text) if self.text else None

    def expect(self, status: int) -> Any:
        """The JSON that came with that status. Raises `Unexpected` for another."""
        if self.status != status:
            raise Unexpected(f"{self.status} instead of {int(status)}: {self.text[:1000]}")
        return self.body

    @property
    def fields(self) -> set[tuple[str, str]]:
        """The faulty fields of a problem and their codes."""
        return {(error["field"], error["code"]) for error in self.body.get("errors", [])}


@dataclass
class Shop:
    """The app and the headers that every call sends."""

    client: Client
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(
        self, method: str, path: str, body: Any = None, *, raw: str | None = None, **headers: str
    ) -> ShopAnswer:
        """One request; keyword arguments become headers, `_` as `-`."""
        text = raw if raw is not None else "" if body is None else json.dumps(body)
        sent = {"Content-Type": "application/json", **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            response = self.client.http.request(method, path, headers=sent, body=text.encode())
        except Exception as error:
            if str(error) != "Unauthorized":
                raise
            return ShopAnswer(401, "", {})  # what API Gateway makes of an authorizer that raises this
        return ShopAnswer(response.status_code, (response.body or b"").decode(), dict(response.headers))

    def register(self, email: str = "ada@example.com") -> ShopAnswer:
        """Open an account with the tests' password."""
        names = {"firstName": "Ada", "lastName": "Lovelace"}
        return self("POST", "/auth/register", {"email": email, "password": PASSWORD, **names})

    def login(self, email: str = "ada@example.com") -> Shop:
        """The shop as a logged-in user sees it."""
        answer = self("POST", "/auth/login", {"email": email, "password": PASSWORD})
        return Shop(self.client, {"Authorization": f"Bearer {answer.expect(HTTPStatus.OK)['accessToken']}"})

    def customer(self, email: str = "ada@example.com") -> Shop:
        """The shop as a new customer sees it."""
        self.register(email).expect(HTTPStatus.CREATED)
        return self.login(email)

    def admin(self, email: str = "root@example.com") -> Shop:
        """The shop as an admin sees it."""
        new = Registration(email=email, password=PASSWORD, first_name="Grace", last_name="Hopper")
        user_store.create(User.create(new, passwords.hash_password(PASSWORD), [Role.ADMIN]), actor="test")
        return self.login(email)

    def product(self, **changes: Any) -> dict[str, Any]:
        """A new product, as its creation answered; called on an admin's shop."""
        product = {"name": "Mug", "price": 12.5, "category": "kitchen", "stock": 10, **changes}
        answer = self("POST", "/products", product)
        created: dict[str, Any] = answer.expect(HTTPStatus.CREATED)
        return created

    def coupon(self, code: str, **terms: Any) -> dict[str, Any]:
        """A new coupon of 10 % unless `terms` say otherwise, as its creation answered; called on an admin's shop."""
        kind = {} if "kind" in terms else {"kind": "percentage", "percent": 10}
        answer = self("POST", "/coupons", {"code": code, **kind, **terms})
        created: dict[str, Any] = answer.expect(HTTPStatus.CREATED)
        return created

    def order(self, *items: tuple[str, int], token: str = "tok_success", **more: Any) -> ShopAnswer:  # noqa: S107 - no secret
        """Order those products, or the cart."""
        headers = {name: more.pop(name) for name in list(more) if name == "Idempotency_Key"}
        body = {"shippingAddress": ADDRESS, "paymentMethod": {"type": "card", "token": token}, **more}
        if items:
            body["items"] = [{"productId": product_id, "quantity": quantity} for product_id, quantity in items]
        return self("POST", "/orders", body, **headers)

    def stock(self, product_id: str) -> int:
        """How many are left."""
        return int(self("GET", f"/products/{product_id}").body["stock"])
