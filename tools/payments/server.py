"""The simulator over HTTP: requests to calls, and faults to errors, silence and lost connections."""

import logging
import socket
import struct
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import msgspec

from chalicelib.payments.port import NoAnswer
from chalicelib.payments.simulator.behaviour import NotPossible
from tools.payments.calls import Calls, NeverHeardCall, SimulatorCall
from tools.payments.faults import Fault, Faults

LOG = logging.getLogger(__name__)
HOST = "127.0.0.1"
HANG_SECONDS = 60.0
MAX_BYTES = 1_000_000  # bytes of a request


class Silence(Exception):
    """The caller is to learn nothing."""


class SimulatorServer(ThreadingHTTPServer):
    """Listens on loopback only; a port of 0 is any that is free."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, calls: Calls, faults: Faults) -> None:
        """Begin to listen."""
        self.calls, self.faults, self.ended = calls, faults, threading.Event()
        super().__init__((HOST, port), SimulatorHandler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_address[1]}"

    def shutdown(self) -> None:
        """End, and let those go that hang."""
        self.ended.set()
        super().shutdown()


class SimulatorHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30
    server: SimulatorServer

    def do_GET(self) -> None:
        """Answer a question."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Do something."""
        self._serve("POST")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Bodies and tokens are never part of it."""
        LOG.info(format, *args)

    def _serve(self, method: str) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BYTES))
        found = self.server.calls.find(method, unquote(self.path))
        if found is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "no such address"})
            return
        try:
            self._perform(*found, body)
        except (msgspec.DecodeError, NotPossible) as error:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        except (NoAnswer, Silence):
            self._reset()

    def _perform(self, call: SimulatorCall, name: str, body: bytes) -> None:
        """Do the call and answer it, unless a fault is scripted for it."""
        fault = self.server.faults.take(call.operation) if call.operation else None
        if fault and fault.is_before:
            self._fail(fault)
            return
        status, answer = _result(call, name, body)
        if fault:
            self._fail(fault)
            return
        self._answer(status, answer)

    def _fail(self, fault: Fault) -> None:
        if fault in (Fault.ERROR, Fault.ERROR_AFTER):
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "scripted"})
        elif fault is Fault.GARBAGE:
            self._write(HTTPStatus.OK, b'{"state": "capt')
        else:
            if fault in (Fault.HANG, Fault.HANG_AFTER):
                self.server.ended.wait(HANG_SECONDS)
            raise Silence

    def _answer(self, status: HTTPStatus, body: Any) -> None:
        self._write(status, msgspec.json.encode(body))

    def _write(self, status: HTTPStatus, body: bytes) -> None:
        with suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _reset(self) -> None:
        """End the connection as a broken network does."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()


def _result(call: SimulatorCall, name: str, body: bytes) -> tuple[HTTPStatus, Any]:
    try:
        return HTTPStatus.OK, call.do(body, name)
    except NeverHeardCall:
        return HTTPStatus.NOT_FOUND, {"unheard": name}
