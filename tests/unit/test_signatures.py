"""Who is believed to have sent a webhook (P5)."""

from __future__ import annotations

import hmac
from unittest import mock

import pytest

from chalicelib.payments import signatures
from chalicelib.payments.models import InvalidSignature

BODY, NOW = b'{"a": 1}', 1_700_000_000


@pytest.mark.parametrize("age", [-300, -1, 0, 300])
def test_a_signature_of_the_last_or_next_five_minutes_is_good(age: int) -> None:
    signatures.require_signature(BODY, signatures.sign(BODY, "s1", NOW - age), ["s1"], NOW)


@pytest.mark.parametrize("age", [-301, 301, 100_000])
def test_an_older_or_newer_one_is_not(age: int) -> None:
    with pytest.raises(InvalidSignature):
        signatures.require_signature(BODY, signatures.sign(BODY, "s1", NOW - age), ["s1"], NOW)


def test_each_of_several_secrets_is_good_while_they_change() -> None:
    for secret in ("old", "new"):
        signatures.require_signature(BODY, signatures.sign(BODY, secret, NOW), ["old", "new"], NOW)
    with pytest.raises(InvalidSignature):
        signatures.require_signature(BODY, signatures.sign(BODY, "older", NOW), ["old", "new"], NOW)


def test_one_of_several_signatures_is_enough() -> None:
    header = f"{signatures.sign(BODY, 'other', NOW)},v1={signatures.sign(BODY, 's1', NOW).partition('v1=')[2]}"

    signatures.require_signature(BODY, header, ["s1"], NOW)


@pytest.mark.parametrize("body", [b'{"a":1}', b'{"a": 1}\n', b"", b'{"a": 2}'])
def test_every_byte_of_the_body_counts(body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        signatures.require_signature(body, signatures.sign(BODY, "s1", NOW), ["s1"], NOW)


def test_the_time_is_signed_too() -> None:
    header = signatures.sign(BODY, "s1", NOW - 1000).replace(str(NOW - 1000), str(NOW))

    with pytest.raises(InvalidSignature):
        signatures.require_signature(BODY, header, ["s1"], NOW)


@pytest.mark.parametrize("secrets", [[], [""], ["  "]])
def test_an_empty_secret_signs_nothing(secrets: list[str]) -> None:
    for secret in ("", "  "):
        with pytest.raises(InvalidSignature):
            signatures.require_signature(BODY, signatures.sign(BODY, secret, NOW), secrets, NOW)


@pytest.mark.parametrize(
    "header",
    ["", "t=", "v1=abc", "t=x,v1=abc", f"t={NOW}", f"t={NOW},v0=abc", f"t={NOW},t={NOW},v1=a", f"t={NOW},v1=caf\u00e9",
     f"t={NOW},v1=\ud800", f"t={'9' * 5000},v1=a", "t=\u0661,v1=a", ",,,==,", f"t={NOW}," + "v1=a," * 2000,
     f"t=-{NOW},v1=a", f"t={NOW}.5,v1=a"],
)  # fmt: skip
def test_an_unreadable_header_is_refused(header: str) -> None:
    with pytest.raises(InvalidSignature):
        signatures.require_signature(BODY, header, ["s1"], NOW)


def test_signatures_are_compared_in_constant_time() -> None:
    with mock.patch.object(hmac, "compare_digest", wraps=hmac.compare_digest) as compared:
        signatures.require_signature(BODY, signatures.sign(BODY, "s1", NOW), ["s1"], NOW)

    assert compared.call_count == 1


def test_a_header_is_found_in_any_case() -> None:
    for name in ("Simulator-Signature", "simulator-signature", "SIMULATOR-SIGNATURE"):
        assert signatures.header({"X": "y", name: "t=1"}, "simulator-signature") == "t=1"
    assert signatures.header({}, "simulator-signature") == ""
