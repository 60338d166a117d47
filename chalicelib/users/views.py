"""Users as the API shows them."""

from __future__ import annotations

from chalicelib.core.principal import Role
from chalicelib.core.schema import View
from chalicelib.users.models import User
from chalicelib.users.schemas import Address, EmailStatus, Erasure, UserStatus


class UserView(View, frozen=True, kw_only=True):
    """A user as the API shows them."""

    user_id: str
    email: str
    first_name: str
    last_name: str
    phone: str | None
    phone_e164: str | None
    addresses: tuple[Address, ...]
    locale: str
    cart_reminders: bool
    role: Role
    roles: list[Role]
    status: UserStatus
    email_verified: bool
    email_status: EmailStatus | None
    email_status_at: str | None
    email_status_reason: str | None
    pending_email: str | None
    erasure: Erasure | None
    created_at: str
    updated_at: str


def user_view(user: User) -> UserView:
    """What the API shows of a user: never the password hash."""
    return UserView.of(user)
