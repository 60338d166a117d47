"""A corpus of access tokens that must all be refused, made around one good token and the key that signed it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

from chalicelib.core import clock

Named = tuple[str, str]


def encode(value: Any) -> str:
    """A part of a token: JSON, or text as it is, in unpadded URL-safe base64."""
    raw = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(part: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def sign(header: Any, claims: Any, secret: str, digest: str = "sha256") -> str:
    content = f"{encode(header)}.{encode(claims)}"
    return f"{content}.{encode(hmac.new(secret.encode(), content.encode(), digest).digest())}"


def corpus(good: str, secret: str, refresh_token: str) -> Iterator[Named]:
    """Names and tokens; `secret` is the real key, so that everything but the one fault is right."""
    first, second, third = good.split(".")
    header, claims = decode(first), decode(second)
    yield from _algorithms(header, claims, secret, second)
    yield from _headers(header, claims, secret)
    yield from _times(header, claims, secret)
    yield from _claims(header, claims, secret)
    yield from _damaged(first, second, third, good)
    yield "refresh token", refresh_token
    yield "duplicate claims", sign(header, json.dumps(claims)[:-1] + ', "exp": 1}', secret)
    yield "duplicate header", sign(json.dumps(header)[:-1] + ', "alg": "none"}', claims, secret)


def _algorithms(header: dict[str, Any], claims: dict[str, Any], secret: str, second: str) -> Iterator[Named]:
    for name in ("none", "None", "NONE", "nOnE", "", " none", "none ", None, 0, [], ["HS256"], {}, True):
        bare = encode({**header, "alg": name})
        yield f"alg {name!r} unsigned", f"{bare}.{second}."
        yield f"alg {name!r} signed", sign({**header, "alg": name}, claims, secret)
    for name in (
        "HS384",
        "HS512",
        "hs256",
        "Hs256",
        "HS1",
        "RS256",
        "RS512",
        "ES256",
        "PS256",
        "EdDSA",
        "A256KW",
        "dir",
    ):
        yield f"alg {name}", sign({**header, "alg": name}, claims, secret)
    yield "HS512 truly", sign({**header, "alg": "HS512"}, claims, secret, "sha512")
    yield "HS384 truly", sign({**header, "alg": "HS384"}, claims, secret, "sha384")
    yield "no alg", sign({name: value for name, value in header.items() if name != "alg"}, claims, secret)


def _headers(header: dict[str, Any], claims: dict[str, Any], secret: str) -> Iterator[Named]:
    kids: list[Any] = ["../../etc/passwd", "/dev/null", "unknown", "", None, 0, True, [], {}, ["initial"]]
    kids += ["initial\u0000", "INITIAL", "' OR 1=1 --", "http://localhost/key", "initial ", "a" * 3000]
    for kid in kids:
        yield f"kid {str(kid)[:20]!r}", sign({**header, "kid": kid}, claims, secret)
        yield f"kid {str(kid)[:20]!r} and empty key", sign({**header, "kid": kid}, claims, "")
    for kind in ("JWT", "at+JWT ", "rt+jwt", "", None, 5, ["at+jwt"]):
        yield f"typ {kind!r}", sign({**header, "typ": kind}, claims, secret)
    own = hashlib.sha256(b"attacker").hexdigest()
    jwk = {"kty": "oct", "k": encode(own), "alg": "HS256"}
    for extra in ({"jwk": jwk}, {"jku": "http://localhost/jwks"}, {"x5u": "http://localhost/x"}, {"x5c": ["AAAA"]}):
        yield f"embedded {next(iter(extra))}", sign({**header, **extra}, claims, own)
    for crit in (["exp"], ["b64"], [], "exp", None):
        yield f"crit {crit!r}", sign({**header, "crit": crit}, claims, secret)
    yield "b64 false", sign({**header, "b64": False, "crit": ["b64"]}, claims, secret)
    yield "another key", sign(header, claims, own)


def _times(header: dict[str, Any], claims: dict[str, Any], secret: str) -> Iterator[Named]:
    now = clock.epoch()
    for value in (0, 1, -1, now - 1, now - 86_400, str(now + 3600), now + 3600.5, 1e300, None, True, [], {}, "never",
                  "NaN"):  # fmt: skip
        yield f"exp {value!r}", sign(header, {**claims, "exp": value}, secret)
    for value in (now + 3600, str(now), now + 0.5, None, True, [], {}, "yesterday", 10**18):
        yield f"iat {value!r}", sign(header, {**claims, "iat": value}, secret)
    for value in (now + 3600, "later", [], {}):
        yield f"nbf {value!r}", sign(header, {**claims, "nbf": value}, secret)


def _claims(header: dict[str, Any], claims: dict[str, Any], secret: str) -> Iterator[Named]:
    for name in ("userId", "email", "role", "roles", "iat", "exp", "iss", "jti", "sid"):
        yield f"without {name}", sign(header, {k: v for k, v in claims.items() if k != name}, secret)
    for name in ("userId", "sid"):
        for value in ("", None, 5, True, [], {}, "usr_00000000000000000000000000", "../x", "a#b", "x" * 2000):
            yield f"{name} {str(value)[:12]!r}", sign(header, {**claims, name: value}, secret)
    for value in ("", "Ecommerce-API", "https://evil.example", None, 5, [], ["ecommerce-api"]):
        yield f"iss {value!r}", sign(header, {**claims, "iss": value}, secret)
    for value in ("admin", None, 5, {}, ["king"], [None], [["admin"]]):
        yield f"roles {value!r}", sign(header, {**claims, "roles": value}, secret)
    for body in ("", "null", "[]", "5", '"text"', "{", "{}", "\U0001f600", "[" * 2000):
        yield f"claims {body[:8]!r}", sign(header, body, secret)
        yield f"header {body[:8]!r}", sign(body, claims, secret)


def _damaged(first: str, second: str, third: str, good: str) -> Iterator[Named]:
    for number in (0, 1, 10, len(good) // 2, len(good) - 1):
        yield f"cut at {number}", good[:number]
    pieces = ["", ".", "..", "...", f"{first}.{second}", f"{first}.{second}.", f".{second}.{third}"]
    pieces += [f"{first}..{third}", f"{good}.{third}", f"{good}.", f".{good}", f"{good}=", f"{good}=="]
    pieces += [f"{first}.{second}.{third[::-1]}", f"{second}.{first}.{third}", f"{first}.{second}.{third[:-2]}"]
    pieces += [good.upper(), good.lower(), good[::-1], good + "A" * 10_000, "A" * 8000]
    pieces += [f"{first} .{second}.{third}", f"{first}.{second}.{third}%00"]
    for text in pieces:
        yield f"damaged {text[:10]!r}…{len(text)}", text
    flipped = "B" if second[5] != "B" else "C"
    yield "a flipped claim", f"{first}.{second[:5]}{flipped}{second[6:]}.{third}"
    yield "a flipped signature", f"{first}.{second}.{'A' if third[0] != 'A' else 'B'}{third[1:]}"
