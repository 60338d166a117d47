"""The simulator's messages to the shop: kept before they are sent, signed when they are, tried a bounded time."""

import http.client
import logging
import threading
from collections import deque
from urllib.parse import urlsplit

import msgspec

from chalicelib.core import clock
from chalicelib.payments.models import ProviderEvent
from chalicelib.payments.simulator import webhook_messages
from tools.payments.ledger import FileLedger

LOG = logging.getLogger(__name__)
DELAYS = (0.2, 0.5, 1.0, 2.0)  # between tries; after the last one, only an administrator sends it again
TIMEOUT_SECONDS = 10.0


class SendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What an administrator wants of the messages: to hold new ones back, or to send some now.

    `send` are event ids in the order to send them, `times` how often each, `delaySeconds` how long to wait before
    each; `release` sends what was held back, `reversed` if so asked.
    """

    hold: bool | None = None
    send: tuple[str, ...] = ()
    times: int = 1
    delay_seconds: float = 0.0
    release: bool = False
    is_reversed: bool = msgspec.field(default=False, name="reversed")


class Webhooks:
    """Sends messages to one address from a thread of its own, in the order of what happened."""

    def __init__(self, ledger: FileLedger, url: str, secret: str) -> None:
        """Without an address nothing is sent, but everything is kept."""
        self._ledger, self._url, self._secret = ledger, urlsplit(url), secret
        self._holding = False
        self._queue: deque[str] = deque()
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier process did not get rid of."""
        with self._changed:
            self._queue.extend(self._ledger.undelivered())
        if self._url.hostname:
            self._thread.start()

    def stop(self) -> None:
        """End after the message that is on its way."""
        self._ended.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_SECONDS)

    def tell(self, event: ProviderEvent) -> None:
        """Keep a message, and send it soon unless messages are held back."""
        self._ledger.add_event(event, webhook_messages.write(event))
        with self._changed:
            if not self._holding:
                self._queue.append(event.event_id)
                self._changed.notify_all()

    def obey(self, order: SendRequest) -> list[dict[str, str | int]]:
        """Do what an administrator wants; what the shop answered to each message that was sent for it."""
        if order.hold is not None:
            with self._changed:
                self._holding = order.hold
        wanted = list(order.send) or (self._ledger.undelivered() if order.release else [])
        answers: list[dict[str, str | int]] = []
        for event_id in reversed(wanted) if order.is_reversed else wanted:
            for _ in range(order.times):
                self._ended.wait(order.delay_seconds)
                answers.append({"eventId": event_id, "status": self._send(event_id)})
        return answers

    def _work(self) -> None:
        while not self._ended.is_set():
            with self._changed:
                if not self._queue:
                    self._changed.wait()
                    continue
                event_id = self._queue.popleft()
            self._insist(event_id)

    def _insist(self, event_id: str) -> None:
        """Send until it is taken, a bounded number of times."""
        for delay in (*DELAYS, None):
            if _is_taken(self._send(event_id)) or self._ended.is_set():
                return
            if delay is not None:
                self._ended.wait(delay)
        LOG.warning("The shop did not take %s; it is kept.", event_id)

    def _send(self, event_id: str) -> int:
        """The status that the shop answered with, 0 when it did not answer or there is nothing to send."""
        body = self._ledger.body_of(event_id)
        if body is None or not self._url.hostname:
            return 0
        status = self._post(body)
        self._ledger.count_try(event_id, taken=_is_taken(status))
        return status

    def _post(self, body: bytes) -> int:
        connection = http.client.HTTPConnection(str(self._url.hostname), self._url.port or 80, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(
                "POST", self._url.path or "/", body, webhook_messages.signed_headers(body, self._secret, clock.epoch())
            )
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            LOG.info("The shop did not answer: %s.", type(error).__name__)
            return 0
        else:
            return answer.status
        finally:
            connection.close()


def _is_taken(status: int) -> bool:
    return http.client.OK <= status < http.client.MULTIPLE_CHOICES
