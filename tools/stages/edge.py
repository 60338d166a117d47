"""What stands between the internet and a stage's API: the options of `[edge]` in its file, each off unless said."""

from __future__ import annotations

import re

import msgspec

HOST = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
ZONE = r"Z[A-Z0-9]{5,31}"
CERTIFICATE = r"arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]{36}"
COUNTRY = r"[A-Z]{2}"
MAX_COUNTRIES = 50  # of a statement of WAF
MAX_KEYS = 2  # while one takes the other's place


class Edge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[edge]` of a stage."""

    usage_plans: bool = False
    validates_requests: bool = False
    caches_products: bool = False
    domain: str = ""
    domain_zone: str = ""
    domain_certificate: str = ""
    only_domain: bool = False
    firewall: bool = False
    allowed_countries: tuple[str, ...] = ()
    blocked_countries: tuple[str, ...] = ()
    distribution: bool = False
    distribution_certificate: str = ""
    only_distribution: bool = False
    origin_keys: tuple[int, ...] = (1,)


def judgements(edge: Edge) -> list[tuple[bool, str]]:
    """Whether each value can be meant, and the sentence for one that cannot."""
    needs_domain = [key for key in ("domain_zone", "domain_certificate", "only_domain") if getattr(edge, key)]
    countries = (*edge.allowed_countries, *edge.blocked_countries)
    return [
        (_is(HOST, edge.domain), "edge.domain is the name of a host such as api.example.com, or empty."),
        (_is(ZONE, edge.domain_zone), "edge.domain_zone is the id of a hosted zone of Route 53, or empty."),
        (_is(CERTIFICATE, edge.domain_certificate), "edge.domain_certificate is the ARN of a certificate, or empty."),
        (bool(edge.domain) or not needs_domain, f"edge.{''.join(needs_domain[:1])} needs edge.domain."),
        (
            not edge.domain or bool(edge.domain_zone or edge.domain_certificate),
            "edge.domain needs edge.domain_certificate, or edge.domain_zone to have one made.",
        ),
        (
            all(re.fullmatch(COUNTRY, each) for each in countries) and len(countries) <= MAX_COUNTRIES,
            f"edge.allowed_countries and edge.blocked_countries are at most {MAX_COUNTRIES} codes such as DE.",
        ),
        (
            not (edge.allowed_countries and edge.blocked_countries),
            "edge.allowed_countries and edge.blocked_countries exclude each other.",
        ),
        (edge.firewall or not countries, "edge.allowed_countries and edge.blocked_countries need edge.firewall."),
        *_judgements_of_distribution(edge),
    ]


def _judgements_of_distribution(edge: Edge) -> list[tuple[bool, str]]:
    certificate, keys = edge.distribution_certificate, edge.origin_keys
    return [
        (edge.firewall or not edge.distribution, "edge.distribution needs edge.firewall, which keeps others out."),
        (
            _is(CERTIFICATE, certificate) and (not certificate or ":us-east-1:" in certificate),
            "edge.distribution_certificate is the ARN of a certificate in us-east-1, or empty.",
        ),
        (
            bool(certificate) is bool(edge.distribution and edge.domain),
            "edge.distribution_certificate is for edge.distribution and edge.domain together, and they need it.",
        ),
        (edge.distribution or not edge.only_distribution, "edge.only_distribution needs edge.distribution."),
        (
            1 <= len(keys) == len({*keys}) <= MAX_KEYS and min(keys) > 0,
            "edge.origin_keys is one number above 0, or two while one takes the other's place.",
        ),
    ]


def _is(pattern: str, text: str) -> bool:
    """Is the text empty, or like that?"""
    return not text or re.fullmatch(pattern, text) is not None
