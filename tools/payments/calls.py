"""What each address of the simulator does; no word of HTTP but the address."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from chalicelib.core import clock
from chalicelib.payments.models import Attempt, Refund
from chalicelib.payments.returns import DisputeStatus
from chalicelib.payments.simulator.behaviour import Simulation
from tools.payments.faults import Faults, FaultScript
from tools.payments.ledger import FileLedger
from tools.payments.webhooks import SendRequest, Webhooks

T = TypeVar("T")

IDENTITY = "/_simulator/identity"


class NeverHeardCall(Exception):
    """There is no such thing in the books."""


class ChargeRequest(msgspec.Struct, frozen=True):
    """The body of `POST /charges`."""

    attempt: Attempt
    token: str


class ChangeRequest(msgspec.Struct, frozen=True, rename="camel"):
    """The body of `POST /captures` and `POST /voids`."""

    attempt: Attempt
    payment_id: str


class GiveBack(msgspec.Struct, frozen=True):
    """The body of `POST /refunds`."""

    refund: Refund


class ReturnRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a refund at the provider: minor units, or nothing for all that is left."""

    amount: int | None = None


class DisputeRequest(ReturnRequest, frozen=True, forbid_unknown_fields=True):
    """The body of a dispute: `open` begins one, `won` and `lost` end the one that is open."""

    status: DisputeStatus = DisputeStatus.OPEN
    reason: str = "fraudulent"


@dataclass(frozen=True)
class SimulatorCall:
    """What is done at an address: `do` gets the body and the name in the path, and gives what to answer."""

    operation: str
    do: Callable[[bytes, str], Any]


class Calls:
    """The simulator's addresses."""

    def __init__(self, ledger: FileLedger, simulation: Simulation, faults: Faults, webhooks: Webhooks) -> None:
        """Wire the addresses to the parts."""
        self._ledger, self._simulation, self._faults, self._webhooks = ledger, simulation, faults, webhooks
        self._routes: list[tuple[str, str, SimulatorCall]] = [
            ("POST", "/charges", SimulatorCall("charge", self._charge)),
            ("GET", "/charges/(.+)", SimulatorCall("look_up", self._look_up)),
            ("POST", "/captures", SimulatorCall("capture", self._capture)),
            ("POST", "/voids", SimulatorCall("void", self._void)),
            ("POST", "/refunds", SimulatorCall("refund", self._refund)),
            ("GET", "/refunds/(.+)", SimulatorCall("look_up_refund", self._look_up_refund)),
            ("GET", "/returns/(.+)", SimulatorCall("look_up_returns", self._look_up_returns)),
            ("GET", r"/events/(\d+)", SimulatorCall("list_events", self._list_events)),
            ("GET", IDENTITY, SimulatorCall("", lambda _body, _name: {"state": str(ledger.path.parent)})),
            ("GET", "/_simulator/ledger", SimulatorCall("", lambda _body, _name: ledger.everything())),
            ("POST", "/_simulator/script", SimulatorCall("", self._script)),
            ("POST", "/_simulator/payments/(.+)/complete", SimulatorCall("", self._complete)),
            ("POST", "/_simulator/payments/(.+)/refund", SimulatorCall("", self._refund_there)),
            ("POST", "/_simulator/payments/(.+)/dispute", SimulatorCall("", self._dispute)),
            ("POST", "/_simulator/webhooks", SimulatorCall("", self._order)),
        ]

    def find(self, method: str, path: str) -> tuple[SimulatorCall, str] | None:
        """What is at an address, and the name in its path."""
        for wanted, pattern, call in self._routes:
            found = re.fullmatch(pattern, path)
            if found and wanted == method:
                return call, (found.groups() or ("",))[0]
        return None

    def _charge(self, body: bytes, _: str) -> Any:
        charge = msgspec.json.decode(body, type=ChargeRequest)
        return self._simulation.charge(charge.attempt, charge.token)

    def _look_up(self, _: bytes, merchant_key: str) -> Any:
        payment = _heard_of(self._ledger.payment(merchant_key))
        return payment.outcome()

    def _capture(self, body: bytes, _: str) -> Any:
        change = msgspec.json.decode(body, type=ChangeRequest)
        return self._simulation.capture(change.attempt, change.payment_id)

    def _void(self, body: bytes, _: str) -> Any:
        change = msgspec.json.decode(body, type=ChangeRequest)
        return self._simulation.void(change.attempt, change.payment_id)

    def _refund(self, body: bytes, _: str) -> Any:
        return self._simulation.refund(msgspec.json.decode(body, type=GiveBack).refund)

    def _look_up_refund(self, _: bytes, refund_id: str) -> Any:
        return _heard_of(self._ledger.refund(refund_id)).outcome()

    def _look_up_returns(self, _: bytes, payment_id: str) -> Any:
        return self._simulation.look_up_returns(payment_id)

    def _list_events(self, _: bytes, since: str) -> Any:
        return self._ledger.list_events(clock.timestamp(clock.from_epoch(int(since))))

    def _refund_there(self, body: bytes, merchant_key: str) -> Any:
        _heard_of(self._ledger.payment(merchant_key))
        return self._simulation.refund_there(
            merchant_key, msgspec.json.decode(body or b"{}", type=ReturnRequest).amount
        )

    def _dispute(self, body: bytes, merchant_key: str) -> Any:
        """Open a dispute, or bring the open one to its end."""
        _heard_of(self._ledger.payment(merchant_key))
        wanted = msgspec.json.decode(body or b"{}", type=DisputeRequest)
        if wanted.status is not DisputeStatus.OPEN:
            return self._simulation.close_dispute(merchant_key, wanted.status)
        return self._simulation.dispute(merchant_key, wanted.amount, wanted.reason)

    def _script(self, body: bytes, _: str) -> Any:
        self._faults.add(msgspec.json.decode(body, type=FaultScript))
        return {}

    def _complete(self, _: bytes, merchant_key: str) -> Any:
        _heard_of(self._ledger.payment(merchant_key))
        return self._simulation.complete(merchant_key)

    def _order(self, body: bytes, _: str) -> Any:
        return {"deliveries": self._webhooks.obey(msgspec.json.decode(body, type=SendRequest))}


def _heard_of(found: T | None) -> T:
    if found is None:
        raise NeverHeardCall
    return found
