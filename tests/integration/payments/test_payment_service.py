"""The simulator as a service: its faults, its books, its webhooks, and many callers at once (P2, P6)."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from chalicelib.core import clock, settings
from chalicelib.core.errors import Misconfigured
from chalicelib.payments import signatures
from chalicelib.payments.models import Attempt, AttemptState, RefundState
from chalicelib.payments.port import NoAnswer
from chalicelib.payments.simulator.over_http import Remote
from tests.support.payments import SECRET, attempt, mailbox, refund_of
from tests.support.ports import free_port
from tests.support.schedule import swept_after
from tools.payments.simulator import running
from tools.testing.shop import Shop

pytestmark = pytest.mark.usefixtures("standard_time")

ROOT = Path(__file__).parents[3]
FAULTS = {"error": False, "hang": False, "drop": False,
          "error_after": True, "hang_after": True, "lose_answer": True, "garbage": True}  # fmt: skip


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with running(tmp_path) as address:
        yield address


@pytest.fixture
def remote(url: str) -> Remote:
    return Remote(url, timeout=60)


def admin(url: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{url}/_simulator/{path}", data) as answer:  # noqa: S310 - always http
        return json.load(answer)


@pytest.mark.parametrize(("fault", "charged"), FAULTS.items())
def test_a_scripted_fault_is_no_answer_and_the_books_tell_whether_it_charged(
    url: str, remote: Remote, fault: str, *, charged: bool
) -> None:
    paid = attempt()
    admin(url, "script", {"operation": "charge", "fault": fault, "times": 2})

    impatient = Remote(url, timeout=0.5) if fault.startswith("hang") else remote
    for _ in range(2):
        with pytest.raises(NoAnswer):
            impatient.charge(paid, "tok_success")

    journal = admin(url, "ledger")["journal"]
    assert [line["effect"] for line in journal] == (["captured", ""] if charged else [])
    assert (remote.look_up(paid) is not None) is charged
    assert remote.charge(paid, "tok_success").state is AttemptState.CAPTURED
    assert [line["effect"] for line in admin(url, "ledger")["journal"]].count("captured") == 1


@pytest.mark.parametrize("operation", ["look_up", "capture", "void", "refund", "look_up_refund"])
@pytest.mark.parametrize("fault", ["error", "lose_answer", "garbage"])
def test_every_operation_can_be_made_to_fail(url: str, remote: Remote, operation: str, fault: str) -> None:
    paid = attempt()
    payment_id = str(remote.charge(paid, "tok_authorized").payment_id)
    admin(url, "script", {"operation": operation, "fault": fault})
    refund = refund_of(paid, payment_id)
    arguments = {"look_up": (paid,), "capture": (paid, payment_id), "void": (paid, payment_id)}

    with pytest.raises(NoAnswer):
        getattr(remote, operation)(*arguments.get(operation, (refund,)))

    getattr(remote, operation)(*arguments.get(operation, (refund,)))


def test_a_script_can_be_taken_back_and_concern_any_operation(url: str, remote: Remote) -> None:
    paid = attempt()
    admin(url, "script", {"fault": "error", "times": 5})
    with pytest.raises(NoAnswer):
        remote.look_up(paid)

    admin(url, "script", {"fault": "error", "times": 0})

    assert remote.look_up(paid) is None


@contextmanager
def answering(raw: bytes) -> Iterator[str]:
    """A server that answers each connection with the same bytes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):  # whoever asked may be gone
                connection.recv(65536)
                connection.sendall(raw)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff garbage \r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xfe\xfd\xfc",
        b'HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{"state": "richer"}',
        b'HTTP/1.1 201 Created\r\nContent-Length: 20\r\n\r\n{"state":"captured"}',
        b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here.",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_whatever_is_not_a_clear_answer_is_none(raw: bytes) -> None:
    paid = attempt()
    refund = refund_of(paid, "pay_1")
    asked = [
        ("charge", (paid, "tok_success")),
        ("look_up", (paid,)),
        ("refund", (refund,)),
        ("look_up_refund", (refund,)),
    ]
    with answering(raw) as address:
        for operation, arguments in asked:
            with pytest.raises(NoAnswer):
                getattr(Remote(address, timeout=60), operation)(*arguments)


def test_a_service_that_is_not_there_is_no_answer_and_a_missing_address_is_named() -> None:
    port = free_port()
    with pytest.raises(NoAnswer):
        Remote(f"http://127.0.0.1:{port}").charge(attempt(), "tok_success")

    for address in ("", "127.0.0.1:80", "ftp://127.0.0.1"):
        with pytest.raises(Misconfigured, match="PAYMENT_URL"):
            Remote(address)


def test_many_callers_at_once_charge_each_key_once_and_refund_no_more_than_was_paid(url: str) -> None:
    remote, paid = Remote(url), [attempt() for _ in range(5)]
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda each: remote.charge(each, "tok_success"), paid * 10))
        payment_id = outcomes[0].payment_id
        refunds = list(pool.map(remote.refund, [refund_of(paid[0], payment_id, 500) for _ in range(10)]))

    books = admin(url, "ledger")
    effects = Counter((line["key"], line["effect"]) for line in books["journal"] if line["operation"] == "charge")
    assert effects == {(each.merchant_key, effect): n for each in paid for effect, n in (("captured", 1), ("", 9))}
    assert Counter(each.state for each in refunds) == {RefundState.SUCCEEDED: 5, RefundState.FAILED: 5}
    refunded = {row["orderId"]: row["refunded"] for row in books["payments"]}
    assert refunded == {each.order_id: 2500 if each is paid[0] else 0 for each in paid}


def test_the_books_outlive_the_service_and_their_journal_cannot_be_changed(tmp_path: Path) -> None:
    paid = attempt()
    with running(tmp_path) as url:
        first = Remote(url).charge(paid, "tok_success")
    with running(tmp_path) as url:
        assert Remote(url).charge(paid, "tok_declined") == first
        assert [line["effect"] for line in admin(url, "ledger")["journal"]] == ["captured", ""]

    books = sqlite3.connect(tmp_path / "payments.sqlite3")
    for change in ("UPDATE journal SET row = ''", "DELETE FROM journal"):
        with pytest.raises(sqlite3.IntegrityError):
            books.execute(change)
    books.close()


def test_a_buyer_who_acts_pays(url: str, remote: Remote) -> None:
    paid = attempt()
    waiting = remote.charge(paid, "tok_requires_action")
    assert waiting.next_action
    assert waiting.next_action.url

    completed = admin(url, f"payments/{paid.merchant_key}/complete", {})

    assert completed["state"] == "captured"
    assert remote.void(paid, str(waiting.payment_id)).state is AttemptState.CAPTURED


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nowhere", {}, 404),
        ("payments/ord_none:1/complete", {}, 404),
        ("script", {"fault": "earthquake"}, 400),
        ("script", {"fault": "error", "tymes": 2}, 400),
        ("webhooks", [], 400),
    ],
)
def test_an_administrators_mistake_is_told(url: str, path: str, body: Any, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        admin(url, path, body)

    assert refused.value.code == status
    refused.value.close()


@contextmanager
def telling(tmp_path: Path) -> Iterator[tuple[str, Remote, Any]]:
    """A service that sends its messages into a mailbox."""
    with mailbox() as box, running(tmp_path, webhook_url=box.url, secret=SECRET) as url:
        yield url, Remote(url), box


def test_what_was_told_can_be_asked_for_from_an_instant_on(url: str, remote: Remote) -> None:
    first = attempt()
    remote.charge(first, "tok_success")

    told = list(remote.list_events(0))

    assert [(event.merchant_key, event.amount) for event in told] == [(first.merchant_key, 2500)]
    assert list(remote.list_events(clock.epoch_of(told[0].created_at) + 1)) == []


def states(bodies: list[dict[str, Any]]) -> list[str]:
    return [(body.get("outcome") or body.get("refund"))["state"] for body in bodies]


def test_every_outcome_is_told_once_in_order_and_signed(tmp_path: Path) -> None:
    with telling(tmp_path) as (url, remote, box):
        paid, other = attempt(), attempt()
        waiting = remote.charge(paid, "tok_requires_action")
        admin(url, f"payments/{paid.merchant_key}/complete", {})
        remote.charge(paid, "tok_success")
        remote.refund(refund_of(paid, waiting.payment_id))
        remote.charge(other, "tok_declined")

        bodies = box.wait_for(4)

    assert states(bodies) == ["requires_action", "captured", "succeeded", "failed"]
    assert len({body["eventId"] for body in bodies}) == 4
    for body, headers in box.came:
        signatures.require_signature(body, headers["Simulator-Signature"], [SECRET], clock.epoch())


def test_a_message_that_is_refused_is_sent_again_with_the_same_id_and_a_fresh_signature(tmp_path: Path) -> None:
    with telling(tmp_path) as (url, remote, box):
        box.refusals += [500, 503]
        remote.charge(attempt(), "tok_success")

        bodies = box.wait_for(3)
        wait_until(lambda: admin(url, "ledger")["events"][0]["deliveries"] == 1)
        (event,) = admin(url, "ledger")["events"]

    assert len({json.dumps(body) for body in bodies}) == 1
    assert (event["tries"], event["deliveries"]) == (3, 1)


def test_messages_can_be_held_back_reordered_repeated_and_delayed(tmp_path: Path) -> None:
    with telling(tmp_path) as (url, remote, box):
        admin(url, "webhooks", {"hold": True})
        paid = [attempt() for _ in range(3)]
        for each in paid:
            remote.charge(each, "tok_success")
        held = [event["eventId"] for event in admin(url, "ledger")["events"]]
        assert box.came == []

        admin(url, "webhooks", {"release": True, "reversed": True})
        started = time.monotonic()
        answers = admin(url, "webhooks", {"send": [held[1]], "times": 2, "delaySeconds": 0.1})["deliveries"]
        lasted = time.monotonic() - started

        assert [body["eventId"] for body in box.wait_for(5)] == [*held[::-1], held[1], held[1]]
        assert answers == [{"eventId": held[1], "status": 200}] * 2
        assert lasted >= 0.2
        assert admin(url, "webhooks", {"release": True, "hold": False})["deliveries"] == []


def test_messages_that_nobody_took_are_sent_by_the_next_service(tmp_path: Path) -> None:
    with running(tmp_path) as url:
        Remote(url).charge(attempt(), "tok_success")

    with telling(tmp_path) as (_, _, box):
        assert states(box.wait_for(1)) == ["captured"]


def wait_until(holds: Any, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_command_serves_on_loopback_until_it_is_told_to_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.payments.simulator", "--port", "0", "--state", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        said = str(process.stdout.readline() if process.stdout else "")
        url = said.split()[5].rstrip(";")
        assert url.startswith("http://127.0.0.1:")
        assert Remote(url).charge(attempt(), "tok_success").state is AttemptState.CAPTURED
        process.terminate()

        assert process.wait(60) == 0


def test_webhooks_without_a_secret_are_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.payments.simulator", "--port", "0", "--webhook-url", "http://127.0.0.1:1/"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PATH": ""})

    assert ran.returncode == 2
    assert "WEBHOOK_SECRET" in ran.stderr


def test_a_token_is_never_written_down(tmp_path: Path) -> None:
    paid: Attempt = attempt()
    with running(tmp_path) as url:
        Remote(url).charge(paid, "tok_success")

    assert not [path for path in tmp_path.iterdir() if b"tok_" in path.read_bytes()]


@pytest.fixture
def paid_over_http(aws: None, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stage that is paid through the service."""
    monkeypatch.setenv("PAYMENT_PROVIDER", "simulator-http")
    monkeypatch.setenv("PAYMENT_URL", url)
    settings.current.cache_clear()
    yield
    monkeypatch.undo()
    settings.current.cache_clear()


@pytest.mark.parametrize(
    ("fault", "status", "payment"),
    [
        ("lose_answer", "processing", "paid"),
        ("error_after", "processing", "paid"),
        ("garbage", "processing", "paid"),
        ("error", "cancelled", "failed"),
        ("drop", "cancelled", "failed"),
    ],
)
def test_an_order_whose_answer_was_lost_ends_as_the_books_say_and_is_charged_once_at_most(
    paid_over_http: None, url: str, shop: Shop, fault: str, status: str, payment: str
) -> None:
    mug = shop.admin().product(stock=10)["productId"]
    ada = shop.customer()
    admin(url, "script", {"operation": "charge", "fault": fault})

    placed = ada.order((mug, 2), Idempotency_Key="k")
    swept_after(3, 7)

    assert (placed.status, placed.body["paymentStatus"]) == (202, "unknown")
    order = ada("GET", f"/orders/{placed.body['orderId']}").body
    assert (order["status"], order["paymentStatus"]) == (status, payment)
    effects = [line["effect"] for line in admin(url, "ledger")["journal"]]
    assert effects == (["captured"] if payment == "paid" else [])
    assert shop.stock(mug) == (8 if payment == "paid" else 10)
