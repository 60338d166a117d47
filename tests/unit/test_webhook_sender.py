"""One request to a stranger's server: where it goes, and what counts as an answer."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline
from chalicelib.webhooks import sender
from chalicelib.webhooks.guard import Destination
from chalicelib.webhooks.models import (
    DeliveryAttempt,
)

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
URL = "https://hooks.example.com/shop"


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
        return sender.post(place, ["127.0.0.1"], b"{}", {}, deadline=Deadline(60), tls=ours)


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
