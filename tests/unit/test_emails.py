"""One spelling for each email address, whatever letters its domain is written in (F14)."""

from __future__ import annotations

import pytest

from chalicelib.core import schema
from chalicelib.core.errors import Invalid
from chalicelib.users import emails
from chalicelib.users.schemas import Registration

NAMES = '"password": "correct horse battery", "firstName": "Ada", "lastName": "Lovelace"'

ONE = "ada@xn--bcher-kva.example"


@pytest.mark.fault("F14")
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ada@bücher.example", ONE),
        ("Ada@BÜCHER.example", ONE),
        ("ada@bu\u0308cher.example", ONE),  # decomposed, as some systems type it
        ("ada@XN--BCHER-KVA.example", ONE),
        ("ada@\uff42ücher\u3002example", ONE),  # full-width letter and stop
        ("ada@straße.example", "ada@xn--strae-oqa.example"),  # ß is a letter of its own in today's domains
        ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
        ("ada@مثال.إختبار", "ada@xn--mgbh0fb.xn--kgbechtv"),
        ("ada@sub.bücher.example", "ada@sub.xn--bcher-kva.example"),
    ],
)
def test_a_domain_and_its_punycode_are_one(written: str, kept: str) -> None:
    assert emails.parse(written) == emails.fold(written) == kept
    assert emails.parse(kept) == kept


@pytest.mark.fault("F14")
@pytest.mark.parametrize("email", ["Ada.Byron+shop@Example.co.uk", "a@b-c.de", "x@xn--i-7iq.ws", "o'neil@1.2.museum"])
def test_a_domain_in_ascii_is_what_it_was(email: str) -> None:
    assert emails.parse(email) == email.lower()


@pytest.mark.fault("F14")
@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@bücher.example",
        "ada@bücher",
        "ada@bücher..example",
        "ada@bücher.example.",
        "ada@-bücher.example",
        "ada@büc her.example",
        "ada@bücher_laden.example",
        "ada@bücher\u202e.example",
        "ada@\u2603.example",  # no letter in domains
        "ada@\u0301dele.example",  # a mark on nothing
        f"ada@{'ü' * 64}.example",  # too long a label
        f"ada@{'.'.join(['bücher'] * 20)}.example",  # 254 at most as it is written to
        "ädä@bücher.example",
        "ada@example.com@bücher.example",
    ],
)
def test_what_is_no_domain_is_a_fault_of_the_field(email: str) -> None:
    with pytest.raises(Invalid) as refused:
        schema.decode(f'{{"email": "{email}", {NAMES}}}', Registration)

    (fault,) = refused.value.errors
    assert (fault.field, fault.code, fault.detail) == ("email", "invalid_value", f"Must be {emails.HINT}.")


def test_where_an_address_is_only_looked_up_anything_is_folded() -> None:
    for text in ("", "@", "ada", "ada@bücher..example", "ä@\u2603", "x" * 1000 + "ü@" + "ü" * 1000):
        assert emails.fold(text) == emails.fold(emails.fold(text))
