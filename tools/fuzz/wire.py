"""Sends bytes and reads answers, neither of them longer than a bound; an answer is read as RFC 9112 writes it."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.core import clock
from chalicelib.core.deadline import Deadline

HOST = "127.0.0.1"
PAUSE_SECONDS = 0.005  # between parts
MAX_ANSWER_BYTES = 32 * 1024 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [ -~]*\r\n")
_HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([^\x00-\x08\x0a-\x1f\x7f]*)\r\n")
_WITHOUT_BODY = (204, 304)


@dataclass(frozen=True)
class RawAnswer:
    """One answer; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Exchange:
    """What came back: answers, and bytes that are no answer, if any."""

    answers: tuple[RawAnswer, ...]
    rest: bytes
    seconds: float
    is_late: bool


def exchange(port: int, parts: Sequence[bytes], *, is_ended: bool, is_head: bool, patience: float) -> Exchange:
    """Send the parts on a connection of their own, and read until the shop hangs up or patience is over."""
    began, until = clock.monotonic(), Deadline(patience)
    with socket.create_connection((HOST, port), timeout=patience) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _send(connection, parts, is_ended=is_ended)
        came, is_late = _receive(connection, until)
    answers, rest = read(came, is_head=is_head)
    return Exchange(answers, rest, clock.monotonic() - began, is_late)


def read(came: bytes, *, is_head: bool) -> tuple[tuple[RawAnswer, ...], bytes]:
    """The answers that stand one behind another, and what is left; those to a HEAD say a length and have no body."""
    answers: list[RawAnswer] = []
    while found := _STATUS_LINE.match(came):
        status, at, headers = int(found[1]), found.end(), {}
        while line := _HEADER_LINE.match(came, at):
            headers[line[1].decode().lower()], at = line[2].decode("latin-1"), line.end()
        if came[at : at + 2] != b"\r\n":
            break
        came, begin = came[at + 2 :], at
        if status < 200:  # noqa: PLR2004 - a word on the way, and no answer
            continue
        length = 0 if status in _WITHOUT_BODY else int(headers.get("content-length", "0"))
        if is_head and begin and (not came or came.startswith(b"HTTP/1.1 ")):
            length = 0
        answers.append(RawAnswer(status, headers, came[:length]))
        if len(came) < length:
            return tuple(answers), b"(the body is shorter than it says)"
        came = came[length:]
    return tuple(answers), came


def _send(connection: socket.socket, parts: Sequence[bytes], *, is_ended: bool) -> None:
    try:
        for number, part in enumerate(parts):
            if number:
                clock.pause(PAUSE_SECONDS)
            connection.sendall(part)
        if is_ended:
            connection.shutdown(socket.SHUT_WR)
    except OSError:
        return  # the shop has heard enough; what it said is read all the same


def _receive(connection: socket.socket, until: Deadline) -> tuple[bytes, bool]:
    """What comes until the other side hangs up, and whether that took too long."""
    came = bytearray()
    try:
        while len(came) < MAX_ANSWER_BYTES:
            connection.settimeout(max(0.01, until.left))
            if not (more := connection.recv(65536)):
                return bytes(came), False
            came += more
    except TimeoutError:
        return bytes(came), True
    except OSError:
        return bytes(came), False
    return bytes(came), True
