"""What an order adds to its trace, by what arrives on the daemon's port: paid, declined, in doubt, and not sampled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.trace_daemon import SAMPLED, Daemon, hearing
from tools.testing.shop import Shop

IDS = {"orderId", "userId"}


@pytest.fixture
def daemon(ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """It hears from when Ada has something to buy."""
    ada("POST", "/cart/items", {"productId": mug, "quantity": 2})
    with hearing(monkeypatch) as daemon:
        yield daemon


def steps(documents: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """What was done, what came of it, and whether it failed."""
    return [
        (
            each["annotations"].get("operation") or each["name"],
            each["annotations"].get("outcome", ""),
            "fault" if each.get("fault") else "error" if each.get("error") else "",
        )
        for each in documents
    ]


def only_value(documents: list[dict[str, Any]], name: str) -> str:
    (value,) = {each["annotations"][name] for each in documents}
    return str(value)


def test_a_paid_order_is_reserved_charged_and_settled(daemon: Daemon, ada: Shop) -> None:
    order = ada.order().body

    documents = daemon.documents()
    assert steps(documents) == [
        ("order.reserve", "", ""),
        ("charge", "captured", ""),
        ("order.settle", "captured", ""),
    ]
    assert only_value(documents, "orderId") == order["orderId"]
    assert only_value(documents, "userId") == order["userId"]
    assert [each.get("namespace") for each in documents] == [None, "remote", None]
    assert {name for each in documents for name in each["annotations"]} == {*IDS, "operation", "outcome"}


def test_a_declined_order_says_so_and_nothing_of_it_failed(daemon: Daemon, ada: Shop) -> None:
    declined = ada.order(token="tok_declined")

    documents = daemon.documents()
    assert steps(documents) == [("order.reserve", "", ""), ("charge", "failed", ""), ("order.settle", "failed", "")]
    assert only_value(documents, "orderId") == declined.body["orderId"]


@pytest.mark.parametrize("token", ["tok_timeout", "tok_timeout_before"])
def test_an_order_in_doubt_has_a_fault_at_the_provider(daemon: Daemon, ada: Shop, token: str) -> None:
    order = ada.order(token=token).body

    documents = daemon.documents()
    assert steps(documents) == [("order.reserve", "", ""), ("charge", "", "fault"), ("order.settle", "unknown", "")]
    assert [each["type"] for each in documents[1]["cause"]["exceptions"]] == ["NoAnswer"]
    assert only_value(documents, "orderId") == order["orderId"]


def test_an_order_that_cannot_be_placed_is_the_buyers_error(daemon: Daemon, ada: Shop, mug: str) -> None:
    ada.order((mug, 50))

    (document,) = daemon.documents()
    assert steps([document]) == [("order.reserve", "", "error")]
    assert [each["type"] for each in document["cause"]["exceptions"]] == ["InsufficientStock"]


def test_a_refund_is_in_the_trace_of_who_cancels(daemon: Daemon, ada: Shop) -> None:
    order = ada.order().body
    daemon.documents()

    ada("PUT", f"/orders/{order['orderId']}/cancel")

    documents = daemon.documents()
    assert steps(documents) == [("refund", "succeeded", "")]
    assert only_value(documents, "orderId") == order["orderId"]


@pytest.mark.parametrize("header", ["", SAMPLED.replace("Sampled=1", "Sampled=0")])
def test_an_order_that_is_not_sampled_sends_nothing(
    daemon: Daemon, ada: Shop, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    with hearing(monkeypatch, header) as unheard:
        assert ada.order().status == 201

        assert unheard.documents() == []
    assert daemon.documents() == []
