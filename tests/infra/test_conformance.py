"""A small part of `make fuzz-api`: the shop keeps to its document, whoever asks."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.infra.packaging import ROOT
from tools.conformance import own_shop, sense
from tools.refusal import Refusal

MIN_REQUESTS = 400  # of about 600
RUN_SECONDS = 900  # of two cores that do other work as well
# Says that a port is taken as often as the file is long, and then that the shop is open, until it is stopped.
LAUNCHER = """
import pathlib, signal, sys
left = pathlib.Path(sys.argv[1])
if text := left.read_text():
    left.write_text(text[1:])
    sys.exit("Port 4567 is in use; stop what uses it.")
print("Ctrl-C stops it", flush=True)
signal.pause()
"""


@pytest.mark.real_time  # in processes of its own
def test_the_shop_keeps_to_its_document() -> None:
    command = [sys.executable, "-m", "tools.conformance", "--quick", "--count", "1", "--examples", "2", "--seed", "1"]

    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=RUN_SECONDS)

    assert ran.returncode == 0, (ran.stdout + ran.stderr).replace("\r", "\n")[-10_000:]
    (requests,) = re.findall(r"^([\d,]+) requests \(", ran.stdout, re.MULTILINE)
    assert int(requests.replace(",", "")) >= MIN_REQUESTS
    assert "as anonymous" in ran.stdout
    assert "as customer" in ran.stdout
    assert "as admin" in ran.stdout


@pytest.mark.real_time  # in a process of its own
@pytest.mark.parametrize(("taken", "outcome"), [(2, nullcontext()), (3, pytest.raises(Refusal, match="4567 is in"))])
def test_a_shop_whose_port_was_taken_meanwhile_opens_on_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, taken: int, outcome: AbstractContextManager[Any]
) -> None:
    left = tmp_path / "left"
    left.write_text("x" * taken)
    monkeypatch.setattr(own_shop, "_LAUNCHER", ("-c", LAUNCHER, str(left)))

    with outcome, own_shop.running() as url:
        assert url.startswith("http://127.0.0.1:")
    assert left.read_text() == ""


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
    formats = importlib.import_module("tools.conformance.formats")  # heavy

    told = formats.name_meant(
        {
            "parameters": [{"name": "since", "in": "query", "schema": {"type": "string"}}],
            "properties": {"phone": {"type": ["string", "null"]}, "url": {"type": "string", "pattern": "x"}},
        }
    )

    assert told["parameters"][0]["schema"]["format"] == "instant"
    assert (told["properties"]["phone"]["format"], told["properties"]["url"]["format"]) == ("phone", "webhook-url")
