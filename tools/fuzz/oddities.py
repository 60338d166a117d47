"""Strange texts, and JSON that is strange, wrong, or more than anybody would send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

DEEP = 100_000
LONG = 70_000
TEXTS = (
    b"", b" ", b"\t", b"%00", b"%", b"%zz", b"%252F", b"%2e%2e", b"%2e%2e%2f", b"..", b".", b"%c0%af", b"%ff",
    b"%ed%a0%80", b"%E2%80%AE", b"%0d%0aX-Injected:%201", b"\xff\xfe", "größe".encode(), "\U0001f4a9".encode(), b"'",
    b'"', b"\\", b";", b",", b"null", b"undefined", b"NaN", b"true", b"0", b"-1", b"1e400", b"9" * 400, b"a" * 3000,
    b"a" * LONG, b"${7*7}", b"{{7*7}}", b"<script>alert(1)</script>", b"' OR 1=1--", b"../../etc/passwd", b"$(id)",
    b"*", b"W/*", b'W/"x"', b"=?utf-8?q?x?=",
)  # fmt: skip
_TOKENS = (
    b"1e400", b"-1e400", b"1E+999999999", b"1e-400", b"-0", b"-0.0", b"0.1", b"9007199254740993", b"9" * 5000,
    b"-" + b"9" * 400, b"1." + b"0" * 400 + b"1", b"99999999.995", b"NaN", b"Infinity", b"-Infinity", b"01", b"+1",
    b".5", b"5.", b"0x10", b"1_000", b"1e", b"null", b"true", b"false", b"[]", b"{}", b"[[]]", b'""', b'" "',
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\u202e"', b'"\xff\xfe"',
    b'"\xed\xa0\x80"', b'"\x00"', b'"\n"', b'"\\x"', b'"\\u12"', b"'x'", b"/* x */ 1", b'"x', b"",
    b'"' + b"a" * LONG + b'"', b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"[" * DEEP,
    b"[" + b"1," * 20_000 + b"1]", b'{"__proto__": 1}', b'"2026-02-30"', b'"9999-12-31T23:59:60+23:59"',
    b'"0000-00-00"', b'"ord_01JD0000000000000000000000"',
)  # fmt: skip


@dataclass(frozen=True)
class RawJson:
    """A value of JSON, or what stands in its place, as bytes."""

    written: bytes


def text(random: Random) -> bytes:
    """Any of the texts, alone or around another."""
    one = random.choice(TEXTS)
    return one if random.random() < 0.7 else one + random.choice(TEXTS)  # noqa: PLR2004 - mostly alone


def strange(random: Random, value: Any) -> bytes:
    """The JSON of that value with one of its parts exchanged, left out, or said twice."""
    places = list(_places(value))
    if not places:
        return random.choice(_TOKENS)
    container, key = random.choice(places)
    way = random.randrange(10)
    if way == 0 and isinstance(container, dict):
        return written(value, twice=(container, key, RawJson(random.choice(_TOKENS))))
    if way == 1 and isinstance(container, dict):
        del container[key]
    elif way == 2 and isinstance(container, dict):  # noqa: PLR2004 - one way of ten
        container[text(random).decode("latin-1")[:200]] = RawJson(random.choice(_TOKENS))
    elif way == 3 and isinstance(container[key], str):  # noqa: PLR2004 - one way of ten
        container[key] += text(random).decode("latin-1")
    else:
        container[key] = RawJson(random.choice(_TOKENS))
    return written(value)


def written(value: Any, twice: tuple[Any, Any, RawJson] | None = None) -> bytes:
    """The JSON of a value with tokens in it; `twice` says which name of which object comes again."""
    if isinstance(value, RawJson):
        return value.written
    if isinstance(value, list):
        return b"[" + b",".join(written(each, twice) for each in value) + b"]"
    if not isinstance(value, dict):
        return json.dumps(value).encode()
    pairs = [(name, each) for name, each in value.items()]
    if twice and value is twice[0]:
        pairs.append((twice[1], twice[2]))
    return b"{" + b",".join(json.dumps(name).encode() + b":" + written(each, twice) for name, each in pairs) + b"}"


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every part of a value, as what holds it and under which name or number."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(pairs):
        yield value, key
        yield from _places(each)
