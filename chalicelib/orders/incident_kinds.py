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
    OVERDRAWN = "overdrawn"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute-won"
    DISPUTE_LOST = "dispute-lost"
    DISPUTE_CHANGED = "dispute-changed"
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
        meaning="Somebody refunded at the provider (`amount`, and `known` to the shop before): the order's books have "
        "it, unless it is in another currency. With `said` more is back than the provider's list of refunds has.",
        advice="Find out at the provider who did that and why. The order is not shipped unless an admin says "
        '`"despite": "refund"`; cancel it if it is not to be sent, and the rest goes back.',
    ),
    IncidentKind.OVERDRAWN: Explanation(
        meaning="More is gone of this order's payment, or about to go, than was taken (`taken`, `refunded`, "
        "`reserved`): a refund or a dispute at the provider met a refund of the shop.",
        advice="Compare with the payment at the provider. A refund that is still pending will be refused there and "
        "given up here; if both went through, ask the buyer or the bank for what was too much.",
    ),
    IncidentKind.DISPUTE: Explanation(
        meaning="The buyer disputes the payment with their bank (`amount`, `reason`). The order is not shipped, and "
        "that much of it is not refunded, until that is decided.",
        advice="Answer at the provider before its deadline, with what proves the sale, or accept it there. To ship "
        'nevertheless, say `"despite": "dispute"`.',
    ),
    IncidentKind.DISPUTE_WON: Explanation(
        meaning="A dispute ended for the shop, or was withdrawn (`amount`): the money has stayed or is back, and the "
        "order can be shipped.",
        advice="Ship the order, or cancel it. If it was cancelled meanwhile, refund what is left with "
        "POST /orders/{orderId}/refunds.",
    ),
    IncidentKind.DISPUTE_LOST: Explanation(
        meaning="A dispute was lost (`amount`): the money is gone, and counts as refunded in the order's books.",
        advice="Cancel the order if it is not sent. Do not refund that money a second time; the shop does not.",
    ),
    IncidentKind.DISPUTE_CHANGED: Explanation(
        meaning="The provider tells of another end, amount or currency of a dispute (`status`, `amount`, `currency`) "
        "than the order's books can have or have. They stay as they are, but for a dispute in another currency, which "
        "holds up the goods.",
        advice="Look the dispute up at the provider, and put the difference into your books by hand: the nightly "
        "audit goes on telling it.",
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
        meaning="The provider tells of a refund for this order (`amount`) under an id that the shop does not have.",
        advice="Find out at the provider who did that and why. If the provider lists it with the order's payment, the "
        "order's books have it by now; if not, look for the payment that it belongs to.",
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
