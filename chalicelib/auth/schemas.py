"""What the routes about logging in take."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chalicelib.core.schema import Schema
from chalicelib.users.schemas import Password


class Credentials(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/login` and `POST /sessions`."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1000)]
    cart_token: Annotated[str, Meta(max_length=1000)] | None = None


class RefreshRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/refresh`."""

    refresh_token: Annotated[str, Meta(max_length=1000)]


class ForgotRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/password/forgot`."""

    email: Annotated[str, Meta(max_length=254)]


class ResetRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/password/reset`."""

    token: Annotated[str, Meta(max_length=500)]
    password: Password


class VerifyRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/verify`."""

    token: Annotated[str, Meta(max_length=500)]


class PasswordChange(Schema, frozen=True, kw_only=True):
    """The body of `PUT /users/password`."""

    old_password: Annotated[str, Meta(max_length=1000)]
    new_password: Password


class LogoutQuery(Schema, frozen=True, kw_only=True):
    """The query of `POST /auth/logout`."""

    all: bool = False
