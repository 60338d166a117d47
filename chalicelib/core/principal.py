"""Who is calling: a principal and its roles."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from chalicelib.core.errors import NotFound


class Role(StrEnum):
    """What a user may be; a user can be both."""

    CUSTOMER = "customer"
    ADMIN = "admin"


class Principal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who is calling, as a valid access token says."""

    user_id: str
    email: str
    roles: tuple[Role, ...]
    session_id: str

    @property
    def is_admin(self) -> bool:
        """May this caller run the shop?"""
        return Role.ADMIN in self.roles

    @property
    def role(self) -> Role:
        """The strongest of the roles."""
        return Role.ADMIN if self.is_admin else Role.CUSTOMER


def parse_role(name: str) -> Role:
    """The role of that name in a path, or `NotFound`."""
    try:
        return Role(name)
    except ValueError:
        raise NotFound(f"There is no such role; there are {', '.join(Role)}.") from None
