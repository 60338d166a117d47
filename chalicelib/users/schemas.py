"""What the routes about users take."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import force_setattr

from chalicelib.core.principal import Role
from chalicelib.core.reading import pasted, read_by, unpadded
from chalicelib.core.schema import LIMIT, Line, PageQuery, Schema, Text
from chalicelib.users import emails, languages, passwords
from chalicelib.users.languages import DEFAULT_LOCALE

Email = Annotated[str, read_by(emails.parse, most=1000, hint=emails.HINT, format="email")]
Password = Annotated[
    str,
    Meta(
        min_length=passwords.MIN_LENGTH,
        max_length=1000,
        description="8 to 1,000 characters",
        extra={"read": passwords.require_length},
    ),
]
# Whether it can be one is judged by `phones`, which knows the forms of all countries.
Phone = Annotated[
    str,
    Meta(
        max_length=100,
        pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)",
        description="a telephone number such as (201) 555-0123 or +44 20 7946 0958",
        extra={"read": unpadded},
    ),
]
_UNPADDED = Meta(extra={"read": unpadded})
_Part = Annotated[Line, _UNPADDED]
Locale = Annotated[str, read_by(languages.parse, most=100, hint=languages.HINT, format="bcp-47")]


class UserStatus(StrEnum):
    """Whether an account may be used."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


class EmailStatus(StrEnum):
    """Why mail to an address is not, or not all, sent; none of it is known of most."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"


class Erasure(StrEnum):
    """Where being erased stands, for as long as it is not over."""

    SCHEDULED = "scheduled"


class Address(Schema, frozen=True, kw_only=True, omit_defaults=True):
    """Where things go; which parts there must be, and in what form, is its country's affair.

    For the US these are city and postal code. Blanks around a part are no part of it. `phone_e164` is told by the shop;
    what is sent there is passed over, so that an address which was read can be sent back.
    """

    name: _Part | None = None
    company: _Part | None = None
    street: Annotated[Text, _UNPADDED]
    street2: _Part | None = None
    district: _Part | None = None
    city: _Part | None = None
    state: _Part | None = None
    postal_code: _Part | None = None
    country: Annotated[
        str, pasted(r"[A-Z]{2}", hint="a two-letter country code in capitals such as US", format="iso-3166-1")
    ]
    phone: Phone | None = None
    phone_e164: _Part | None = None

    def __post_init__(self) -> None:
        """Read every part; one of which nothing is left was not given.

        Raises `ValueError` if that is one which every address has: without it nobody could read the address again.
        """
        super().__post_init__()
        for part in self.__struct_fields__:
            force_setattr(self, part, getattr(self, part) or None)
        if not self.street or not self.country:
            message = "An address has a street and a country."
            raise ValueError(message)


Addresses = Annotated[tuple[Address, ...], Meta(max_length=10)]


class Registration(Schema, frozen=True, kw_only=True):
    """The body of `POST /auth/register`."""

    email: Email
    password: Password
    first_name: Text
    last_name: Text
    locale: Locale = DEFAULT_LOCALE


class NewUser(Schema, frozen=True, kw_only=True):
    """The body of `POST /users`; without a password the user is invited by email to choose one."""

    email: Email
    first_name: Text
    last_name: Text
    password: Password | None = None
    phone: Phone | None = None
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, max_length=2)] = (Role.CUSTOMER,)
    locale: Locale = DEFAULT_LOCALE


class ProfileChange(Schema, frozen=True, kw_only=True):
    """The body of `PATCH /users/{userId}` and `PUT /users/profile`: what is left out stays."""

    email: Email | UnsetType = UNSET
    first_name: Text | UnsetType = UNSET
    last_name: Text | UnsetType = UNSET
    phone: Phone | UnsetType | None = UNSET
    addresses: Addresses | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    cart_reminders: bool | UnsetType = UNSET


class Profile(ProfileChange, frozen=True, kw_only=True):
    """The body of `PUT /users/{userId}`: names must be given, phone and addresses left out are removed.

    The rest stays when it is left out: nobody is mailed again because a caller did not know the field.
    """

    first_name: Text
    last_name: Text
    phone: Phone | None = None
    addresses: Addresses = ()


class StatusChange(Schema, frozen=True, kw_only=True):
    """The body of `PUT /users/{userId}/status`."""

    status: UserStatus
    reason: Text | None = None


class RoleGrant(Schema, frozen=True, kw_only=True):
    """The body of `POST /users/{userId}/roles`."""

    role: Role


class UserQuery(PageQuery, frozen=True, kw_only=True):
    """The query of `GET /users`."""

    limit: Annotated[int, Meta(ge=1, extra_json_schema=LIMIT)] = 10
    status: UserStatus | None = None
    role: Role | None = None
    email_status: EmailStatus | None = None
