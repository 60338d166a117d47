"""Subsegments of X-Ray: their form, when there are none, and that nothing of it is felt by what is traced."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core import clock, tracing
from chalicelib.core.errors import Conflict, Unavailable
from tests.support.trace_daemon import SAMPLED, SEGMENT, TRACE, Daemon, hearing

AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    with clock.fixed(AT), hearing(monkeypatch) as daemon:
        yield daemon


def test_a_block_is_a_subsegment_of_the_invocations_segment(daemon: Daemon) -> None:
    with ExitStack() as later, tracing.Subsegment("order.reserve", userId="usr_1") as traced:
        traced.annotate(orderId="ord_1")
        later.enter_context(clock.fixed(AT + timedelta(seconds=1.5)))

    (document,) = daemon.documents()
    assert re.fullmatch("[0-9a-f]{16}", document.pop("id"))
    assert document == {
        "trace_id": TRACE,
        "parent_id": SEGMENT,
        "type": "subsegment",
        "name": "order.reserve",
        "start_time": AT.timestamp(),
        "end_time": AT.timestamp() + 1.5,
        "annotations": {"userId": "usr_1", "orderId": "ord_1"},
    }


def test_a_clock_that_is_set_back_makes_no_negative_duration(daemon: Daemon) -> None:
    with ExitStack() as later, tracing.Subsegment("order.reserve"):
        later.enter_context(clock.fixed(AT - timedelta(hours=1)))

    (document,) = daemon.documents()
    assert document["end_time"] == document["start_time"]


def test_a_call_of_somebody_outside_is_remote(daemon: Daemon) -> None:
    with tracing.Subsegment("stripe", is_remote=True):
        pass

    assert daemon.documents()[0]["namespace"] == "remote"


@pytest.mark.parametrize(
    ("error", "mark"),
    [
        (Conflict("ada@example.com has one."), "error"),
        (Unavailable("Busy."), "fault"),
        (KeyError("ada@example.com"), "fault"),
        (KeyboardInterrupt(), "fault"),
    ],
)
def test_what_passes_through_goes_on_unchanged_and_is_marked_by_its_kind(
    daemon: Daemon, error: BaseException, mark: str
) -> None:
    with pytest.raises(type(error)) as raised, tracing.Subsegment("order.settle"):
        raise error

    assert raised.value is error
    (document,) = daemon.documents()
    assert {name for name in ("error", "fault") if document.get(name)} == {mark}
    (exception,) = document["cause"]["exceptions"]
    assert re.fullmatch("[0-9a-f]{16}", exception.pop("id"))
    assert exception == {"type": type(error).__name__, "remote": False}
    assert "example.com" not in json.dumps(document)


@pytest.mark.parametrize(
    "header",
    [
        "",
        SAMPLED.replace("Sampled=1", "Sampled=0"),
        SAMPLED.replace("Sampled=1", "Sampled=?"),
        f"Root={TRACE};Parent={SEGMENT}",
        f"Root={TRACE};Sampled=1",
        f"Parent={SEGMENT};Sampled=1",
        f"Root={TRACE};Parent={SEGMENT};Sampled=10",
        "Sampled=1",
        ";;=;NotSampled=1;",
    ],
)
def test_nothing_is_sent_for_an_invocation_that_is_not_sampled(monkeypatch: pytest.MonkeyPatch, header: str) -> None:
    with hearing(monkeypatch, header) as daemon:
        with tracing.Subsegment("order.reserve") as traced:
            traced.annotate(orderId="ord_1")
        assert daemon.documents() == []


def test_a_header_may_have_spaces_and_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    header = f"Sampled=1; Parent={SEGMENT}; Root={TRACE}"
    with clock.fixed(AT), hearing(monkeypatch, header) as daemon:
        with tracing.Subsegment("order.reserve"):
            pass

        assert [(each["trace_id"], each["parent_id"]) for each in daemon.documents()] == [(TRACE, SEGMENT)]


@pytest.mark.parametrize("form", ["{}", "tcp:127.0.0.1:1 udp:{}", "udp:{} tcp:127.0.0.1:1"])
def test_the_daemons_address_has_two_forms(monkeypatch: pytest.MonkeyPatch, daemon: Daemon, form: str) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", form.format(daemon.address))

    with tracing.Subsegment("order.reserve"):
        pass

    assert len(daemon.documents()) == 1


def test_without_an_address_the_daemon_is_on_this_machine(monkeypatch: pytest.MonkeyPatch, daemon: Daemon) -> None:
    monkeypatch.delenv("AWS_XRAY_DAEMON_ADDRESS")
    monkeypatch.setattr(tracing, "_DEFAULT_DAEMON", daemon.address)

    with tracing.Subsegment("order.reserve"):
        pass

    assert len(daemon.documents()) == 1


@pytest.mark.parametrize(
    "address", ["daemon.example.com:2000", "127.0.0.1", "127.0.0.1:none", ":", "tcp:127.0.0.1:1 tcp:127.0.0.1:2", "::"]
)
def test_an_address_that_is_none_is_not_felt(monkeypatch: pytest.MonkeyPatch, daemon: Daemon, address: str) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", address)

    with tracing.Subsegment("order.reserve"):
        done = True

    assert done
    assert daemon.documents() == []


def test_a_daemon_that_is_gone_is_not_felt(monkeypatch: pytest.MonkeyPatch) -> None:
    with clock.fixed(AT), hearing(monkeypatch) as gone:
        pass
    monkeypatch.setenv("_X_AMZN_TRACE_ID", SAMPLED)
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", gone.address)

    with clock.fixed(AT):
        for _ in range(3):
            with tracing.Subsegment("order.reserve"):
                done = True

    assert done


def test_a_full_buffer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, daemon: Daemon) -> None:
    class Full:
        def sendto(self, *_: object) -> int:
            raise BlockingIOError

    with monkeypatch.context() as changed:
        changed.setattr(tracing, "_sender", lambda _: Full())
        with tracing.Subsegment("order.reserve"):
            done = True

    assert done
    assert daemon.documents() == []


def test_the_socket_is_made_once_and_never_blocks(daemon: Daemon) -> None:
    for _ in range(2):
        with tracing.Subsegment("order.reserve"):
            pass

    assert len(daemon.documents()) == 2
    assert tracing._sender(socket.AF_INET) is tracing._sender(socket.AF_INET)
    assert not tracing._sender(socket.AF_INET).getblocking()
