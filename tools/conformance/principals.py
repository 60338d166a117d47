"""Who asks: nobody, a customer or an admin, whose accounts are made anew when a request has ended them."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import urllib3

from tools.local import seed
from tools.refusal import Refusal
from tools.testing.shop import PASSWORD


class Asker(StrEnum):
    """As whom requests are sent."""

    ANONYMOUS = "anonymous"
    CUSTOMER = "customer"
    ADMIN = "admin"


@dataclass
class Accounts:
    """Access tokens of accounts that nobody else has, in the shop at `url`."""

    url: str
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False))
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    opened: int = 0
    keeper: str = ""

    def token(self, asker: Asker) -> str:
        """A token of a new account; an admin's was made one by an admin whom no request of a run knows of."""
        email = self._register()
        if asker is Asker.ADMIN:
            user = self._call("POST", "/auth/login", {"email": email, "password": PASSWORD})["user"]["userId"]
            self._call("POST", f"/users/{user}/roles", {"role": "admin"}, self._keeper())
        return self._log_in(email, PASSWORD)

    def _register(self) -> str:
        self.opened += 1
        email = f"asker{self.opened}.{self.run}@example.com"
        new = {"email": email, "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}
        self._call("POST", "/auth/register", new)
        return email

    def _keeper(self) -> str:
        """The token of the demo admin."""
        return self._log_in(seed.ADMIN, seed.ACCOUNTS[seed.ADMIN])

    def _log_in(self, email: str, password: str) -> str:
        return str(self._call("POST", "/auth/login", {"email": email, "password": password})["accessToken"])

    def _call(self, method: str, path: str, body: Any, token: str = "") -> Any:
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        answer = self.pool.request(method, self.url + path, body=json.dumps(body).encode(), headers=headers)
        if answer.status >= 400:  # noqa: PLR2004 - where HTTP's errors begin
            raise Refusal(f"No account could be made for the run: {method} {path} answered {answer.status}.")
        return answer.json()
