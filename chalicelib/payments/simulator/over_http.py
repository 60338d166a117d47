"""The client of the payment simulator that runs as a service of its own: `python -m tools.payments.simulator`.

Whatever is unclear is `NoAnswer`: a refused connection, a time-out, another status, an answer that does not parse.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from chalicelib.core import settings
from chalicelib.core.errors import Misconfigured
from chalicelib.payments.limits import Limits
from chalicelib.payments.models import Attempt, Outcome, ProviderEvent, Refund, RefundOutcome
from chalicelib.payments.port import NoAnswer
from chalicelib.payments.returns import Returns
from chalicelib.payments.simulator import webhook_messages

T = TypeVar("T")

TIMEOUT_SECONDS = 4.0
_MAX_BYTES = 1_000_000  # bytes of an answer


class NeverHeard(msgspec.Struct, frozen=True):
    """The service's own word for never having heard of something; any other 404 is no answer."""

    unheard: str


class Remote:
    """The provider behind an address such as `http://127.0.0.1:8765`."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        address = urlsplit(url)
        if address.scheme != "http" or not address.hostname:
            message = f"PAYMENT_URL is {url!r}; simulator-http needs one such as http://127.0.0.1:8765."
            raise Misconfigured(message)
        self._host, self._port, self._timeout = address.hostname, address.port or 80, timeout

    def limits(self, currency: str) -> Limits:
        """The service takes any amount."""
        return Limits(currency=currency)

    def charge(self, attempt: Attempt, token: str) -> Outcome:
        """Charge under the merchant key."""
        return self._post("/charges", {"attempt": attempt, "token": token}, Outcome)

    def look_up(self, attempt: Attempt) -> Outcome | None:
        """What the service's ledger holds of that merchant key."""
        return self._get(f"/charges/{quote(attempt.merchant_key, safe='')}", Outcome)

    def capture(self, attempt: Attempt, payment_id: str) -> Outcome:
        """Take the money of an authorised payment."""
        return self._post("/captures", {"attempt": attempt, "paymentId": payment_id}, Outcome)

    def void(self, attempt: Attempt, payment_id: str) -> Outcome:
        """Let go of a payment that is authorised or waits."""
        return self._post("/voids", {"attempt": attempt, "paymentId": payment_id}, Outcome)

    def refund(self, refund: Refund) -> RefundOutcome:
        """Give money back under the refund's id."""
        return self._post("/refunds", {"refund": refund}, RefundOutcome)

    def look_up_refund(self, refund: Refund) -> RefundOutcome | None:
        """What the service's ledger holds of that refund."""
        return self._get(f"/refunds/{quote(refund.provider_id or refund.refund_id, safe='')}", RefundOutcome)

    def look_up_returns(self, payment_id: str) -> Returns:
        """What the service's ledger holds of refunds and disputes of that payment."""
        found = self._get(f"/returns/{quote(payment_id, safe='')}", Returns)
        return found or Returns()

    def read_event(self, body: bytes, headers: Mapping[str, str], now: int) -> ProviderEvent | None:
        """The message in a webhook of the service. Raises `InvalidSignature`."""
        return webhook_messages.read(body, headers, now)

    def list_events(self, since: int) -> Iterator[ProviderEvent]:
        """The messages that the service keeps."""
        yield from self._get(f"/events/{since}", list[ProviderEvent]) or ()

    def _post(self, path: str, request: dict[str, Any], shape: type[T]) -> T:
        status, body = self._exchange("POST", path, msgspec.json.encode(request))
        if status != http.client.OK:
            raise NoAnswer(f"the simulator answered {status}")
        return _parsed(body, shape)

    def _get(self, path: str, shape: type[T]) -> T | None:
        status, body = self._exchange("GET", path)
        if status == http.client.NOT_FOUND:
            _parsed(body, NeverHeard)
            return None
        if status != http.client.OK:
            raise NoAnswer(f"the simulator answered {status}")
        return _parsed(body, shape)

    def _exchange(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read(_MAX_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"the simulator did not answer: {type(error).__name__}") from error
        finally:
            connection.close()


def current() -> Remote:
    """The service that PAYMENT_URL names."""
    return Remote(settings.current().payment_url)


def _parsed(body: bytes, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoAnswer("the simulator's answer does not parse") from error
