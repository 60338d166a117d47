"""A Stripe on loopback: its documented HTTP as far as the adapter uses it, and its failures on demand.

It keeps PaymentIntents and refunds as Stripe would, remembers answers by idempotency key, and counts what really
moved money. Its answers are made from tests/support/stripe_shapes: written after Stripe's documentation, not recorded
from an account.
"""

from __future__ import annotations

import copy
import json
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalicelib.core import clock

SHAPES = Path(__file__).parent / "stripe_shapes"
API_KEY = "sk_test_51FakeKeyOfTheTests"
STATUSES = {
    "pm_card_visa": "succeeded",
    "tok_visa": "succeeded",
    "pm_card_authenticationRequired": "requires_action",
    "pm_authorize_only": "requires_capture",
}
DECLINES = {
    "pm_card_visa_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": ("incorrect_cvc", "incorrect_cvc"),
}
Answer = tuple[int, Any]


def shape(name: str, **changes: Any) -> dict[str, Any]:
    """A documented shape with other values in it."""
    return {**json.loads((SHAPES / f"{name}.json").read_text()), **changes}


def error(name: str, status: int, **changes: Any) -> Answer:
    return status, {"error": shape(name, **changes)}


class StripeAccount:
    """What Stripe knows."""

    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []  # what it has told, oldest first
        self.answers: dict[str, tuple[dict[str, str], Answer]] = {}
        self.requests: list[tuple[str, str, dict[str, str], dict[str, str]]] = []
        self.faults: deque[Any] = deque()  # a status with its answer, "hang", "reset", "lose", or raw bytes
        self.search: str = "finds"  # or "lags", "refuses"
        self.refund_status = "succeeded"
        self.lock = threading.Lock()

    def captured(self, merchant_key: str) -> int:
        """How often money was really taken under a key."""
        found = [each for each in self.intents.values() if each["metadata"].get("merchantKey") == merchant_key]
        return len([each for each in found if each["amount_received"]])

    def serve(self, method: str, path: str, form: dict[str, str], key: str | None) -> Answer:
        with self.lock:
            known = self.answers.get(key or "")
            if known:
                return known[1] if known[0] == form else error("idempotency_reused", 400)
            answer = self._serve(method, path, form)
            if key and method == "POST":
                self.answers[key] = (form, copy.deepcopy(answer))
            return answer

    def _serve(self, method: str, path: str, form: dict[str, str]) -> Answer:
        address = path.removeprefix("/v1/")
        if method == "GET":
            return self._show(address, form)
        if address in ("payment_intents", "refunds"):
            return self._create(form) if address == "payment_intents" else self._refund(form)
        _, name, verb = address.split("/")
        return self._change(self.intents[name], verb) if name in self.intents else error("invalid_request", 404)

    def _show(self, address: str, form: dict[str, str]) -> Answer:
        if address == "payment_intents/search":
            return self._search(form["query"])
        if address == "payment_intents":
            low, high = int(form["created[gte]"]), int(form["created[lte]"])
            return self._page([each for each in self.intents.values() if low <= each["created"] <= high], form)
        if address == "events":
            return self._page([each for each in self.events if each["created"] >= int(form["created[gte]"])], form)
        if address in ("refunds", "disputes"):
            rows = (self.refunds if address == "refunds" else self.disputes).values()
            return self._page([each for each in rows if each["payment_intent"] == form["payment_intent"]], form)
        found = self.intents.get(address.split("/")[1])
        if found is None:
            return error("invalid_request", 404, param="intent")
        return 200, {**found, "latest_charge": self._charge(found)} if form.get("expand[0]") else found

    def _charge(self, intent: dict[str, Any]) -> dict[str, Any] | None:
        """The charge of a PaymentIntent that was asked for together with it."""
        if not intent["amount_received"]:
            return None
        back = [each for each in self.refunds.values() if each["payment_intent"] == intent["id"]]
        disputed = any(each["payment_intent"] == intent["id"] for each in self.disputes.values())
        gone = sum(each["amount"] for each in back if each["status"] == "succeeded")
        return shape("charge", amount_refunded=gone, refunded=gone == intent["amount"], disputed=disputed)

    def _create(self, form: dict[str, str]) -> Answer:
        token = form.get("payment_method") or form["payment_method_data[card][token]"]
        if token not in STATUSES and token not in DECLINES:
            return error("invalid_request", 400)
        if int(form["amount"]) < 1:
            return error("invalid_request", 400, code="amount_too_small", param="amount")
        intent = self._made(form, STATUSES.get(token, "requires_payment_method"))
        if token in DECLINES:
            code, decline = DECLINES[token]
            problem = shape("card_error", code=code, decline_code=decline)
            intent["last_payment_error"] = problem
            return 402, {"error": {**problem, "payment_intent": intent}}
        return 200, intent

    def _made(self, form: dict[str, str], status: str) -> dict[str, Any]:
        name, amount = f"pi_{len(self.intents):024d}", int(form["amount"])
        metadata = {key[9:-1]: value for key, value in form.items() if key.startswith("metadata[")}
        self.intents[name] = shape(
            "payment_intent", id=name, status=status, amount=amount, currency=form["currency"], metadata=metadata,
            created=clock.epoch(), amount_received=amount if status == "succeeded" else 0,
            amount_capturable=amount if status == "requires_capture" else 0, client_secret=f"{name}_secret_abcdefgh",
            next_action=shape("next_action") if status == "requires_action" else None,
        )  # fmt: skip
        return self.intents[name]

    def _change(self, intent: dict[str, Any], verb: str) -> Answer:
        allowed = {"capture": ["requires_capture"], "cancel": ["requires_capture", "requires_action"]}
        if intent["status"] not in allowed[verb]:
            return 400, {"error": {**shape("unexpected_state"), "payment_intent": intent}}
        if verb == "capture":
            intent |= {"status": "succeeded", "amount_received": intent["amount"], "amount_capturable": 0}
        else:
            intent |= {"status": "canceled", "next_action": None, "canceled_at": clock.epoch()}
        return 200, intent

    def _refund(self, form: dict[str, str]) -> Answer:
        intent, amount = self.intents.get(form["payment_intent"]), int(form["amount"])
        if intent is None:
            return error("invalid_request", 404, param="payment_intent")
        gone = sum(each["amount"] for each in self.refunds.values() if each["payment_intent"] == intent["id"])
        if amount > intent["amount_received"] - gone:
            return error("invalid_request", 400, code="charge_already_refunded", param=None)
        name = f"re_{len(self.refunds):024d}"
        metadata = {key[9:-1]: value for key, value in form.items() if key.startswith("metadata[")}
        self.refunds[name] = shape("refund", id=name, amount=amount, currency=intent["currency"], metadata=metadata,
                                   payment_intent=intent["id"], status=self.refund_status)  # fmt: skip
        if self.refund_status == "failed":
            self.refunds[name]["failure_reason"] = "expired_or_canceled_card"
        return 200, self.refunds[name]

    def _search(self, query: str) -> Answer:
        if self.search == "refuses":
            return error("invalid_request", 400, code=None, param=None)
        wanted = re.fullmatch(r"metadata\['merchantKey'\]:'(.+)'", query)
        assert wanted, query
        found = [each for each in self.intents.values() if each["metadata"].get("merchantKey") == wanted[1]]
        return 200, {"object": "search_result", "data": found if self.search == "finds" else [], "has_more": False}

    def _page(self, rows: list[dict[str, Any]], form: dict[str, str]) -> Answer:
        rows.reverse()
        names = [row["id"] for row in rows]
        start = names.index(form["starting_after"]) + 1 if "starting_after" in form else 0
        page = rows[start : start + int(form["limit"])]
        return 200, {"object": "list", "data": page, "has_more": start + len(page) < len(rows)}


class StripeHandler(BaseHTTPRequestHandler):
    server: Any
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self, method: str) -> None:
        account, address = self.server.account, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = {name: values[0] for name, values in parse_qs(body or address.query).items()}
        account.requests.append((method, address.path, form, dict(self.headers)))
        if self.headers["Authorization"] != f"Bearer {API_KEY}":
            self._answer(401, {"error": {"message": "Invalid API Key provided", "type": "invalid_request_error"}})
            return
        fault = account.faults.popleft() if account.faults else None
        if isinstance(fault, tuple):
            self._answer(*fault)
        elif fault in ("hang", "reset"):
            self._vanish(hang=fault == "hang")
        else:
            answer = account.serve(method, address.path, form, self.headers["Idempotency-Key"])
            if fault == "lose":
                self._vanish(hang=False)
            else:
                self._answer(*answer, raw=fault)

    def _answer(self, status: int, body: Any, *, raw: bytes | None = None) -> None:
        data = raw if raw is not None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _vanish(self, *, hang: bool) -> None:
        if hang:
            self.server.ended.wait(10)
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


@contextmanager
def running() -> Iterator[tuple[str, StripeAccount]]:
    """A Stripe for the length of the block: where it answers, and what it knows."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), StripeHandler)
    server.account, server.ended, server.daemon_threads = StripeAccount(), threading.Event(), True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.account
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
