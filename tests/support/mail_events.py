"""What the mail service tells of mail that it took over, as EventBridge hands it on."""

from __future__ import annotations

from typing import Any

from chalicelib.core import clock

Event = dict[str, Any]


def bounced(email: str, *, sent_at: str | None = None, kind: str = "Permanent", why: str = "General") -> Event:
    """Mail to an address came back."""
    bounce = {
        "bounceType": kind,
        "bounceSubType": why,
        "bouncedRecipients": [
            {
                "emailAddress": email,
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": f"smtp; 550 5.1.1 {email} is no longer with us",
            }
        ],
        "timestamp": clock.timestamp(),
        "feedbackId": "0100017c-1",
        "reportingMTA": "dns; mail.example.com",
    }
    return _event("Email Bounced", {"eventType": "Bounce", "bounce": bounce}, sent_at)


def complained(email: str, *, sent_at: str | None = None, kind: str | None = "abuse") -> Event:
    """Somebody said that mail to them is unwanted."""
    complaint = {
        "complainedRecipients": [{"emailAddress": email}],
        "timestamp": clock.timestamp(),
        "feedbackId": "0100017c-2",
        "userAgent": "Amazon SES Mailbox Simulator",
        **({"complaintFeedbackType": kind} if kind else {}),
    }
    return _event("Email Complaint Received", {"eventType": "Complaint", "complaint": complaint}, sent_at)


def rejected() -> Event:
    """The mail service did not send a mail that it had taken over."""
    return _event("Email Rejected", {"eventType": "Reject", "reject": {"reason": "Bad content"}}, None)


def _event(detail_type: str, told: dict[str, Any], sent_at: str | None, *, stage: str = "test") -> Event:
    mail = {
        "timestamp": sent_at or clock.timestamp(),
        "source": "shop@example.com",
        "sourceArn": "arn:aws:ses:us-east-1:123456789012:identity/shop@example.com",
        "sendingAccountId": "123456789012",
        "messageId": "0100017c-0",
        "destination": ["somebody@example.com"],
        "headersTruncated": False,
        "tags": {"ses:configuration-set": [f"ecommerce-{stage}"], "correlationId": ["none"]},
    }
    return {
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": detail_type,
        "source": "aws.ses",
        "account": "123456789012",
        "time": clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "us-east-1",
        "resources": ["arn:aws:ses:us-east-1:123456789012:identity/shop@example.com"],
        "detail": {**told, "mail": mail},
    }
