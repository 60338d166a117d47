"""What the payment provider has told since an instant, heard once more: payments of orders that a restore has lost too.

The webhooks of that time have gone into the table before. Each message is taken as if it came now: one about an order
that the table has brings that order's books up to date, and has no second effect; one about another order is kept, and
is told by the audit and as an incident like any message about an order that nobody knows (P5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from chalicelib.core.errors import Unavailable
from chalicelib.orders import provider_messages
from chalicelib.payments import providers
from chalicelib.payments.models import AttemptState, ProviderEvent
from chalicelib.payments.port import NoAnswer

_MOVED = (AttemptState.CAPTURED, AttemptState.PARTIALLY_REFUNDED, AttemptState.REFUNDED, AttemptState.AUTHORIZED)


@dataclass
class Heard:
    """How many messages there were, those of money for orders that nobody knows by their keys, and why not all came."""

    count: int = 0
    silence: str | None = None
    unknown: dict[str, ProviderEvent] = field(default_factory=dict)


def hear_again(since: datetime) -> Heard:
    """Take all that the provider told since then, oldest first, as far as it answers."""
    heard = Heard()
    try:
        for event in providers.current().list_events(int(since.timestamp())):
            heard.count += 1
            if not provider_messages.take(event) and event.outcome and event.outcome.state in _MOVED:
                heard.unknown[event.merchant_key or event.event_id] = event
    except (NoAnswer, Unavailable) as error:
        heard.silence = str(error) or type(error).__name__
    return heard
