"""Who is calling: the tokens of a user, or a guest's cart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from .problems import SessionEnded, code_of
from .requests import Request

CART = "X-Cart-Token"
REFRESH = "/auth/refresh"
OPENING = frozenset({"/auth/login", REFRESH, "/sessions"})
WORTHLESS = frozenset({"invalid_token", "unauthorized", ""})


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login gives: the access token for requests, the refresh token for the next pair."""

    access: str
    refresh: str


@dataclass(slots=True)
class Session:
    """What a client keeps between requests; `on_tokens` hears of every change, for whoever stores them."""

    email: str | None = None
    password: str | None = None
    tokens: Tokens | None = None
    cart_token: str | None = None
    on_tokens: Callable[[Tokens | None], None] | None = None
    ended: SessionEnded | None = None

    @property
    def access(self) -> str | None:
        """The access token."""
        return self.tokens.access if self.tokens else None

    def headers(self, request: Request, access: str | None) -> dict[str, str]:
        """What says who sends a request."""
        if request.takes_token and access:
            return {"Authorization": f"Bearer {access}"}
        if request.takes_cart and self.cart_token:
            return {CART: self.cart_token}
        return {}

    def renewal(self) -> Request | None:
        """What brings tokens: a refresh, else a login by the password that is known; None if there is neither."""
        if self.tokens:
            spent = {"refreshToken": self.tokens.refresh}
            return Request(method="POST", url=REFRESH, json=spent, repeats=True)
        if self.email is not None and self.password is not None:
            return self.login(self.email, self.password)
        return None

    def login(self, email: str, password: str) -> Request:
        """A login that takes the guest's cart along."""
        cart = {"cartToken": self.cart_token} if self.cart_token else {}
        return Request(method="POST", url="/auth/login", json={"email": email, "password": password, **cart})

    def needs_renewal(self, request: Request, access: str | None, response: httpx.Response) -> bool:
        """Was it refused only because the access token is worth nothing any more?"""
        return (
            response.status_code == HTTPStatus.UNAUTHORIZED
            and request.takes_token
            and access is not None
            and code_of(response) in WORTHLESS
        )

    def hear(self, request: Request, response: httpx.Response) -> None:
        """Take what an answer says about who is calling."""
        if not response.is_success:
            self._hear_refusal(request, response)
        elif request.method.upper() == "POST" and request.url in OPENING:
            self._adopt(response.json(), request.json)
        elif request.url == "/auth/logout":
            self._keep(None)
        elif response.headers.get(CART):
            self.cart_token = response.headers[CART]

    def _hear_refusal(self, request: Request, response: httpx.Response) -> None:
        if request.url == REFRESH and response.status_code == HTTPStatus.UNAUTHORIZED:
            self.ended = SessionEnded(response)
            self._keep(None)
        elif request.takes_cart and code_of(response) == "cart_not_found":
            self.cart_token = None

    def _adopt(self, said: dict[str, Any], sent: Any) -> None:
        if said.get("cart") and isinstance(sent, dict) and sent.get("cartToken") == self.cart_token:
            self.cart_token = None  # it has gone into the user's; else it goes with the next login
        self.ended = None
        self._keep(Tokens(said["accessToken"], said["refreshToken"]))

    def _keep(self, tokens: Tokens | None) -> None:
        self.tokens = tokens
        if self.on_tokens:
            self.on_tokens(tokens)
