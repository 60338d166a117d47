"""What the routes about logging in take."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chalicelib.core.reading import read_by, unpadded
from chalicelib.core.schema import Schema
from chalicelib.users.schemas import Password

# Whatever comes as one of these is looked up, so that what is none gets the same answer as what is not the right one.
GivenEmail = Annotated[str, read_by(unpadded, most=1000, words="An email address.")]
Token = Annotated[str, read_by(unpadded, most=1000, words="A token as the shop gave it.")]
CartToken = Annotated[str, read_by(unpadded, most=1000, words="The X-Cart-Token of a guest, whose cart comes along.")]
GivenPassword = Annotated[str, Meta(max_length=1000)]


class Credentials(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/login` and `POST /sessions`."""

    email: GivenEmail
    password: GivenPassword
    cart_token: CartToken | None = None


class RefreshRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/refresh`."""

    refresh_token: Token


class ForgotRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/password/forgot`."""

    email: GivenEmail


class ResetRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/password/reset`."""

    token: Token
    password: Password


class VerifyRequest(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/verify`."""

    token: Token


class PasswordChange(Schema, frozen=True, kw_only=True):
    """The body of `PUT /users/password`."""

    old_password: GivenPassword
    new_password: Password


class LogoutQuery(Schema, frozen=True, kw_only=True):
    """The query of `POST /auth/logout`."""

    all: bool = False
