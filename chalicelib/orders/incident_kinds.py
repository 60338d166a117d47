"""The kinds of incidents: what each means, and what people do about it.

This is the one catalogue. The names of incidents come from it, alerts and the list for admins say its sentences, and a
test holds docs/operations.md to it. Amounts in an incident's facts are minor units.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

import msgspec


class IncidentKind(StrEnum):
    """What only people can put right, by what the name of such an incident begins with."""

    PAYMENT_AMOUNT = "payment-amount"
    REFUND_REFUSED = "refund"
    REFUND_REVERSED = "refund-reversed"
    REFUND_AMOUNT = "refund-amount"
    REFUND_FOREIGN = "refund-foreign"
    UNKNOWN_CHARGE = "unknown-charge"
    OTHER_PAYMENT = "other-payment"
    UNKNOWN_REFUND = "unknown-refund"
    UNKNOWN_ORDER = "unknown-order"

    def named(self, subject: str = "") -> str:
        """The name of an incident of this kind; `subject` tells it from others of its kind about the same order."""
        return f"{self.value}-{subject}" if subject else self.value

    @classmethod
    def of(cls, name: str) -> IncidentKind | None:
        """The kind of a name on record, the longest that fits; None for one that another version has reported."""
        fitting = [kind for kind in cls if f"{name}-".startswith(f"{kind.value}-")]
        kind = max(fitting, key=len, default=None)
        return None if kind is cls.REFUND_REFUSED and not name.startswith(f"{kind.value}-ref_") else kind


class Explanation(NamedTuple):
    """What an incident means, and what to do about it."""

    meaning: str
    advice: str


CATALOGUE: dict[IncidentKind, Explanation] = {
    IncidentKind.PAYMENT_AMOUNT: Explanation(
        meaning="The payment provider has another amount or currency for this order than the order asks for (`asked`, "
        "`said`). Nothing was settled: the order stays pending and keeps its units.",
        advice="Look the payment up at the provider. Then cancel the order as an admin (PUT /orders/{orderId}/cancel): "
        "what the provider holds is let go, and what it took goes back as it took it. If the currency is another one, "
        "the shop refuses to cancel: give the money back at the provider; the order then stays pending.",
    ),
    IncidentKind.REFUND_REFUSED: Explanation(
        meaning="The provider refused a refund (`reason`). No money went back, and the order says so: even a cancelled "
        "one stays paid.",
        advice="Find the reason at the provider. Ask again with POST /orders/{orderId}/refunds when it can succeed, or "
        "give the money back in another way; the order then still says paid.",
    ),
    IncidentKind.REFUND_REVERSED: Explanation(
        meaning="A refund that had succeeded came back to the shop's account (`amount`, `reason`): nobody could take "
        "it. The order still says that the buyer has the money.",
        advice="Agree with the buyer on another way for the money and send it there. The shop cannot refund it a "
        "second time.",
    ),
    IncidentKind.REFUND_AMOUNT: Explanation(
        meaning="The provider tells of another amount or currency for a refund than the shop asked for (`asked`, "
        "`said`). Nothing was settled: the refund stays pending, its amount set aside.",
        advice="Look the refund up at the provider. The schedule goes on asking, at least once an hour, and settles it "
        "as soon as the provider tells the amount that was asked for. If another amount really went back, the refund "
        "stays pending: settle the difference with the buyer outside the shop.",
    ),
    IncidentKind.REFUND_FOREIGN: Explanation(
        meaning="More went back for this order (`said`) than the shop knows of (`known`): somebody refunded at the "
        "provider.",
        advice="Find out at the provider who did that and why. Do not refund the same money again here: the shop still "
        "counts it as paid, and the nightly audit does not see it.",
    ),
    IncidentKind.UNKNOWN_CHARGE: Explanation(
        meaning="The provider tells of a payment for this order (`amount`) that the shop did not ask for under that "
        "key, or does not say what came of it.",
        advice="Look the event up at the provider by its id, which ends the name. If the buyer was charged a second "
        "time, give that back at the provider; the shop does not touch it.",
    ),
    IncidentKind.OTHER_PAYMENT: Explanation(
        meaning="The order has its payment, and the provider tells of a second one for it (`amount`).",
        advice="Compare with `paymentId` of GET /orders/{orderId}. If the second was taken, give it back at the "
        "provider; the shop does not touch it.",
    ),
    IncidentKind.UNKNOWN_REFUND: Explanation(
        meaning="The provider tells of a refund for this order (`amount`) that the shop did not ask for.",
        advice="Find out at the provider who did that and why. Do not refund the same money again here: the shop still "
        "counts it as paid.",
    ),
    IncidentKind.UNKNOWN_ORDER: Explanation(
        meaning="The provider told of money (`amount`, `currency`, `eventId`) for an order that could not be found for "
        "a day. The message is not tried again, and is kept for thirty days after it came.",
        advice="Look the event up at the provider. If it is another stage's or shop's on the same account, have such "
        "messages sent there. If a buyer has paid and has no order, give the money back at the provider.",
    ),
}


class Incident(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An incident on record: under one name an order has it once. The facts are figures and names of things."""

    order_id: str
    name: str
    facts: dict[str, Any]
    at: str

    @property
    def explanation(self) -> Explanation | None:
        """What it means and what to do, None for one that another version has reported."""
        kind = IncidentKind.of(self.name)
        return CATALOGUE[kind] if kind else None
