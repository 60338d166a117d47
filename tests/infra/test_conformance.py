"""A small part of `make fuzz-api`: the shop keeps to its document, whoever asks."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import pytest

from tests.infra.packaging import ROOT
from tools.conformance import sense

SCHEMATHESIS = importlib.util.find_spec("schemathesis")
needs_schemathesis = pytest.mark.skipif(SCHEMATHESIS is None, reason="schemathesis is not installed")


@pytest.mark.real_time  # in processes of its own
@needs_schemathesis
def test_the_shop_keeps_to_its_document() -> None:
    command = [sys.executable, "-m", "tools.conformance", "--quick", "--count", "1", "--examples", "2", "--seed", "1"]

    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, (ran.stdout + ran.stderr).replace("\r", "\n")[-10_000:]
    assert "as anonymous" in ran.stdout
    assert "as customer" in ran.stdout
    assert "as admin" in ran.stdout


ADDRESS = {"street": "1 Main Street", "country": "JP", "postalCode": "x", "state": "x"}


@pytest.mark.parametrize(
    ("body", "sensible"),
    [
        ({"price": 1.239, "currency": "USD"}, {"price": 1.24, "currency": "USD"}),
        ({"price": 1.239, "currency": "JPY"}, {"price": 1, "currency": "JPY"}),
        ({"price": 1.2394, "currency": "KWD"}, {"price": 1.239, "currency": "KWD"}),
        ({"kind": "percentage", "percent": 250.123}, {"kind": "percentage", "percent": 100}),
        (
            {"validFrom": "2026-02-01", "validUntil": "2026-01-01"},
            {"validFrom": "2026-01-01", "validUntil": "2026-02-01"},
        ),
        ({"items": [{"amount": 0.001}]}, {"items": [{"amount": 0.0}]}),
        ({"quantity": 2.0}, {"quantity": 2}),
        ({"currency": "AAA", "country": "AA"}, {"currency": "USD", "country": "US"}),
        (["price", None, 1.239], ["price", None, 1.239]),
    ],
)
def test_a_body_is_given_the_sense_that_its_schema_cannot_demand(body: Any, sensible: Any) -> None:
    assert sense.make(body, {}, {}) == sensible


def test_an_address_is_given_the_form_of_its_country() -> None:
    made = sense.make({"shippingAddress": ADDRESS}, {}, {})["shippingAddress"]

    assert (made["postalCode"], made["state"]) == ("154-0023", None)


def test_what_only_the_shop_can_give_is_left_away() -> None:
    query, headers = {"cursor": "0", "limit": 1}, {"If-Match": "x", "X-Correlation-Id": "x"}
    sense.make(None, query, headers)

    assert (query, headers) == ({"limit": 1}, {"X-Correlation-Id": "x"})


def test_formats_are_named_where_the_document_means_them() -> None:
    formats = pytest.importorskip("tools.conformance.formats", exc_type=ImportError)

    told = formats.name_meant(
        {
            "parameters": [{"name": "since", "in": "query", "schema": {"type": "string"}}],
            "properties": {"phone": {"type": ["string", "null"]}, "url": {"type": "string", "pattern": "x"}},
        }
    )

    assert told["parameters"][0]["schema"]["format"] == "instant"
    assert (told["properties"]["phone"]["format"], told["properties"]["url"]["format"]) == ("phone", "webhook-url")
