"""The countries that goods can be sent to: ISO 3166-1 alpha-2 and XK, by which carriers know Kosovo."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.core.errors import FieldError, Invalid

_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO
JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR
MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO
RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV
TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
CODES = frozenset(_CODES.split())


def require(codes: Mapping[str, str]) -> None:
    """Refuse codes, by their fields, that no country has: a tax rate would be missed without anybody's noticing."""
    advice = "Must be a country's code by ISO 3166, such as GB (not UK) or US."
    faults = [FieldError(field, "invalid_value", advice) for field, code in codes.items() if code not in CODES]
    if faults:
        raise Invalid("The address is in no country.", errors=tuple(faults))
