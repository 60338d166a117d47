"""What is done about payments that nobody has told the end of: asking the provider, ever more rarely (P4, S2)."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.core import clock
from chalicelib.core.errors import Unavailable
from chalicelib.orders import settlement
from chalicelib.orders.models import Order
from chalicelib.orders.settlement import Ending
from chalicelib.orders.states import PaymentStatus
from chalicelib.payments import service as payments
from chalicelib.payments import store as payment_store
from chalicelib.payments.models import Attempt, AttemptState, Outcome

_PROVIDER_TIMEOUT = timedelta(minutes=2)  # a charge that the provider has not heard of by then will not come
_MAX_MISSES = 2
_HAS_MONEY = (AttemptState.AUTHORIZED, AttemptState.REQUIRES_ACTION, AttemptState.CAPTURED)


def reconcile(order: Order) -> Order:
    """Settle an order by what the provider knows of its payment, or as free if there was nothing to pay (P4).

    An authorised payment is taken. A charge counts as never made when the provider has twice not heard of it, past
    the time it may take. A payment that waits for its buyer too long is voided (S2).
    """
    if not order.total:
        return settlement.settle(order, settlement.NOTHING_TO_PAY)
    if order.is_overdue:
        return void(order, settlement.EXPIRY)
    outcome = payments.look_up(order.first_attempt())
    if outcome is None:
        return _count_miss(order)
    return settlement.settle(order, capture_if_authorized(order.first_attempt(), outcome))


def void(order: Order, ending: Ending | None, *, payment_id: str | None = None) -> Order:
    """End an order whose payment is held or waits for the buyer, unless the money has come after all."""
    outcome = payments.void(order.first_attempt(), payment_id or order.payment_id or "")
    return settlement.settle(order, outcome, ending=ending)


def capture_or_void(order: Order, outcome: Outcome) -> Order:
    """What follows a message of the provider that is on record: an authorised payment is taken, if it is waited for.

    One that came when its order had ended without it is voided. Raises `Unavailable` while that is not answered, for
    nothing but another message would let it go.
    """
    if outcome.state is not AttemptState.AUTHORIZED:
        return order
    attempt = order.first_attempt()
    if order.awaits_payment:
        return settlement.settle(order, capture_if_authorized(attempt, outcome))
    if order.payment_status is not PaymentStatus.FAILED:
        return order
    voided = payments.void(attempt, outcome.payment_id or "")
    if voided.state is AttemptState.UNKNOWN:
        raise Unavailable("The payment provider did not say whether the payment was let go; send the message again.")
    return settlement.settle(order, voided)


def find_other_amount(order: Order) -> Outcome | None:
    """What the provider holds or has taken for an order in doubt, where that is not the order's total (P5).

    None where it agrees, has nothing, does not answer, or speaks of another currency.
    """
    if not order.awaits_payment or not order.total or order.can_be_voided:
        return None
    found = payments.look_up(order.first_attempt())
    if found is None or found.state not in _HAS_MONEY or found.is_about(order.total, order.currency):
        return None
    return found if found.currency in (None, order.currency) else None


def capture_if_authorized(attempt: Attempt, outcome: Outcome) -> Outcome:
    """The outcome once an authorised payment is taken; it stays authorised when the provider does not answer.

    One of another amount than was asked for is not taken (P5).
    """
    if outcome.state is not AttemptState.AUTHORIZED or outcome.payment_id is None:
        return outcome
    if not outcome.is_about(attempt.amount, attempt.currency):
        return outcome
    captured = payments.capture(attempt, outcome.payment_id)
    return outcome if captured.state is AttemptState.UNKNOWN else captured


def reconcile_if_due(order: Order) -> Order:
    """Reconcile an order unless the provider was asked for it a short while ago, compared with its age (P4)."""
    attempt = payment_store.get_attempt(order.order_id, order.attempt) if order.total else None
    if attempt and not attempt.is_due and not order.is_overdue:
        return order
    if attempt:
        payment_store.record_look_up(attempt)
    return reconcile(order)


def _count_miss(order: Order) -> Order:
    if order.created_at > clock.ago(_PROVIDER_TIMEOUT) or payment_store.count_miss(order.first_attempt()) < _MAX_MISSES:
        return order
    return settlement.settle(order, Outcome(state=AttemptState.FAILED, reason="never_received"))
