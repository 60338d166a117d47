"""What an address has in each country, and how it is printed there (F1)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core import schema
from chalicelib.core.countries import CODES
from chalicelib.core.errors import Invalid
from chalicelib.core.reading import PADDING
from chalicelib.core.schema import Schema
from chalicelib.users import addresses
from chalicelib.users.schemas import Address, StatusChange

WIDE = {narrow: narrow + 0xFEE0 for narrow in range(0x21, 0x7F)}  # as typed among Chinese and Japanese letters
OLD = {"street": "1 Main Street", "city": "Springfield", "postalCode": "12345", "country": "US"}
# As the body had it before countries were asked: street, city, a code where there is one, country.
PLAIN = [
    ("Springfield", "12345", "US"), ("Hong Kong", None, "HK"), ("Dubai", None, "AE"), ("Doha", None, "QA"),
    ("Singapore", "546080", "SG"), ("Dublin", None, "IE"), ("Dublin", "A65 F4E2", "IE"), ("Toronto", "M5V 2T6", "CA"),
    ("Sydney", "2000", "AU"), ("São Paulo", "40301-110", "BR"), ("Tokyo", "154-0023", "JP"), ("Seoul", "03051", "KR"),
    ("Taipei", "106", "TW"), ("Beijing", "100096", "CN"), ("Roma", "00144", "IT"), ("Madrid", "28039", "ES"),
    ("Accra", None, "GH"), ("Lagos", None, "NG"), ("Kingston", None, "JM"), ("Priština", "10000", "XK"),
    ("Hong Kong", "999077", "HK"), ("Bogotá", "110111", "CO"), ("Panamá", None, "PA"), ("Suva", None, "FJ"),
]  # fmt: skip
CODES_READ = [
    ("〒" + "154-0023".translate(WIDE), "JP", "154-0023"), ("〒 154ー0023", "JP", "154-0023"),
    ("154\u20130023", "JP", "154-0023"),
    ("1540023", "JP", "1540023"), ("sw1a 1aa", "GB", "SW1A 1AA"), (" k1a  0b1 ", "CA", "K1A 0B1"),
    ("1234ab", "NL", "1234AB"), ("CH-8001", "CH", "8001"), ("D-10115", "DE", "10115"), ("DE-10115", "DE", "10115"),
    ("L-4750", "LU", "4750"), ("SE-11455", "SE", "11455"), ("12345-6789".translate(WIDE), "US", "12345-6789"),
    ("110 001", "IN", "110001"), ("247 112", "RU", "247112"), ("00 950", "PL", "00-950"),
    ("K1A-0B1", "CA", "K1A 0B1"), ("10 115", "DE", "10115"), ("2725 079", "PT", "2725-079"),
    ("SE-114 55", "SE", "114 55"),
    ("١٢٥١١", "EG", "12511"), ("Kingston 8", "JM", "Kingston 8"), ("00000", "AE", "00000"),
]  # fmt: skip
CODES_REFUSED = [
    ("15400", "JP", "154-0023"), ("1234", "US", "95014"), ("ABCDE", "US", "95014"), ("12345-67", "US", "95014"),
    ("1011", "DE", "26133"), ("SW1A", "GB", "EC1Y 8SY"), ("Dublin 4", "IE", "A65 F4E2"), ("90210", "CA", "H3Z 2Y7"),
    ("123456", "KR", "03051"), ("GIR 0AA now", "GB", "EC1Y 8SY"), ("1000-00", "CR", "1000"),
]  # fmt: skip
STATES = [
    ("California", "US", "CA"), ("ca", "US", "CA"), ("new york", "US", "NY"), ("Virginia", "US", "VA"),
    ("US-CA", "US", "CA"),
    ("Quebec", "CA", "QC"), ("Colombie-Britannique", "CA", "BC"), ("Sao Paulo", "BR", "SP"), ("NSW", "AU", "NSW"),
    ("County Dublin", "IE", "Co. Dublin"), ("Cork", "IE", "Co. Cork"), ("Tokyo", "JP", "Tokyo"),
    ("東京", "JP", "東京"), ("東京都", "JP", "東京都"), ("九龍", "HK", "九龍"), ("서울", "KR", "서울"),
    ("D.C.", "US", "DC"), ("N.S.W.", "AU", "NSW"), ("Rhode-Island", "US", "RI"),
    ("Kent", "GB", "Kent"), ("Bayern", "DE", "Bayern"), ("Dubai", "AE", "Dubai"),
]  # fmt: skip
STATES_OF_NO_LIST = [
    ("Taipei", "TW"), ("Moscow", "RU"), ("Washington DC", "US"), ("Cataluña", "ES"), ("Lazio", "IT"), ("KL", "MY"),
    ("CABA", "AR"), ("Dakota", "US"), ("Atlantis", "US"), ("Bayern", "US"), ("県", "JP"), ("-", "US"), ("NT", "HK"),
]  # fmt: skip
PRINTED = {
    "US": (
        {"name": "Ada", "company": "Engines", "street2": "Suite 5", "city": "Albany", "state": "NY",
         "postalCode": "12207"},
        ["Ada", "Engines", "1 Main Street", "Suite 5", "ALBANY, NY 12207", "UNITED STATES"],
    ),
    "DE": ({"name": "Ada", "city": "Köln", "postalCode": "50667"}, ["Ada", "1 Main Street", "50667 KÖLN", "GERMANY"]),
    "FR": (
        {"name": "Ada", "company": "Engines", "city": "Paris", "postalCode": "75001"},
        ["Engines", "Ada", "1 Main Street", "75001 PARIS", "FRANCE"],
    ),
    "GB": (
        {"city": "London", "district": "Soho", "postalCode": "w1a 4zz"},
        ["1 Main Street", "Soho", "LONDON", "W1A 4ZZ", "UNITED KINGDOM"],
    ),
    "CH": ({"city": "Zürich", "postalCode": "8001"}, ["1 Main Street", "CH-8001 Zürich", "SWITZERLAND"]),
    "HK": ({"city": "Hong Kong"}, ["1 Main Street", "Hong Kong", "HONG KONG"]),
    "AE": ({"city": "Dubai", "state": "Dubai"}, ["1 Main Street", "Dubai", "UNITED ARAB EMIRATES"]),
    "SG": ({"city": "Singapore", "postalCode": "546080"}, ["1 Main Street", "SINGAPORE 546080", "REP. OF SINGAPORE"]),
    "HU": ({"city": "Pécs", "postalCode": "1037"}, ["PÉCS", "1 MAIN STREET", "1037", "HUNGARY (Rep.)"]),
    "CO": ({"city": "Cali", "postalCode": "110111"}, ["1 Main Street", "CALI, 110111", "COLOMBIA"]),
    "BR": (
        {"district": "Centro", "city": "Olinda", "state": "PE", "postalCode": "40301-110"},
        ["1 Main Street", "Centro", "OLINDA-PE", "40301-110", "BRAZIL"],
    ),
    "JP": (
        {"name": "アダ", "street": "三軒茶屋1-2-3", "city": "世田谷区", "state": "東京都", "postalCode": "〒154-0023"},
        ["〒154-0023", "東京都", "世田谷区", "三軒茶屋1-2-3", "アダ", "JAPAN"],
    ),
}  # fmt: skip


def read(**parts: Any) -> Address:
    """An address as an order keeps it."""
    return addresses.judged({"address": address(**parts)})["address"]


def address(**parts: Any) -> Address:
    body = {"street": "1 Main Street", **{name: part for name, part in parts.items() if part is not None}}
    return schema.decode(msgspec.json.encode(body), Address)


def refused(**parts: Any) -> dict[str, tuple[str, str]]:
    """The code and the sentence of each faulty part."""
    with pytest.raises(Invalid) as error:
        read(**parts)
    return {fault.field.removeprefix("address."): (fault.code, fault.detail) for fault in error.value.errors}


@pytest.mark.fault("F1")
@pytest.mark.parametrize(("city", "code", "country"), PLAIN)
def test_street_city_code_and_country_are_enough_everywhere_and_stay_as_they_are(
    city: str, code: str | None, country: str
) -> None:
    body = {"street": "1 Main Street", "city": city, "country": country} | ({"postalCode": code} if code else {})

    assert msgspec.to_builtins(read(**body)) == body


@pytest.mark.fault("F1")
@pytest.mark.parametrize(("written", "country", "code"), CODES_READ)
def test_a_postal_code_is_read_as_what_it_is(written: str, country: str, code: str) -> None:
    assert read(city="A", postalCode=written, country=country).postal_code == code


@pytest.mark.fault("F1")
@pytest.mark.parametrize(("written", "country", "example"), CODES_REFUSED)
def test_a_postal_code_of_another_form_is_a_fault_that_shows_the_form(written: str, country: str, example: str) -> None:
    faults = refused(city="A", postalCode=written, country=country)

    assert faults == {"postalCode": ("invalid_value", f"Must be a postal code of {country} such as {example}.")}


@pytest.mark.fault("F1")
def test_what_a_country_asks_for_is_required_there_and_nowhere_else() -> None:
    assert refused(country="US") == {
        "city": ("required", "This field is required in US."),
        "postalCode": ("required", "This field is required: a postal code of US such as 95014."),
    }
    assert set(refused(country="QA")) == {"city"}
    assert set(refused(country="SG")) == {"postalCode"}
    assert read(country="HK").city is None


@pytest.mark.fault("F1")
@pytest.mark.parametrize("blank", [" ", "\u3000", "\u00a0 "])
def test_blanks_around_a_part_are_no_part_of_it_and_a_blank_part_was_not_given(blank: str) -> None:
    parts = {name: f"{blank}{part}{blank}" for name, part in OLD.items()}

    assert read(**parts, name=f"{blank}Ada{blank}", company=blank, state="") == read(**OLD, name="Ada")
    assert set(refused(**{**OLD, "city": blank})) == {"city"}


@pytest.mark.fault("F1")
@pytest.mark.parametrize("unseen", ["\u200e", "\u00ad\u2060", "\u200d "])
def test_a_street_of_what_nobody_sees_is_none(unseen: str) -> None:
    with pytest.raises(Invalid) as error:
        address(street=unseen, country="US")

    assert [fault.field for fault in error.value.errors] == ["street"]


@pytest.mark.fault("F1")
@pytest.mark.parametrize(("written", "country", "state"), STATES)
def test_a_state_is_known_by_its_code_or_its_name(written: str, country: str, state: str) -> None:
    assert addresses._tidied(address(state=written, country=country)).state == state


@pytest.mark.fault("F1")
@pytest.mark.parametrize(("state", "country"), STATES_OF_NO_LIST)
def test_a_state_of_no_list_is_kept_as_it_is_and_ends_no_sale(state: str, country: str) -> None:
    written = address(city="A", state=state, country=country)

    assert addresses._tidied(written).state == state
    assert not any("state" in fault.field for fault in addresses._faults(written, "address"))


@pytest.mark.fault("F1")
@pytest.mark.parametrize(
    "text", ["\u00ad", "\u180e", "\u200c", "\u200d", "\u200e", "\u200f", "\u2060", " \u2060\u3000"]
)
def test_a_street_or_a_name_that_nobody_can_see_is_a_fault_of_its_field(text: str) -> None:
    assert set(refused_by_shape(Address, {**OLD, "street": text})) == {"street"}
    assert set(refused_by_shape(StatusChange, {"status": "disabled", "reason": text})) == {"reason"}
    with pytest.raises(ValueError, match="street"):
        Address(street=text, country="US")


@pytest.mark.fault("F1")
@pytest.mark.parametrize("street", ["خیابان نوروز\u200cپور 1", "क्\u200dष 1", "1 \u200eMain\u00ad Street"])
def test_letters_that_need_what_nobody_sees_between_them_keep_it(street: str) -> None:
    assert address(**{**OLD, "street": street}).street == street


@pytest.mark.fault("F1")
@pytest.mark.parametrize("country", PRINTED)
def test_an_address_is_printed_as_its_country_writes_it(country: str) -> None:
    parts, printed = PRINTED[country]

    assert addresses.lines(read(**parts, country=country)) == printed


@pytest.mark.fault("F1")
def test_a_japanese_address_in_latin_letters_is_printed_from_small_to_large() -> None:
    parts = {"name": "Ada", "city": "Setagaya-ku", "state": "Tokyo", "postalCode": "154-0023", "country": "JP"}

    assert addresses.lines(read(**parts)) == ["Ada", "1 Main Street", "Setagaya-ku, TOKYO", "154-0023", "JAPAN"]


@pytest.mark.fault("F1")
def test_an_address_of_before_countries_were_known_is_still_read_and_printed() -> None:
    old = msgspec.convert({**OLD, "country": "UK", "postalCode": "00000"}, Address)

    assert addresses.lines(old) == ["1 Main Street", "SPRINGFIELD", "UK"]


@pytest.mark.fault("F11")
def test_a_telephone_of_an_address_is_kept_as_given_and_told_in_e164_of_its_country() -> None:
    kept = read(**OLD, phone=" \u202a(555) 123-4567 x12\u202c ", phoneE164="+4930123456")

    assert (kept.phone, kept.phone_e164) == ("(555) 123-4567 x12", "+15551234567")
    assert read(**msgspec.to_builtins(kept)) == kept  # what was read can be sent back
    assert set(refused(**OLD, phone="call me")) == {"phone"}
    assert read(**OLD, phoneE164="+4930123456").phone_e164 is None


def test_a_receiver_is_the_buyer_unless_another_is_named() -> None:
    assert addresses.named(read(**OLD), "Ada Lovelace").name == "Ada Lovelace"
    assert addresses.named(read(**OLD, name="Grace"), "Ada Lovelace").name == "Grace"
    assert addresses.named(read(**OLD), "").name is None
    assert len(addresses.named(read(**OLD), "x" * 401).name or "") == 200


def test_the_faults_of_all_addresses_are_told_at_once() -> None:
    with pytest.raises(Invalid) as error:
        addresses.judged({"shippingAddress": address(country="UK"), "billingAddress": address(country="QA")})

    assert [(fault.field, fault.code) for fault in error.value.errors] == [
        ("shippingAddress.country", "invalid_value"),
        ("billingAddress.city", "required"),
    ]


def refused_by_shape(shape: type[Schema], body: dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as error:
        schema.decode(msgspec.json.encode(body), shape)
    return [fault.field for fault in error.value.errors]


LETTER = st.sampled_from(f"{PADDING}aA1-") | st.characters(exclude_categories=["Cs"])
TEXT = st.none() | st.text(LETTER, max_size=20)
PARTS = dict.fromkeys(("name", "company", "street2", "district", "city", "state", "postalCode", "phone"), TEXT)


@given(
    st.fixed_dictionaries({"country": st.sampled_from(sorted(CODES)), "street": st.text(LETTER, min_size=1), **PARTS})
)
def test_whatever_is_written_is_kept_and_printed_or_refused_part_by_part(body: dict[str, Any]) -> None:
    try:
        kept = read(**body)
    except Invalid:
        assert set(refused(**body)) <= set(body)
        return

    assert read(**msgspec.to_builtins(kept)) == kept
    assert msgspec.convert(msgspec.to_builtins(kept), Address) == kept
    assert all(line.strip() for line in addresses.lines(kept))
