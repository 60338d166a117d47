"""Stripe, by its own library: PaymentIntents that are created and confirmed in one call under the merchant key.

The library costs about 100 ms to import, so nothing imports this module but a stage that uses it. Stripe forgets an
idempotency key after 24 hours: a refund that is nearly that old is looked for first, and a charge is sent only once, by
the request that made its attempt.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec
import stripe

from chalicelib.core import clock, log, settings
from chalicelib.core.errors import Misconfigured
from chalicelib.payments import credentials, signatures
from chalicelib.payments.limits import AMOUNT_NOT_PAYABLE, AmountNotPayable, Limits
from chalicelib.payments.models import (
    Attempt,
    AttemptState,
    Outcome,
    ProviderEvent,
    Refund,
    RefundOutcome,
    RefundState,
    UnreadableEvent,
)
from chalicelib.payments.port import NoAnswer
from chalicelib.payments.returns import ProviderRefund, Returns
from chalicelib.payments.stripe import amounts, events, schemas
from chalicelib.payments.stripe.schemas import Error, Intent, StripeDispute, StripePage, StripeRefund, Unreadable

TIMEOUTS = (3.05, 12.0)  # seconds to connect and between bytes; a request has 28 in all
_INTENTS = "/v1/payment_intents"
_HEADER = "stripe-signature"
_KEY_LIFETIME = timedelta(hours=23)
_BEFORE, _AFTER = 60, 900  # seconds around an attempt in which its PaymentIntent must have been made
_AMOUNT_CODES = {"amount_too_small", "amount_too_large", "invalid_charge_amount"}
MAX_PAGES = 10
_MAX_EVENT_PAGES = 10_000  # of what an operator waits for
PAGE_SIZE = 100


class StripeRefused(Exception):
    """Stripe understood, and did not do it."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.code or error.type)
        self.error = error


class Stripe:
    """The provider; see `port.Provider`."""

    def __init__(self, client: stripe.StripeClient, *, page_size: int = PAGE_SIZE, max_pages: int = MAX_PAGES) -> None:
        self._client, self._page_size, self._max_pages = client, page_size, max_pages

    def limits(self, currency: str) -> Limits:
        """What Stripe publishes."""
        return amounts.limits(currency)

    def charge(self, attempt: Attempt, token: str) -> Outcome:
        """Create and confirm a PaymentIntent, captured at once, for an attempt that was made just now."""
        try:
            amount = amounts.to_stripe(attempt.amount, attempt.currency)
        except AmountNotPayable:
            return Outcome(state=AttemptState.FAILED, reason=AMOUNT_NOT_PAYABLE)
        try:
            return self._intent(
                "post", _INTENTS, key=attempt.merchant_key, **schemas.new_intent(attempt, amount, token)
            )
        except StripeRefused as refused:
            return _declined(attempt, refused.error)

    def look_up(self, attempt: Attempt) -> Outcome | None:
        """The PaymentIntent by its id, else by a search, else in the list: a search may lag by minutes."""
        payment_id = attempt.payment_id or self._searched(attempt) or self._listed(attempt)
        return self._retrieved(payment_id) if payment_id else None

    def capture(self, attempt: Attempt, payment_id: str) -> Outcome:  # noqa: ARG002 - the port's signature
        """Capture the whole amount."""
        return self._change(payment_id, "capture")

    def void(self, attempt: Attempt, payment_id: str) -> Outcome:  # noqa: ARG002 - the port's signature
        """Cancel the PaymentIntent."""
        return self._change(payment_id, "cancel")

    def refund(self, refund: Refund) -> RefundOutcome:
        """Create a refund of the PaymentIntent."""
        known = self.look_up_refund(refund) if refund.created_at < clock.ago(_KEY_LIFETIME) else None
        if known:
            return known
        metadata = {"refundId": refund.refund_id, "orderId": refund.order_id}
        try:
            amount = amounts.to_stripe(refund.amount, refund.currency)
            body = self._call("post", "/v1/refunds", key=refund.refund_id, payment_intent=refund.payment_id,
                              amount=amount, metadata=metadata)  # fmt: skip
            return schemas.refund_outcome(schemas.read(body, StripeRefund))
        except AmountNotPayable:
            return RefundOutcome(state=RefundState.FAILED, reason="amount_not_refundable")
        except StripeRefused as refused:
            return RefundOutcome(state=RefundState.FAILED, reason=refused.error.code or "refused")
        except Unreadable as error:
            raise NoAnswer(str(error)) from error

    def look_up_refund(self, refund: Refund) -> RefundOutcome | None:
        """The refund with our id, or with Stripe's own, among those of its PaymentIntent."""
        for found in self._refunds(refund.payment_id):
            if refund.refund_id == found.refund_id or refund.provider_id == found.provider_id:
                return found.outcome
        return None

    def look_up_returns(self, payment_id: str) -> Returns:
        """The refunds and the disputes of the PaymentIntent."""
        try:
            disputes = [
                schemas.dispute(schemas.read(row, StripeDispute))
                for row in self._walk("/v1/disputes", payment_intent=payment_id)
            ]
        except (StripeRefused, Unreadable) as error:
            raise NoAnswer(str(error)) from error
        return Returns(refunds=list(self._refunds(payment_id)), disputes=disputes)

    def read_event(self, body: bytes, headers: Mapping[str, str], now: int) -> ProviderEvent | None:
        """The message in a webhook that Stripe signed."""
        signatures.verify(body, signatures.header(headers, _HEADER), now, check=_signed)
        try:
            said = events.event(body)
        except Unreadable as error:
            raise UnreadableEvent("The webhook's body is not an event of Stripe's documentation.") from error
        return self._complete(said)

    def list_events(self, since: int) -> Iterator[ProviderEvent]:
        """What Stripe told since then, which it keeps for thirty days; its list begins with the newest."""
        try:
            rows = list(self._walk("/v1/events", most_pages=_MAX_EVENT_PAGES, created={"gte": since}))
            for row in reversed(rows):
                if said := self._complete(events.event(bytes(row))):
                    yield said
        except (StripeRefused, Unreadable) as error:
            raise NoAnswer(str(error)) from error

    def _complete(self, said: ProviderEvent | None) -> ProviderEvent | None:
        """The message with its order, which some do not name."""
        return self._with_order(said, said.payment_id) if said and said.payment_id and not said.order_id else said

    def _with_order(self, said: ProviderEvent, payment_id: str) -> ProviderEvent | None:
        """The message with the order of its PaymentIntent, which alone names it; None when that is not this shop's."""
        try:
            intent = schemas.read(self._call("get", f"{_INTENTS}/{quote(payment_id, safe='')}"), Intent)
        except (StripeRefused, Unreadable) as error:
            raise NoAnswer(str(error)) from error
        merchant_key = intent.metadata.get("merchantKey")
        if not merchant_key:
            return None
        return msgspec.structs.replace(said, merchant_key=merchant_key, order_id=merchant_key.rpartition(":")[0])

    def _refunds(self, payment_id: str) -> Iterator[ProviderRefund]:
        try:
            for row in self._walk("/v1/refunds", payment_intent=payment_id):
                yield schemas.returned(schemas.read(row, StripeRefund))
        except (StripeRefused, Unreadable) as error:
            raise NoAnswer(str(error)) from error

    def _searched(self, attempt: Attempt) -> str | None:
        query = f"metadata['merchantKey']:'{attempt.merchant_key}'"
        try:
            page = schemas.read(self._call("get", f"{_INTENTS}/search", query=query, limit=1), StripePage)
            return schemas.read(page.data[0], Intent).id if page.data else None
        except StripeRefused:
            return None  # accounts in some countries cannot search; the list tells as well
        except Unreadable as error:
            raise NoAnswer(str(error)) from error

    def _listed(self, attempt: Attempt) -> str | None:
        made = clock.epoch_of(attempt.created_at)
        try:
            for row in self._walk(_INTENTS, created={"gte": made - _BEFORE, "lte": made + _AFTER}):
                intent = schemas.read(row, Intent)
                if intent.metadata.get("merchantKey") == attempt.merchant_key:
                    return intent.id
        except (StripeRefused, Unreadable) as error:
            raise NoAnswer(str(error)) from error
        return None

    def _retrieved(self, payment_id: str) -> Outcome:
        try:
            return self._intent("get", f"{_INTENTS}/{quote(payment_id, safe='')}", expand=["latest_charge"])
        except StripeRefused as refused:
            raise NoAnswer(str(refused)) from refused

    def _change(self, payment_id: str, verb: str) -> Outcome:
        """Capture or cancel; where the PaymentIntent is in no state for that, what state it is in.

        Its state lets that happen once. A key would not help: Stripe repeats a refusal to a key when it is no
        longer true.
        """
        path = f"{_INTENTS}/{quote(payment_id, safe='')}/{verb}"
        try:
            return self._intent("post", path)
        except StripeRefused as refused:
            if refused.error.code != "payment_intent_unexpected_state":
                raise NoAnswer(str(refused)) from refused
            return self._retrieved(payment_id)

    def _intent(self, method: str, path: str, **request: Any) -> Outcome:
        body = self._call(method, path, **request)
        try:
            return schemas.outcome(schemas.read(body, Intent))
        except Unreadable as error:
            raise NoAnswer(str(error)) from error

    def _walk(self, path: str, *, most_pages: int | None = None, **query: Any) -> Iterator[msgspec.Raw]:
        """The rows of a list, page by page. Raises `NoAnswer` when there are more than is bearable."""
        for _ in range(most_pages or self._max_pages):
            page = schemas.read(self._call("get", path, limit=self._page_size, **query), StripePage)
            yield from page.data
            if not page.has_more or not page.data:
                return
            query["starting_after"] = schemas.read(page.data[-1], schemas.Named).id
        raise NoAnswer("too many to look through")

    def _call(self, method: str, path: str, *, key: str | None = None, **params: Any) -> str:
        """The body of Stripe's answer. Raises `StripeRefused` for an explicit no, `NoAnswer` for everything else."""
        try:
            body: str = self._client.raw_request(method, path, idempotency_key=key, **params).body
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise _refusal(error) from error
        except stripe.StripeError as error:
            # A wrong API key, too: whether an earlier call under this key was heard is not known.
            log.error("STRIPE_SILENT", error=type(error).__name__, status=error.http_status)
            raise NoAnswer(type(error).__name__) from error
        except (AttributeError, TypeError, ValueError) as error:  # the library on an error that is no object
            raise NoAnswer("an error that does not parse") from error
        return body


def current() -> Stripe:
    """The account whose API key is in the payment secret. Raises `Misconfigured` while there is none."""
    url = settings.current().payment_url
    if url and settings.current().stage == "prod":
        raise Misconfigured("PAYMENT_URL leads away from Stripe, which stage prod may not do.")
    return Stripe(_client(credentials.api_key(), url))


@lru_cache(maxsize=4)
def _client(api_key: str, url: str) -> stripe.StripeClient:
    logging.getLogger("stripe").setLevel(logging.WARNING)  # below, it logs what it sends and what it gets
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": url} if url else {},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=TIMEOUTS),
    )


def _refusal(error: stripe.CardError | stripe.InvalidRequestError) -> StripeRefused:
    """What Stripe refused. Raises `NoAnswer` when its answer does not say so in as many words."""
    try:
        said = schemas.read(error.http_body or "", schemas.Failure).error
    except Unreadable as unreadable:
        raise NoAnswer(str(unreadable)) from error
    if said.type not in ("card_error", "invalid_request_error"):
        raise NoAnswer(f"an error of type {said.type}") from error
    return StripeRefused(said)


def _declined(attempt: Attempt, error: Error) -> Outcome:
    """The outcome of a charge that Stripe refused: a decline, a bad token, or a request it cannot serve."""
    if error.type == "card_error":
        return Outcome(state=AttemptState.FAILED, reason=schemas.declined_for(error))
    if (error.param or "").startswith("payment_method"):
        return Outcome(state=AttemptState.FAILED, reason="invalid_payment_method")
    log.error("STRIPE_REFUSED", orderId=attempt.order_id, code=error.code, param=error.param)
    reason = AMOUNT_NOT_PAYABLE if error.code in _AMOUNT_CODES else "refused"
    return Outcome(state=AttemptState.FAILED, reason=reason)


def _signed(body: bytes, header: str, secret: str) -> bool:
    """Does the header fit the secret? Its age is judged by the caller's clock, not by the library's."""
    try:
        return bool(stripe.WebhookSignature.verify_header(body, header, secret))
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
