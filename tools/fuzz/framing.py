"""Where a request ends: lengths, chunks and both, each with a request behind it that must not be found within."""

from __future__ import annotations

from random import Random

from tools.fuzz.drafts import CRLF, Draft

HIDDEN = b"GET /hello HTTP/1.1\r\nHost: shop\r\nX-Hidden: 1\r\n\r\n"
_LENGTHS = (
    b"-1", b"+5", b"0x5", b"5.0", b"1_0", b"", b" ", b"5, 5", b"5,6", b"9" * 40, b"10485761", b"2147483648",
    b"18446744073709551617", b"\xd9\xa5", b"5;", b"NaN", b"1e3", b"5 5", b"00", b"\x005",
)  # fmt: skip
_CODINGS = (
    b"chunked", b"Chunked", b"xchunked", b"chunked, identity", b"identity", b"gzip, chunked", b"chunked;q=1", b"",
    b"\x0bchunked", b'"chunked"', b"chunked\x00",
)  # fmt: skip
_CHUNKS = (
    b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"5\r\nhello\r\n0\r\nX-Trailer: 1\r\nContent-Length: 5\r\n\r\n",
    b"zz\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff1\r\nhello\r\n",
    b'5;ext="\r\n"\r\nhello\r\n0\r\n\r\n', b"0x5\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"5\r\nhel",
    b"5\r\nhelloX0\r\n\r\n", b"\r\n0\r\n\r\n", b"",
)  # fmt: skip


def wrong_length(random: Random, draft: Draft) -> None:
    """A length that is none, or none of this body."""
    _unmeasured(draft)
    draft.lines.append(b"Content-Length: " + random.choice(_LENGTHS))
    draft.body += HIDDEN
    draft.most_answers += 1  # 00 is a length, after which another request may come


def two_lengths(random: Random, draft: Draft) -> None:
    """Two lengths, the same or not, in whatever letters."""
    _unmeasured(draft)
    first, second = random.choice(((0, 0), (0, len(HIDDEN)), (len(draft.body), 0), (5, 6)))
    draft.lines += [
        b"Content-Length: %d" % first,
        random.choice((b"content-length: %d", b"CONTENT-LENGTH:%d")) % second,
    ]
    draft.body += HIDDEN


def too_long(random: Random, draft: Draft) -> None:
    """More is promised than comes."""
    _unmeasured(draft)
    draft.lines.append(b"Content-Length: %d" % (len(draft.body) + random.choice((1, 100, 1_000_000))))


def too_short(random: Random, draft: Draft) -> None:
    """Less is promised than comes, so that what is left begins another request."""
    _unmeasured(draft)
    draft.lines.append(b"Content-Length: %d" % random.randrange(len(draft.body) + 1))
    draft.most_answers += 1


def chunks(random: Random, draft: Draft) -> None:
    """A body in chunks, well or badly made."""
    _unmeasured(draft)
    draft.lines.append(b"Transfer-Encoding: " + random.choice(_CODINGS))
    draft.body = random.choice(_CHUNKS) + HIDDEN


def chunks_and_length(random: Random, draft: Draft) -> None:
    """Both ways to say where the body ends, of which two readers take different ones."""
    _unmeasured(draft)
    both = [b"Content-Length: %d" % random.choice((0, 4, 5)), b"Transfer-Encoding: " + random.choice(_CODINGS)]
    random.shuffle(both)
    draft.lines += both
    draft.body = random.choice(_CHUNKS) + HIDDEN


def folded(random: Random, draft: Draft) -> None:
    """A header that goes on in the next line, or a line that ends in another way than CR and LF."""
    line = random.choice((
        b"X-Note: one\r\n two", b"X-Note: one\r\n\ttwo", b"X-Note: one\nContent-Length: 5",
        b"X-Note: one\rContent-Length: 5", b"Content-Length:\r\n 5", b" Content-Length: 5", b"Content-Length : 5",
        b"X-Note\x00: 1", b": nameless", b"nothing", b"X-N\xc3\xb6te: 1", b"Transfer-Encoding:\r\n chunked", b"\x00",
        b"X-Note: \x00",
    ))  # fmt: skip
    draft.lines.append(line)
    draft.body += HIDDEN
    draft.is_measured = False


def pipelined(random: Random, draft: Draft) -> None:
    """Several requests at once, before any is answered."""
    if not draft.is_measured:
        return
    others = random.randint(1, 4)
    measured = draft.body
    draft.body = measured + HIDDEN * others
    draft.is_measured = False
    draft.lines.append(b"Content-Length: %d" % len(measured))
    draft.most_answers += others


def expecting(random: Random, draft: Draft) -> None:
    """A client that waits for leave to go on."""
    draft.set(
        b"Expect", random.choice((b"100-continue", b"100-Continue", b"200-ok", b"", b"100-continue, 100-continue"))
    )


def _unmeasured(draft: Draft) -> None:
    draft.is_measured = False
    draft.lines = [each for each in draft.lines if not each.lower().startswith(b"content-length")]


def in_bytes(random: Random, sent: bytes) -> bytes:
    """The whole request with some bytes changed, put in, left out, said again, or cut off."""
    data = bytearray(sent)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(data) + 1)
        way = random.randrange(5)
        if way == 0:
            data[at : at + 1] = bytes([random.randrange(256)])
        elif way == 1:
            data[at:at] = random.choice((CRLF, b"\n", b"\r", b"\x00", b" ", b"\t", b":", b"\xff", b"%", b"HTTP/1.1"))
        elif way == 2:  # noqa: PLR2004 - one way of five
            del data[at : at + random.randint(1, 20)]
        elif way == 3:  # noqa: PLR2004 - one way of five
            data[at:at] = data[max(0, at - random.randint(1, 60)) : at]
        else:
            del data[max(at, 1) :]
    return bytes(data) or b"\x00"
