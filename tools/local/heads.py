"""The line and the headers of a request, read as RFC 9112 writes them and in no other way.

What two readers could understand differently is refused, since a second request could hide in the difference.
"""

import re
from typing import BinaryIO, NamedTuple

from chalicelib.api import spelling

MAX_HEAD_BYTES = 65_536
MAX_HEADERS = 100
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) HTTP/([0-9]\.[0-9])\r\n")
_HEADER_LINE = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\r\n")
_TARGET = re.compile(r"/(?:[!$&-~]|%[0-9A-Fa-f]{2})*")  # a path and a query; neither an address nor a fragment
_VERSIONS = ("1.0", "1.1")
_DIGITS = re.compile(r"[0-9]+")
# What the app wants once, and what HTTP itself does.
_SINGLE = spelling.SINGLE | {"content-length", "date", "expect", "host", "transfer-encoding"}


class Refused(Exception):
    """A request that is not answered but for this: a status, a code and a sentence."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        """The parts of a problem document."""
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


class Head(NamedTuple):
    """A request without its body; header names are in lower case, and values of one name are one list."""

    method: str
    target: str
    version: str
    headers: dict[str, str]


def read(line: bytes, more: BinaryIO) -> Head:
    """The head that begins with `line`; the body stays in `more`. Raises `Refused` for any but the one spelling."""
    if len(line) > MAX_HEAD_BYTES:
        raise Refused(414, "uri_too_long", "The request line is too long.")
    found = _REQUEST_LINE.fullmatch(line)
    if not found:
        raise _bad("The request line must be a method, a path and HTTP/1.1, with one blank between them.")
    method, target, version = (part.decode() for part in found.groups())
    if version not in _VERSIONS:
        raise Refused(505, "http_version_not_supported", "Speak HTTP/1.1.")
    if not _TARGET.fullmatch(target) or "#" in target:
        raise _bad("The address must be a path, with what is special in it percent-encoded.")
    headers = _headers(more)
    if version == "1.1" and "host" not in headers:
        raise _bad("HTTP/1.1 asks for a Host header.")
    return Head(method, target, version, headers)


def body_length(headers: dict[str, str], *, most: int) -> int:
    """How many bytes follow the head. Raises `Refused` unless there is one answer, of at most `most`."""
    text = headers.get("content-length", "0")
    if "transfer-encoding" in headers:
        raise Refused(411, "length_required", "Send the body with a Content-Length, not in chunks.")
    if not _DIGITS.fullmatch(text):
        raise _bad("Content-Length must be one whole number.")
    digits = text.lstrip("0") or "0"
    if len(digits) > len(str(most)) or int(digits) > most:
        raise Refused(413, "payload_too_large", spelling.TOO_LARGE)
    return int(digits)


def _headers(more: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    left = MAX_HEAD_BYTES
    for _ in range(MAX_HEADERS + 1):
        line = more.readline(left + 1)
        left -= len(line)
        if left < 0:
            raise _too_many()
        if line == b"\r\n":
            return headers
        name, value = _header(line)
        if name in headers and name in _SINGLE:
            raise _bad(f"The header {name} stands twice.")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raise _too_many()


def _header(line: bytes) -> tuple[str, str]:
    found = _HEADER_LINE.fullmatch(line)
    if not found:
        raise _bad("A header must be a name, a colon and a value on one line that ends in CR and LF.")
    return found[1].decode().lower(), found[2].decode("latin-1")


def _bad(detail: str) -> Refused:
    return Refused(400, "bad_request", detail)


def _too_many() -> Refused:
    return Refused(431, "request_header_fields_too_large", f"At most {MAX_HEADERS} headers of {MAX_HEAD_BYTES} bytes.")
