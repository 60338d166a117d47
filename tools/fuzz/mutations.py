"""The ways to make a request strange: its line, its address, its headers and its body."""

from __future__ import annotations

import codecs
import gzip
import json
from collections.abc import Callable
from random import Random
from typing import Any

from tools.fuzz import framing, oddities
from tools.fuzz.drafts import Draft

Mutation = Callable[[Random, Draft], None]
_METHODS = (
    b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PROPFIND", b"BREW",
    b"get", b"G@T", b"", b"\x00", b"GET\x00", b"A" * 5000, b"GET /hello", b"M-SEARCH",
)  # fmt: skip
_VERSIONS = (
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/2.0",
    b"HTTP/1.10",
    b"HTTP/1.1 ",
    b"http/1.1",
    b"HTTP/9.9",
    b"HTTP/",
    b"",
    b"HTTP/1.1\x00",
)
_LINES = (
    (b"PRI", b"*", b"HTTP/2.0"), (b"GET", b"/hello", b""), (b"OPTIONS", b"*", b"HTTP/1.1"), (b"CONNECT", b"shop:443",
    b"HTTP/1.1"), (b"GET", b"http://shop/hello", b"HTTP/1.1"), (b"GET", b"https://evil.example/hello", b"HTTP/1.1"),
    (b"GET", b"hello", b"HTTP/1.1"), (b"", b"", b""), (b"GET", b"", b"HTTP/1.1"), (b"GET", b"  /hello", b"HTTP/1.1"),
    (b"GET", b"/hello\t", b"HTTP/1.1"),
)  # fmt: skip
_DETOURS = (
    b"/..", b"/.", b"/%2e%2e", b"/%2e", b"//", b"/\\", b"\\", b";a=b", b"/;a", b"/%2f", b"%2f..%2f", b"/%00", b"\x00",
    b"#top", b"?", b"??", b"/%252e%252e", b"/../../etc/passwd", b"/%c0%ae%c0%ae", b"%", b"%zz", b" ", b"\xff",
    b"/..;/", b"&", b"/%0d%0aX-Injected:1", b"/" * 500,
)  # fmt: skip
_TYPES = (
    b"application/json", b"application/json; charset=utf-8", b"text/plain", b"application/xml",
    b"multipart/form-data; boundary=x", b"*/*", b"application/json, text/html", b"application/json;charset=utf-16",
    b"application/x-www-form-urlencoded", b"image/png", b"APPLICATION/JSON",
)  # fmt: skip
_HEADERS = {
    b"Accept": (b"*/*", b"text/html", b"application/xml", b"application/json;q=0", b"text/*;q=0.1, */*;q=0", b";;;",
    b"a" * 5000), b"Accept-Encoding": (b"gzip", b"br", b"gzip;q=0", b"*", b"gzip;q=9999999", b"identity;q=0", b";q=",
    b"gzip;q=" + b"9" * 400), b"Content-Encoding": (b"gzip", b"br", b"deflate", b"identity", b"gzip, gzip", b"\xff"),
    b"Content-Type": _TYPES,
    b"Idempotency-Key": (b"a", b'"a"', b"a" * 255, b"a" * 256, b"\xc3\xa9", b'"', b'"a', b"a, b", b"\x7f", b""),
    b"If-Match": (b"*", b'"1"', b'W/"1"', b'"1", "2"', b'"', b"1", b"\xff", b"9" * 400, b""),
    b"If-None-Match": (b"*", b'"1"', b'W/"1"', b", ,", b'"' + b"a" * 5000 + b'"'),
    b"X-Cart-Token": (b"a", b"\xff\xfe", b"\xe2\x80\xaea", b"a" * 5000, b"../..", b"GUEST#1"),
    b"X-Correlation-Id": (b"3f2504e0-4f89-41d3-9a0c-0305e82c3301", b"Ada", b"\xff", b"a" * 5000),
    b"X-Request-Id": (b"3f2504e0-4f89-41d3-9a0c-0305e82c3301", b"\xff", b"a" * 5000),
    b"User-Agent": (b"", b"\xff\xfe", b"a" * 5000, b"<script>", b"\xe2\x80\xae"),
    b"Range": (b"bytes=0-", b"bytes=-1", b"bytes=0-0,1-1,2-2", b"pages=1"),
    b"Host": (b"", b"evil.example", b"a b", b"shop:99999", b"[::1", b"shop/../"),
    b"Connection": (b"close", b"keep-alive", b"upgrade", b"Content-Length", b"close, keep-alive"),
    b"Upgrade": (b"h2c", b"websocket"),
    b"X-Forwarded-For": (b"127.0.0.1", b"a" * 5000, b"1.2.3.4, \xff"),
    b"X-HTTP-Method-Override": (b"DELETE",),
    b"Origin": (b"https://evil.example", b"null", b"\xff"),
}  # fmt: skip
_SPELLINGS: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: codecs.BOM_UTF8 + body, lambda body: body.decode("utf-8", "replace").encode("utf-16"),
    lambda body: body[: len(body) // 2], lambda body: body + body, lambda body: body + b"\x00",
    lambda body: b"\xff" + body, *(
        lambda _, other=other: other for other in (
            b"", b" ", b"null", b"[]", b'""', b"\x00" * 100, b"[" * oddities.DEEP, b" " * 1_100_000, b"a=b&c=d",
            b"<?xml version='1.0'?><a/>", b"--x\r\n\r\n\r\n--x--",
        )
    ),
)  # fmt: skip
_BEARERS = (
    b"Bearer", b"Bearer ", b"bearer x", b"Bearer a.b.c", b"Basic YTpi", b"Bearer eyJhbGciOiJub25lIn0.e30.",
    b"Bearer \xff", b"Bearer " + b"a" * 8000, b"",
    b"AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=00", b"Bearer null",
    b"Bearer a b",
)  # fmt: skip


def method(random: Random, draft: Draft) -> None:
    """Another method, or none."""
    draft.method = random.choice(_METHODS)


def line(random: Random, draft: Draft) -> None:
    """A first line that is of another protocol, or of none."""
    if random.random() < 0.5:  # noqa: PLR2004 - half of them
        draft.version = random.choice(_VERSIONS)
    else:
        draft.method, draft.target, draft.version = random.choice(_LINES)


def path(random: Random, draft: Draft) -> None:
    """A detour somewhere in the path."""
    parts = draft.target.split(b"/")
    at = random.randrange(len(parts))
    parts[at] = random.choice((parts[at] + random.choice(_DETOURS), random.choice(_DETOURS), oddities.text(random)))
    draft.target = b"/".join(parts)


def part(random: Random, draft: Draft) -> None:
    """Any text for the last part of the path."""
    before, _, _ = draft.target.partition(b"?")[0].rpartition(b"/")
    draft.target = before + b"/" + oddities.text(random)


def query(random: Random, draft: Draft) -> None:
    """Parameters that are strange, unknown, or there twice."""
    names = (
        b"limit",
        b"cursor",
        b"q",
        b"status",
        b"minPrice",
        b"since",
        b"sku",
        b"active",
        b"all",
        b"inStock",
        b"category",
        b"role",
        b"",
    )
    said = [
        b"%s=%s" % (random.choice((*names, oddities.text(random))), oddities.text(random))
        for _ in range(random.randint(1, 3))
    ]
    draft.target += (b"&" if b"?" in draft.target else b"?") + b"&".join(said)


def header(random: Random, draft: Draft) -> None:
    """A header that the shop heeds, with what it does not expect."""
    name = random.choice(list(_HEADERS))
    draft.set(name, random.choice((*_HEADERS[name], oddities.text(random))))


def bearer(random: Random, draft: Draft) -> None:
    """A token that is none."""
    draft.set(b"Authorization", random.choice((*_BEARERS, oddities.text(random))))


def twice(random: Random, draft: Draft) -> None:
    """A header that stands twice, the same or not."""
    if draft.headers:
        name, value = random.choice(draft.headers)
        draft.headers.append(
            (random.choice((name, name.lower(), name.upper())), random.choice((value, oddities.text(random))))
        )


def many(random: Random, draft: Draft) -> None:
    """More headers than there may be, or larger ones."""
    count, size = random.choice(((150, 10), (60, 2000), (1, 70_000), (20, 8000), (99, 1)))
    draft.headers += [(b"X-Much-%d" % number, b"a" * size) for number in range(count)]


def without(random: Random, draft: Draft) -> None:
    """Without a header."""
    if draft.headers:
        draft.drop(random.choice(draft.headers)[0])


def value(random: Random, draft: Draft) -> None:
    """A body with a part that is strange."""
    draft.body = oddities.strange(random, _read(draft.body))


def body(random: Random, draft: Draft) -> None:
    """A body in another spelling, or that is none of JSON."""
    draft.body = random.choice(_SPELLINGS)(draft.body)
    if random.random() < 0.3:  # noqa: PLR2004 - some of them
        draft.set(b"Content-Encoding", b"gzip")


def packed(random: Random, draft: Draft) -> None:
    """A body that is packed by gzip, whole or not, or far larger than it looks."""
    draft.body = gzip.compress(random.choice((draft.body, b" " * 20_000_000)), compresslevel=1, mtime=0)
    draft.body = draft.body[: random.choice((None, None, -5))]
    draft.set(b"Content-Encoding", random.choice((b"gzip", b"gzip", b"deflate", b"br")))


def as_it_is(random: Random, draft: Draft) -> None:
    """Nothing strange: what the shop takes."""


MUTATIONS: tuple[tuple[Mutation, int], ...] = (
    (as_it_is, 1), (method, 2), (line, 2), (path, 4), (part, 5), (query, 6), (header, 8), (bearer, 2), (twice, 2),
    (many, 1), (without, 1), (value, 16), (body, 4), (packed, 1), (framing.wrong_length, 2), (framing.two_lengths, 1),
    (framing.too_long, 1), (framing.too_short, 1), (framing.chunks, 2), (framing.chunks_and_length, 2),
    (framing.folded, 2), (framing.pipelined, 1), (framing.expecting, 1),
)  # fmt: skip


def _read(said: bytes) -> Any:
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return {}
