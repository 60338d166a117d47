"""Telephone numbers as people write them, kept as given and told in E.164 (F11)."""

from __future__ import annotations

import pytest

from chalicelib.users import phones

WRITTEN = [
    ("(555) 123-4567", "US", "+15551234567"),
    ("555.123.4567 x12", "US", "+15551234567"),
    ("(555) 123-4567 ext. 5", "CA", "+15551234567"),
    ("555-123-4567 extension 12", "US", "+15551234567"),
    ("1 (555) 123-4567", "US", "+15551234567"),
    ("030/123456-78", "DE", "+493012345678"),
    ("00 49 30 123456", "AT", "+4930123456"),
    ("+49 (0)30 123456", None, "+4930123456"),
    ("+44 20 7946 0958", "US", "+442079460958"),
    ("\uff10\uff19\uff10\u2212\uff11\uff12\uff13\uff14\u2212\uff15\uff16\uff17\uff18", "JP", "+819012345678"),
    ("\uff0b81 90-1234-5678", None, "+819012345678"),
    ("٠١٠٠١٢٣٤٥٦٧", "EG", "+201001234567"),
]
UNPLACED = [("(555) 123-4567", None), ("+1 555 0100", None), ("555-0100", "US"), ("12345", "AQ"), ("030 123456", None)]
NONE = [
    "call me",
    "letters only",
    "123abc4567",
    "(555) 123-4567 after six",
    "+999 12345678",
    "1",
    "+",
    "-----",
    "1" * 30,
]


@pytest.mark.fault("F11")
@pytest.mark.parametrize(("text", "country", "told"), WRITTEN)
def test_a_number_is_told_in_e164_however_it_is_written(text: str, country: str | None, told: str) -> None:
    assert phones.faults("phone", text) == ()
    assert (phones.faults("phone", text, country), phones.e164(text, country)) == ((), told)


@pytest.mark.fault("F11")
@pytest.mark.parametrize(("text", "country"), UNPLACED)
def test_a_number_whose_country_or_area_is_not_known_is_taken_and_told_in_no_other_form(
    text: str, country: str | None
) -> None:
    assert (phones.faults("phone", text, country), phones.e164(text, country)) == ((), None)


@pytest.mark.fault("F11")
@pytest.mark.parametrize("text", NONE)
@pytest.mark.parametrize("country", [None, "US", "DE", "AQ"])
def test_what_can_be_no_number_is_a_faulty_field(text: str, country: str | None) -> None:
    (fault,) = phones.faults("addresses[0].phone", text, country)

    assert (fault.field, fault.code) == ("addresses[0].phone", "invalid_value")
    assert phones.e164(text, country) is None


def test_no_number_at_all_is_no_fault() -> None:
    assert [phones.faults("phone", nothing) for nothing in (None, "")] == [(), ()]
