"""Users as values, and the rules they keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET

from chalicelib.core import clock, ids
from chalicelib.core.errors import PreconditionFailed
from chalicelib.core.principal import Role
from chalicelib.core.versioned import Versioned
from chalicelib.users import phones
from chalicelib.users.errors import ErasureScheduled, InvalidStatus, UserChanged
from chalicelib.users.languages import DEFAULT_LOCALE
from chalicelib.users.reach import EmailMark, Reached
from chalicelib.users.schemas import Address, Erasure, NewUser, ProfileChange, Registration, UserStatus

_ERASED = "@erased.invalid"
_CONFIRM_SECONDS = 7 * 24 * 3600
_PROFILE = ("first_name", "last_name", "phone", "addresses", "locale", "cart_reminders")

_FORGOTTEN_WITH_THE_ACCOUNT: dict[str, Any] = {
    "password_hash": None,
    "phone": None,
    "phone_e164": None,
    "addresses": (),
    "locale": DEFAULT_LOCALE,
    "pending_email": None,
    "email_nonce": None,
    "email_mark": None,
    "email_confirmed_at": None,
}


class User(msgspec.Struct, Versioned, Reached, frozen=True, kw_only=True, rename="camel"):
    """A user as stored.

    `version` counts changes that a reader can see; `session_version` those that ended all sessions;
    `sessions_opened` counts logins, so that a change which ends sessions notices one that began meanwhile.
    `locale` is the language of the user's mail, `cart_reminders` whether some may be about a cart left behind.
    `erasure_asked_at` is set from when the user, or an admin for them, asks that they be erased, until that is done.
    `email_mark` is of the present address, until that is confirmed anew (at `email_confirmed_at`) or another one.
    `asked_as` names the idempotency record of the request that opened the account.
    """

    noun: ClassVar[str] = "user"
    changed_error: ClassVar[type[PreconditionFailed]] = UserChanged

    user_id: str
    email: str
    first_name: str
    last_name: str
    phone: str | None = None
    phone_e164: str | None = None
    addresses: tuple[Address, ...] = ()
    locale: str = DEFAULT_LOCALE
    cart_reminders: bool = True
    roles: list[Role]
    status: UserStatus
    email_verified: bool
    pending_email: str | None = None
    email_nonce: str | None = None
    email_confirmed_at: str | None = None
    email_mark: EmailMark | None = None
    password_hash: str | None = None
    erasure_asked_at: str | None = None
    asked_as: str | None = None
    session_version: int
    sessions_opened: int = 0
    version: int
    created_at: str
    updated_at: str

    @classmethod
    def create(
        cls, new: Registration | NewUser, password_hash: str | None, roles: Iterable[Role], asked_as: str | None = None
    ) -> User:
        """A new active user whose address is still to be verified."""
        now = clock.timestamp()
        return cls(
            user_id=ids.new("usr"),
            email=new.email,
            first_name=new.first_name.strip(),
            last_name=new.last_name.strip(),
            **_reached_by(new.phone if isinstance(new, NewUser) else None),
            locale=new.locale,
            roles=sorted(set(roles)),
            status=UserStatus.ACTIVE,
            email_verified=False,
            email_nonce=_nonce(),
            password_hash=password_hash,
            asked_as=asked_as,
            session_version=1,
            version=1,
            created_at=now,
            updated_at=now,
        )

    @property
    def is_active(self) -> bool:
        """May this user log in?"""
        return self.status is UserStatus.ACTIVE

    @property
    def is_in_standing(self) -> bool:
        """May this user begin what takes its time, such as an order: active, and not about to be erased (F22)?"""
        return self.is_active and self.erasure is None

    @property
    def name(self) -> str:
        """The whole name, as it is written on a parcel."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def is_erased(self) -> bool:
        """Has it been forgotten who this user was?"""
        return self.email == self._nobodys_email

    @property
    def _nobodys_email(self) -> str:
        return f"{self.user_id.lower()}{_ERASED}"

    @property
    def erasure(self) -> Erasure | None:
        """Where being erased stands, None where nobody has asked for it or it is over."""
        return Erasure.SCHEDULED if self.erasure_asked_at and not self.is_erased else None

    @property
    def is_acting_admin(self) -> bool:
        """Does this user count among those who can run the shop?"""
        return self.is_active and Role.ADMIN in self.roles

    @property
    def role(self) -> Role:
        """The strongest of the roles."""
        return Role.ADMIN if Role.ADMIN in self.roles else Role.CUSTOMER

    @property
    def has_trusted_password(self) -> bool:
        """Is there a password that nobody can have set but who holds the address, or who runs the shop?"""
        return self.password_hash is not None and (self.email_verified or self.is_acting_admin)

    def asks_to_confirm(self, before: User) -> bool:
        """Does a change ask for a mail to another address, or to one again that mail came back from?"""
        is_new = self.pending_email is not None and self.pending_email != before.pending_email
        return is_new or (not self.is_reachable and self.email_nonce not in (None, before.email_nonce))

    @property
    def may_confirm_email(self) -> bool:
        """Is an address waiting for its confirmation, and not for too long?"""
        return self.email_nonce is not None and int(self.email_nonce.split(".")[0]) > clock.epoch()

    @property
    def unconfirmed_email(self) -> str:
        """The address that a confirmation is about."""
        return self.pending_email or self.email

    def with_profile(self, change: ProfileChange) -> User:
        """The user with what the change names of the profile; a new email waits for its confirmation (W3).

        Asking for the present email withdraws a change that waits; where mail came back from it, it is to be confirmed
        anew.
        """
        self._require_existing()
        changed = {name: value for name, value in change.given().items() if name in _PROFILE}
        if {"phone", "addresses"} & set(changed):
            changed |= _reached_by(changed.get("phone", self.phone), changed.get("addresses", self.addresses))
        wanted = self.unconfirmed_email if change.email is UNSET else change.email
        if wanted == self.email and self.pending_email:
            changed |= self._without_pending_email()
        elif change.email == self.email and not self.is_reachable:
            changed |= {"email_nonce": _nonce()}
        elif wanted != self.unconfirmed_email:
            changed |= {"pending_email": wanted, "email_nonce": _nonce()}
        return self._changed(**changed) if changed else self

    def with_confirmed_email(self) -> User:
        """The user after the holder of the address has confirmed it; a changed address ends all sessions."""
        confirmed: dict[str, Any] = {
            "email_verified": True, "email_nonce": None, "email_confirmed_at": clock.timestamp(), "email_mark": None,
        }  # fmt: skip
        if self.pending_email is None:
            return self._changed(**confirmed)
        moved = {"email": self.pending_email, "pending_email": None}
        return self._changed(**confirmed, **moved, session_version=self.session_version + 1)

    def with_email_mark(self, mark: EmailMark) -> User:
        """The user with what is told of their address; the first to be told stays, and that mail came back over all."""
        if not self.is_reachable or self.email_status is mark.status or self.is_erased:
            return self
        return self._changed(email_mark=mark)

    def with_password(self, password_hash: str) -> User:
        """The user with a new password; ends sessions (A3)."""
        return self._logged_out(password_hash=password_hash)

    def with_sessions_ended(self) -> User:
        """The same user, logged out everywhere."""
        return self._logged_out()

    def with_roles(self, roles: set[Role]) -> User:
        """The user with other roles; ends all sessions, or is the same user if nothing changes."""
        self._require_existing()
        return self if set(self.roles) == roles else self._logged_out(roles=sorted(roles))

    def as_admin(self, password_hash: str | None) -> User:
        """The user with the admin role as well; a password that is not to be trusted gives way to the one given.

        Ends all sessions, or is the same user if nothing changes. Raises `InvalidStatus` and `ErasureScheduled`.
        """
        if not self.is_active:
            raise InvalidStatus(f"This account is {self.status}; enable it first, or take another address.")
        if self.erasure:
            raise ErasureScheduled("This account is about to be erased; let its owner revoke that first.")
        if self.has_trusted_password:
            return self.with_roles({*self.roles, Role.ADMIN})
        roles = sorted({*self.roles, Role.ADMIN})
        is_so = self.roles == roles and self.password_hash == password_hash
        return self if is_so else self._logged_out(roles=roles, password_hash=password_hash)

    def with_status(self, status: UserStatus) -> User:
        """The user in another status; deleted is final and keeps no more than names and email.

        Ends all sessions, or is the same user if nothing changes.
        """
        if status is self.status:
            return self
        self._require_existing()
        gone = _FORGOTTEN_WITH_THE_ACCOUNT if status is UserStatus.DELETED else {}
        return self._logged_out(status=status, **gone)

    def with_erasure_asked_for(self) -> User:
        """The user after somebody has asked for their erasure; the same one if that was so already."""
        return self if self.erasure_asked_at or self.is_erased else self._changed(erasure_asked_at=clock.timestamp())

    def with_erasure_revoked(self) -> User:
        """The user who stays after all; who is gone cannot come back."""
        self._require_existing()
        return self._changed(erasure_asked_at=None) if self.erasure_asked_at else self

    def erased(self) -> User:
        """What stays of a user who is erased: an id that orders can point to; the same if they are erased already."""
        if self.is_erased:
            return self
        return self._logged_out(
            **_FORGOTTEN_WITH_THE_ACCOUNT,
            status=UserStatus.DELETED,
            email=self._nobodys_email,
            first_name="erased",
            last_name="erased",
            email_verified=False,
        )

    def _require_existing(self) -> None:
        if self.status is UserStatus.DELETED:
            raise InvalidStatus("A deleted user stays as they are.", facts={"current": self.status})

    def _logged_out(self, **changes: Any) -> User:
        """A change that ends sessions also withdraws a waiting email, for whoever asked for it may be the reason."""
        withdrawn = self._without_pending_email() if self.pending_email else {}
        return self._changed(**{**withdrawn, **changes}, session_version=self.session_version + 1)

    def _without_pending_email(self) -> dict[str, Any]:
        """Only the present address is left to be confirmed, if it was not yet."""
        return {"pending_email": None, "email_nonce": None if self.email_verified else _nonce()}

    def _changed(self, **changes: Any) -> User:
        return msgspec.structs.replace(self, **changes, updated_at=clock.timestamp(), version=self.version + 1)


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who changed what and when; `changes` holds values only where they are no secret and no personal data."""

    user_id: str
    at: str
    actor: str
    action: str
    changes: dict[str, Any]
    reason: str | None = None
    correlation_id: str | None = None


def _reached_by(phone: str | None, addresses: tuple[Address, ...] = ()) -> dict[str, Any]:
    """A number as given and in E.164; one without + is taken to be of the country of the first address."""
    country = addresses[0].country if addresses else None
    return {"phone": phone or None, "phone_e164": phones.e164(phone, country) if phone else None}


def _nonce() -> str:
    """A secret that an address is confirmed with, behind the second until which it is good."""
    return f"{clock.epoch() + _CONFIRM_SECONDS}.{ids.secret()}"
