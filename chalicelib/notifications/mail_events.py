"""What the mail service tells of mail that it took over: that it came back, was complained of, or was not sent at all.

It may tell of a mail several times, late, and in any order. An address is marked by what is told first of it, so
repeating changes nothing, and only a mail that was sent to the address as it is now says anything of it (W4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.utils import parseaddr
from typing import Any

import msgspec

from chalicelib.core import clock, log, settings
from chalicelib.orders.models import SYSTEM
from chalicelib.users import service as users
from chalicelib.users.emails import to_look_up
from chalicelib.users.reach import EmailMark
from chalicelib.users.schemas import EmailStatus

SOURCE = "aws.ses"
BOUNCED, COMPLAINED, REJECTED = "Email Bounced", "Email Complaint Received", "Email Rejected"
_CODE = re.compile(r"[A-Za-z][A-Za-z-]{0,39}")


class _Recipient(msgspec.Struct, frozen=True, rename="camel"):
    email_address: str


class _Mail(msgspec.Struct, frozen=True, rename="camel"):
    message_id: str
    timestamp: str


class _Bounce(msgspec.Struct, frozen=True, rename="camel"):
    bounce_type: str
    bounced_recipients: list[_Recipient]
    timestamp: str
    bounce_sub_type: str = ""


class _Complaint(msgspec.Struct, frozen=True, rename="camel"):
    complained_recipients: list[_Recipient]
    timestamp: str
    complaint_feedback_type: str | None = None


class _Detail(msgspec.Struct, frozen=True):
    mail: _Mail
    bounce: _Bounce | None = None
    complaint: _Complaint | None = None


def pattern() -> dict[str, Any]:
    """Which events are this stage's: those of mail that was sent by its configuration set."""
    return {
        "source": [SOURCE],
        "detail-type": [BOUNCED, COMPLAINED, REJECTED],
        "detail": {"mail": {"tags": {"ses:configuration-set": [settings.mail_configuration_set()]}}},
    }


def handle(event: Mapping[str, Any]) -> dict[str, int]:
    """Mark the addresses that an event is about; how many were marked. Raises what a malformed event does."""
    detail = msgspec.convert(event["detail"], _Detail)
    kind, marks = _told(detail)
    if kind == "rejected":
        log.warning("MAIL_REJECTED", messageId=detail.mail.message_id)
    log.metric("MailReturned", Kind=kind)
    marked = sum(users.mark_email(email, mark, sent_at=detail.mail.timestamp, actor=SYSTEM) for email, mark in marks)
    log.info("MAIL_RETURNED", kind=kind, messageId=detail.mail.message_id, marked=marked)
    return {"marked": marked}


def _told(detail: _Detail) -> tuple[str, list[tuple[str, EmailMark]]]:
    """What kind of event it is, and the marks that follow: none where a later mail may come through."""
    if complaint := detail.complaint:
        mark = _mark(EmailStatus.COMPLAINED, complaint.timestamp, complaint.complaint_feedback_type)
        return "complaint", [(email, mark) for email in _addresses(complaint.complained_recipients)]
    if (bounce := detail.bounce) is None:
        return "rejected", []
    if bounce.bounce_type != "Permanent":
        return "transient", []
    mark = _mark(EmailStatus.BOUNCED, bounce.timestamp, bounce.bounce_sub_type)
    return "permanent", [(email, mark) for email in _addresses(bounce.bounced_recipients)]


def _mark(status: EmailStatus, at: str, reason: str | None) -> EmailMark:
    """A mark with a code of the service's; other words might hold what somebody's mail server says of them."""
    known = reason if reason and _CODE.fullmatch(reason) else "unknown"
    return EmailMark(status=status, at=clock.normalize(at), reason=known)


def _addresses(recipients: list[_Recipient]) -> Iterator[str]:
    """The addresses as they are kept; each may come with a name before it."""
    yield from (to_look_up(parseaddr(each.email_address)[1]) for each in recipients)
