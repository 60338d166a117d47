"""Users as values, and the rules they keep."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from chalicelib import clock, ids
from chalicelib.access import Role
from chalicelib.errors import Conflict, NotFound
from chalicelib.wire import Shape, Text, View

Email = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=r"^\s*[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+\s*$",
        extra={"hint": "an email address such as ada@example.com, at most 254 characters"},
    ),
]
Password = Annotated[str, Meta(min_length=8, max_length=1000, extra={"hint": "8 to 1,000 characters"})]


class EmailTaken(Conflict):
    """Somebody has this address already."""

    code = "email_taken"


class NoSuchUser(NotFound):
    """No user has that id, or none that the caller may see."""

    code = "user_not_found"


class UserStatus(StrEnum):
    """Whether an account may be used."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


class Registration(Shape, frozen=True, kw_only=True):
    """The body of `POST /auth/register`."""

    email: Email
    password: Password
    first_name: Text
    last_name: Text


class User(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A user as stored."""

    user_id: str
    email: str
    first_name: str
    last_name: str
    roles: list[Role]
    status: UserStatus
    email_verified: bool
    password_hash: str
    session_version: int
    created_at: str
    updated_at: str

    @classmethod
    def register(cls, new: Registration, password_hash: str, *roles: Role) -> User:
        """A new active user with the given roles."""
        now = clock.timestamp()
        return cls(
            user_id=ids.new("usr"),
            email=fold(new.email),
            first_name=new.first_name.strip(),
            last_name=new.last_name.strip(),
            roles=list(roles),
            status=UserStatus.ACTIVE,
            email_verified=False,
            password_hash=password_hash,
            session_version=1,
            created_at=now,
            updated_at=now,
        )

    @property
    def is_active(self) -> bool:
        """May this user log in?"""
        return self.status is UserStatus.ACTIVE

    @property
    def role(self) -> Role:
        """The strongest of the roles."""
        return Role.ADMIN if Role.ADMIN in self.roles else Role.CUSTOMER

    def view(self) -> UserView:
        """What the API shows: never the password hash."""
        shown: dict[str, Any] = {name: getattr(self, name) for name in UserView.__struct_fields__}
        return UserView(**shown)


class UserView(View, frozen=True, kw_only=True):
    """A user as the API shows them."""

    user_id: str
    email: str
    first_name: str
    last_name: str
    role: Role
    roles: list[Role]
    status: UserStatus
    email_verified: bool
    created_at: str
    updated_at: str


def fold(email: str) -> str:
    """The one spelling under which an address is stored and compared: letter case does not matter."""
    return email.strip().lower()
