"""Webhooks that the shop sends, without a table: where they may go, what they are signed with, when they come again."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks.webhooks import Webhook as Receiver
from standardwebhooks.webhooks import WebhookVerificationError

from chalicelib.core import clock, ids
from chalicelib.core.events import EVENT_TYPES, PUBLISHED, Event, type_of
from chalicelib.notifications.event_schemas import EVENT_SCHEMAS
from chalicelib.webhooks import guard, sender, signatures
from chalicelib.webhooks.guard import Destination
from chalicelib.webhooks.models import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    DisabledReason,
    Webhook,
    WebhookStatus,
    unmatched,
)
from chalicelib.webhooks.schemas import NewWebhook, WebhookChange
from chalicelib.webhooks.signatures import Secrets, TooManySecrets

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
URL = "https://hooks.example.com/shop"
PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
INSIDE = [
    str(ipaddress.IPv4Address(0)), "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8",
    "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.254", "192.0.0.8", "192.0.0.170", "192.0.2.1",
    "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:169.254.169.254",
    "64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378::1", "2001:2::1",
    "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1",
    "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_sent_to(address: str) -> None:
    assert guard.is_public(address)


@clock.fixed(NOW)
@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_no_place_for_webhooks(address: str) -> None:
    literal = f"[{address}]" if ":" in address else address

    assert not guard.is_public(address)
    with pytest.raises(guard.UrlRefused):
        guard.parse_url(f"https://{literal}/hook", near=False)
    assert sent_to([address]).error == "not_public"
    assert sent_to([PUBLIC[0], address]).error == "not_public"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "ftp://hooks.example.com/", "//hooks.example.com/", "hooks.example.com", "https:///x",
        "https://user@hooks.example.com/", "https://user:password@hooks.example.com/", "https://hooks.example.com/#part",
        "https://hooks.example.com:22/", "https://hooks.example.com:80/", "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/", "https://hooks.example.com:x/", "https://localhost/", "https://shop.localhost/",
        "https://printer.local/", "https://ip-10-0-0-1.ec2.internal/", "https://2130706433/", "https://127.1/",
        "https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://0x7f000001/", "https://hooks.example.com./",
        "https://hooks..example.com/", "https://-hooks.example.com/", "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com/\r\nX-Evil: 1", "https://hooks.example.com/a b", "https://h\u00fctte.example.com/",
        "https://[::1", "https://[fe80::1%25eth0]/", f"https://{'a' * 64}.example.com/", f"https://{'a.' * 130}com/",
        f"https://hooks.example.com/{'a' * 2000}", "https://127.0.0.1\u3002example/", "https://%31%32%37.0.0.1/", "",
        "https://[v1.a]/", "https://[v1.example]/", "https://[hooks.example.com]/", "https://[93.184.215.14]/",
        "https://hooks.[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]hooks.example.com/", "https://[]/",
        "https://2606:4700:4700::1111/", "https://hooks.example.a/", "https://hooks.example.c0m/",
        "https://hooks.example.xn--/", "https://hooks.invalid/", "https://hooks.test/", "https://hooks.example/",
        "https://hooks.onion/", "https://1.1.168.192.in-addr.arpa/",
    ],
)  # fmt: skip
def test_what_is_no_public_https_url_is_refused(url: str) -> None:
    for near in (False, True):
        with pytest.raises(guard.UrlRefused):
            guard.parse_url(url, near=near)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Hooks.Example.com", Destination("hooks.example.com", 443, "/", is_near=False)),
        ("https://hooks.example.com:8443/a?b=c", Destination("hooks.example.com", 8443, "/a?b=c", is_near=False)),
        ("https://xn--htte-0ra.example.com/", Destination("xn--htte-0ra.example.com", 443, "/", is_near=False)),
        ("https://93.184.215.14/", Destination("93.184.215.14", 443, "/", is_near=False)),
        ("https://[2606:4700:4700::1111]:1024/", Destination("2606:4700:4700::1111", 1024, "/", is_near=False)),
    ],
)
def test_a_public_https_url_names_its_place(url: str, place: Destination) -> None:
    assert guard.parse_url(url, near=False) == place


@clock.fixed(NOW)
def test_only_the_local_stage_sends_by_http_and_only_to_its_own_machine() -> None:
    url = "http://127.0.0.1:9000/hook?a=b"

    assert guard.parse_url(url, near=True) == Destination("127.0.0.1", 9000, "/hook?a=b", is_near=True)
    assert guard.parse_url(url.replace("9000", "1024"), near=True).port == 1024
    with pytest.raises(guard.UrlRefused):
        guard.parse_url(url, near=False)
    away = sender.send(url, b"{}", {}, near=True, resolve=lambda *_: ["127.0.0.1", "10.0.0.1"])
    assert away.error == "not_public"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://127.0.0.1:22/", "http://127.0.0.1:80/", "http://127.0.0.1:1023/",
        "http://127.0.0.1:443/", "http://localhost:9000/", "http://127.0.0.2:9000/", "http://[::1]:9000/",
        "http://0.0.0.0:9000/", "http://10.0.0.1:9000/", "http://hooks.example.com:9000/",
        "http://169.254.169.254:9000/latest", "https://127.0.0.1:9000/",
    ],
)  # fmt: skip
def test_by_http_the_local_stage_knows_one_address_and_the_ports_of_programs_that_anybody_starts(url: str) -> None:
    with pytest.raises(guard.UrlRefused):
        guard.parse_url(url, near=True)


# --- One request


def sent_to(addresses: list[str]) -> DeliveryAttempt:
    return sender.send(URL, b"{}", {}, near=False, resolve=lambda *_: addresses)


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that does this with its first connection."""

    def accept() -> None:
        taken, _ = server.accept()
        with taken:
            serve(taken)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(timeout=10)


def posted(port: int) -> DeliveryAttempt:
    return sender.send(f"http://127.0.0.1:{port}/hook?a=b", b"{}", {"webhook-id": "evt_1"}, near=True)


def request_in(connection: socket.socket) -> bytes:
    """All of a request whose body is `{}`: what is left unread would reset the connection."""
    came = b""
    while not came.endswith(b"\r\n\r\n{}"):
        if not (part := connection.recv(65_536)):
            break
        came += part
    return came


def answering(answer: bytes, *, taken: list[bytes] | None = None) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        came = request_in(connection)
        if taken is not None:
            taken.append(came)
        connection.sendall(answer)

    return serve


@clock.fixed(NOW)
def test_a_request_is_a_post_of_the_body_to_path_and_query() -> None:
    taken: list[bytes] = []

    with listening(answering(b"HTTP/1.1 204 No Content\r\n\r\n", taken=taken)) as port:
        attempt = posted(port)

    head = taken[0].split(b"\r\n\r\n")[0].split(b"\r\n")
    assert (attempt.status, attempt.error) == (204, None)
    assert head[0] == b"POST /hook?a=b HTTP/1.1"
    assert {b"Host: 127.0.0.1:%d" % port, b"Content-Type: application/json", b"webhook-id: evt_1"} <= set(head)


@clock.fixed(NOW)
@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"", "connection"), (b"SSH-2.0-OpenSSH_9.6\r\n", "not_http"), (b"a" * 200_000, "not_http")],
)
def test_what_is_no_answer_in_http_is_an_error(answer: bytes, error: str) -> None:
    with listening(answering(answer)) as port:
        attempt = posted(port)

    assert (attempt.status, attempt.error) == (None, error)


@clock.fixed(NOW)
def test_no_more_than_64_kilobytes_of_an_answer_are_read() -> None:
    read: list[int] = []

    def serve(connection: socket.socket) -> None:
        request_in(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(OSError):  # reset or broken, as it happens
            while sum(read) < 50_000_000:
                read.append(connection.send(b"X-Filler: " + b"a" * 1000 + b"\r\n"))

    with listening(serve) as port:
        attempt = posted(port)

    assert (attempt.status, attempt.error) == (200, None)  # it has said what it had to
    assert sum(read) < 20_000_000  # what the buffers between the two took


@clock.fixed(NOW)
def test_an_answer_that_comes_drop_by_drop_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "SECONDS", 0.5)

    def serve(connection: socket.socket) -> None:
        request_in(connection)
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return
            time.sleep(0.05)

    with listening(serve) as port:
        attempt = posted(port)

    assert (attempt.status, attempt.error) == (None, "timeout")
    assert attempt.milliseconds < 20_000  # it would take 50 s to the end


@clock.fixed(NOW)
def test_a_closed_port_and_an_unknown_host_are_errors() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    def unknown(*_: object) -> list[str]:
        raise socket.gaierror

    assert posted(port).error == "connection"
    assert sender.send(URL, b"{}", {}, near=False, resolve=unknown).error == "unresolved"
    assert sent_to([]).error == "not_public"


@clock.fixed(NOW)
def test_a_host_that_is_resolved_differently_the_second_time_is_not_asked_again() -> None:
    """DNS rebinding: the connection goes to the address that was judged."""
    answers, tried = [["93.184.215.14"], ["127.0.0.1"]], []

    def rebinding(_: str, __: int) -> list[str]:
        return answers.pop(0)

    def noted(address: tuple[str, int], **_: object) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sender.socket, "create_connection", noted)
        attempt = sender.send(URL, b"{}", {}, near=False, resolve=rebinding)

    assert (attempt.error, tried, answers) == ("connection", [("93.184.215.14", 443)], [["127.0.0.1"]])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hooks.example.com that its own key has signed, with that key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example.com")])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(9999, 12, 31, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(private + signed.public_bytes(pem))
    return path


def posted_by_tls(host: str, certificate: Path, names: list[str | None]) -> int:
    """The status of a request in the name of that host to a server here that holds the certificate."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate)
    theirs.sni_callback = lambda _, name, __: names.append(name)

    def serve(connection: socket.socket) -> None:
        try:
            with theirs.wrap_socket(connection, server_side=True) as secured:
                answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(secured)
        except OSError:
            return

    with listening(serve) as port:
        place = Destination(host, port, "/", is_near=False)
        ours = ssl.create_default_context(cafile=str(certificate))
        return sender.post(place, ["127.0.0.1"], b"{}", {}, until=clock.monotonic() + 60, tls=ours)


def test_the_certificate_is_the_hosts_though_the_connection_goes_to_an_address(certificate: Path) -> None:
    names: list[str | None] = []

    assert posted_by_tls("hooks.example.com", certificate, names) == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        posted_by_tls("other.example.com", certificate, names)

    assert names == ["hooks.example.com", "other.example.com"]


@clock.fixed(NOW)
def test_a_certificate_that_nobody_vouches_for_is_an_error(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "_require_public_addresses", lambda *_: ["127.0.0.1"])
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate)

    def serve(connection: socket.socket) -> None:
        with pytest.raises(OSError), theirs.wrap_socket(connection, server_side=True):  # noqa: PT011 - any will do
            pytest.fail("the handshake went through")

    with listening(serve) as port:
        attempt = sender.send(f"https://hooks.example.com:{port}/", b"{}", {}, near=False)

    assert (attempt.status, attempt.error) == (None, "tls")


# --- Signatures


@pytest.mark.real_time  # the receiver's library has no other
def test_a_receiver_verifies_with_the_specifications_own_library() -> None:
    secrets, body = Secrets.create(), b'{"id":"evt_1","data":{"price":12.50}}'
    headers = signatures.headers("evt_1", body, at=clock.epoch(), by=secrets.signing)

    Receiver(secrets.newest).verify(body, headers)

    for wrong in ({"webhook-id": "evt_2"}, {"webhook-timestamp": str(clock.epoch() + 1)}):
        with pytest.raises(WebhookVerificationError):
            Receiver(secrets.newest).verify(body, {**headers, **wrong})
    for stranger, tampered in ((signatures.new_secret(), body), (secrets.newest, body + b" ")):
        with pytest.raises(WebhookVerificationError):
            Receiver(stranger).verify(tampered, headers)


def test_a_secret_has_256_random_bits() -> None:
    made = {signatures.new_secret() for _ in range(50)}

    assert len(made) == 50
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in made} == {32}


def test_the_old_secret_signs_beside_the_new_one_for_a_day() -> None:
    with clock.fixed(NOW):
        first = Secrets.create()
        both = first.rotated()
        assert both.signing == (both.newest, first.newest)
    with clock.fixed(NOW + timedelta(hours=23, minutes=59)):
        assert both.signing == (both.newest, first.newest)
    with clock.fixed(NOW + timedelta(hours=24)):
        assert both.signing == (both.newest,)
        third = both.rotated()
        assert third.signing == (third.newest, both.newest)


def test_an_old_secret_does_not_end_early_however_often_it_is_replaced() -> None:
    with clock.fixed(NOW):
        first = secrets = Secrets.create()
        for _ in range(4):
            secrets = secrets.rotated()
        with pytest.raises(TooManySecrets):
            secrets.rotated()
        assert (len(secrets.signing), secrets.signing[-1]) == (5, first.newest)


def test_a_secret_does_not_show_in_what_is_printed() -> None:
    secrets = Secrets.create()

    assert secrets.newest not in repr(secrets)


# --- Endpoints

# Says which of msgspec's own functions, those that learn a shape, run when a delivery and secrets are read.
LEARNING = """
import sys, msgspec
from chalicelib.webhooks import store
from chalicelib.webhooks.models import Delivery
from chalicelib.webhooks.signatures import Secrets
store.prepare()
called = []
sys.setprofile(lambda frame, *_: called.append(frame.f_code.co_name) if "msgspec" in frame.f_code.co_filename else None)
ids = dict.fromkeys(("deliveryId", "webhookId", "eventId", "eventType", "payload", "createdAt"), "x")
msgspec.convert({**ids, "expiresAt": 1, "attempts": [{"at": "x", "milliseconds": 1}]}, Delivery)
msgspec.convert({"secrets": [{"value": "x"}], "version": 1}, Secrets)
sys.setprofile(None)
print(called)
"""


def test_threads_learn_no_shape_at_the_same_time() -> None:
    """Two that do crash the process; a fresh one here, because shapes are learnt once."""
    ran = subprocess.run([sys.executable, "-c", LEARNING], cwd=ROOT, capture_output=True, text=True, check=True)

    assert ran.stdout == "[]\n"


def webhook(*events: str, **more: object) -> Webhook:
    made = Webhook.create(NewWebhook(url=URL, events=events or ("*",)))
    return msgspec.structs.replace(made, **more)


@clock.fixed(NOW)
@pytest.mark.parametrize(
    ("events", "event_type", "wanted"),
    [
        (("*",), "order.created.v1", True),
        (("order.*",), "order.created.v1", True),
        (("order.created.*",), "order.created.v1", True),
        (("order.created.v1",), "order.created.v1", True),
        (("user.*", "order.created.v1"), "order.created.v1", True),
        (("order.created.v1",), "order.created.v10", False),
        (("order.created",), "order.created.v1", False),
        (("order.*",), "orders.created.v1", False),
        (("order.*",), "order", False),
        (("user.*", "product.*"), "order.created.v1", False),
    ],
)
def test_an_endpoint_hears_what_its_filters_match(events: tuple[str, ...], event_type: str, *, wanted: bool) -> None:
    assert webhook(*events).wants(event_type) is wanted


@pytest.mark.parametrize("events", [("*",), ("order.*",), ("order.created.*",), ("stock.low.v1", "cart.expired.v1")])
def test_what_matches_a_type_that_is_told_is_a_filter(events: tuple[str, ...]) -> None:
    assert unmatched(events) == []


@pytest.mark.parametrize(
    "pattern",
    [
        "nope.created.v1", "order.created.v2", "order", "order.created", "o.*", "ord.*", "order.created.v1.*",
        "stock.changed.v1", "webhook.*", "webhook.test.v1",
    ],
)  # fmt: skip
def test_what_matches_no_type_that_is_told_is_no_filter(pattern: str) -> None:
    assert unmatched(("order.*", pattern)) == [1]


def test_the_types_to_choose_from_are_those_that_are_told() -> None:
    assert tuple(EVENT_SCHEMAS) == PUBLISHED
    assert tuple(type_of(kind) for kind in PUBLISHED) == EVENT_TYPES


@clock.fixed(NOW)
def test_a_change_that_changes_nothing_is_none() -> None:
    before = webhook("order.*")

    assert before.changed(WebhookChange()) is before
    assert before.changed(WebhookChange(url=URL, events=("order.*", "order.*"), is_active=True)) is before


@clock.fixed(NOW)
def test_switching_on_or_another_url_is_a_fresh_start() -> None:
    failing = webhook(failing_since=clock.timestamp())
    off = failing.disabled_by_shop(DisabledReason.FAILING)

    on = off.changed(WebhookChange(is_active=True))

    assert off.status is WebhookStatus.DISABLED
    assert (on.status, on.disabled_at, on.disabled_reason, on.failing_since) == (WebhookStatus.ACTIVE, None, None, None)
    assert off.changed(WebhookChange(is_active=False)) is off
    assert failing.changed(WebhookChange(url=f"{URL}/2")).failing_since is None
    assert failing.changed(WebhookChange(description="Stock")).failing_since == failing.failing_since


def test_an_endpoint_is_given_up_when_it_says_gone_or_after_five_days_of_failures() -> None:
    def attempt(status: int | None) -> DeliveryAttempt:
        return DeliveryAttempt(at=clock.timestamp(), status=status, milliseconds=1)

    with clock.fixed(NOW):
        patient = webhook(failing_since=clock.timestamp(NOW - timedelta(days=4, hours=23)))
        tired = webhook(failing_since=clock.timestamp(NOW - timedelta(days=5)))
        assert webhook().verdict(attempt(410)) is DisabledReason.GONE
        assert [each.verdict(attempt(500)) for each in (webhook(), patient, tired)] == [
            None, None, DisabledReason.FAILING,
        ]  # fmt: skip


# --- Deliveries


def delivery() -> Delivery:
    event = Event(id="evt_1", type="order.created.v1", timestamp=clock.timestamp(), data={"orderId": "ord_1"})
    return Delivery.create(event, webhook())


@clock.fixed(NOW)
def test_the_same_event_and_endpoint_make_the_same_delivery() -> None:
    target, other = webhook(), webhook()
    event = Event(id="evt_1", type="order.created.v1", timestamp="2026-11-21T09:30:00.000Z", data={})

    made = [Delivery.create(event, each).delivery_id for each in (target, target, other)]

    assert made[0] == made[1] != made[2]
    assert all(ids.is_valid("dlv", each) for each in made)
    assert made[0][:14] == ids.new("dlv")[:14]  # ordered by the time of the event


def test_a_delivery_that_keeps_failing_is_tried_ten_times_over_three_days() -> None:
    minutes = []
    with clock.fixed(NOW):
        tried = delivery()
        for _ in range(9):
            tried = tried.attempted(DeliveryAttempt(at=clock.timestamp(), status=500, milliseconds=1))
            assert tried.state is DeliveryState.PENDING
            minutes.append((clock.parse(str(tried.next_at)) - NOW) / timedelta(minutes=1))
        given_up = tried.attempted(DeliveryAttempt(at=clock.timestamp(), error="timeout", milliseconds=1))

    for waited, base in zip(minutes, (1, 5, 30, 120, 300, 600, 840, 1200, 1440), strict=True):
        assert base - 0.001 <= waited <= base * 1.1
    assert (given_up.state, given_up.next_at, len(given_up.attempts)) == (DeliveryState.FAILED, None, 10)


def test_what_failed_together_does_not_come_back_together() -> None:
    with clock.fixed(NOW):
        failed = DeliveryAttempt(at=clock.timestamp(), status=500, milliseconds=1)
        assert len({delivery().attempted(failed).next_at for _ in range(20)}) > 10


@clock.fixed(NOW)
@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "delivered"), (204, "delivered"), (299, "delivered"), (301, "pending"), (400, "pending"), (410, "failed")],
)
def test_only_a_status_of_success_is_a_delivery(status: int, state: str) -> None:
    assert delivery().attempted(DeliveryAttempt(at=clock.timestamp(), status=status, milliseconds=1)).state == state
