"""Who takes part in the tour, and what they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from tools.local import seed
from tools.testing.shop import ADDRESS, PASSWORD, ShopAnswer
from tools.tour.guide import Guide, Visitor
from tools.tour.surroundings import Surroundings

NOBODY = "nobodys"  # no id of anything


@dataclass
class Party:
    """The guide, the visitors, and the things that one chapter leaves to the next."""

    guide: Guide
    around: Surroundings
    guest: Visitor
    admin: Visitor
    ada: Visitor
    bob: Visitor
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def gathered(cls, guide: Guide, around: Surroundings) -> Party:
        """All of them, nobody logged in yet."""
        guest, admin, ada, bob = (guide.visitor(name) for name in ("guest", "admin", "ada", "bob"))
        return cls(guide, around, guest, admin, ada, bob)

    def address(self, name: str) -> str:
        """An e-mail address that nobody had before."""
        return f"{name}.{self.guide.run}@example.com"

    def credentials(self, name: str, password: str = PASSWORD) -> dict[str, str]:
        """What a visitor logs in with."""
        if name == self.admin.name:
            return {"email": seed.ADMIN, "password": seed.ACCOUNTS[seed.ADMIN]}
        return {"email": self.address(name), "password": password}

    def log_in(self, name: str, password: str = PASSWORD) -> Visitor:
        """The visitor with an access token."""
        body = self.guest("POST", "/auth/login", self.credentials(name, password)).body
        return self.guide.visitor(name, Authorization=f"Bearer {body['accessToken']}")

    def join(self, name: str) -> Visitor:
        """The visitor with an account, for as long as the tour takes."""
        new = {**self.credentials(name), "firstName": name.capitalize(), "lastName": "Tour"}
        self.keep_account(self.guest("POST", "/auth/register", new, gives=201).body)
        return self.log_in(name)

    def keep_account(self, user: dict[str, Any]) -> None:
        """An account was opened; in the end it goes."""
        self.guide.owe(self.admin, "DELETE", f"/users/{user['userId']}")

    def product(self, **changes: Any) -> ShopAnswer:
        """A product that the admin puts up for sale until the tour is over."""
        new = {"name": "Mug of the tour", "price": 12.5, "category": "tour", "stock": 10, **changes}
        made = self.admin("POST", "/products", new, gives=201)
        self.guide.owe(self.admin, "DELETE", f"/products/{made.body['productId']}")
        return made

    def order(
        self,
        buyer: Visitor,
        token: str = "tok_success",  # noqa: S107 - a word that the simulator knows
        *,
        gives: int = HTTPStatus.CREATED,
        code: str = "",
        key: str = "",
        **more: Any,
    ) -> ShopAnswer:
        """An order of one mug, or of what `items` says, None for the cart; cancelled in the end at the latest."""
        mug = {"items": [{"productId": self.ids["mug"], "quantity": 1}]}
        body = {**mug, "shippingAddress": ADDRESS, "paymentMethod": {"type": "card", "token": token}, **more}
        sent = {name: value for name, value in body.items() if value is not None}
        answer = buyer("POST", "/orders", sent, gives=gives, code=code, **({"Idempotency_Key": key} if key else {}))
        if gives < HTTPStatus.BAD_REQUEST:
            self.guide.owe(buyer, "PUT", f"/orders/{answer.body['orderId']}/cancel")
        return answer
