"""Whether mail comes to a user, as far as the mail service told (W4)."""

from __future__ import annotations

import msgspec

from chalicelib.core import clock
from chalicelib.users.schemas import EmailStatus


class EmailMark(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the mail service told of an address: since when and, as a code of its own, why; nothing personal."""

    status: EmailStatus
    at: str
    reason: str


class Reached:
    """What follows from the mark of an address, for whoever has one."""

    __slots__ = ()

    created_at: str
    cart_reminders: bool
    email_confirmed_at: str | None
    email_mark: EmailMark | None

    @property
    def email_status(self) -> EmailStatus | None:
        """What is wrong with the address, as far as the mail service told."""
        return self.email_mark.status if self.email_mark else None

    @property
    def email_status_at(self) -> str | None:
        """Since when that is so."""
        return self.email_mark.at if self.email_mark else None

    @property
    def email_status_reason(self) -> str | None:
        """The mail service's code for why."""
        return self.email_mark.reason if self.email_mark else None

    @property
    def is_reachable(self) -> bool:
        """Is nothing known of mail to the present address that came back for good?"""
        return self.email_status is not EmailStatus.BOUNCED

    @property
    def wants_reminders(self) -> bool:
        """May mail be about a cart left behind? Whoever complained of mail, or cannot be reached, gets none."""
        return self.cart_reminders and self.email_mark is None

    def had_email_at(self, instant: str) -> bool:
        """Was a mail of that instant to the address as it is now, and not to what was confirmed or opened since?"""
        return clock.parse(instant) >= clock.parse(self.email_confirmed_at or self.created_at)
