"""An event is queued for every endpoint that wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.core import clock
from chalicelib.core.events import Event
from chalicelib.webhooks import service as webhooks
from tests.support import table
from tests.support.faults import injected
from tests.support.payments import Mailbox
from tests.support.stream import deliver as deliver_stream
from tests.support.webhooks import URL, happen, hook, log_of, queue, run
from tools.testing.shop import Shop


def test_an_event_is_queued_once_for_every_active_endpoint_that_wants_it(root: Shop) -> None:
    wanting = [hook(root, URL, "order.*"), hook(root, URL, "order.created.v1"), hook(root, URL)]
    hook(root, URL, "user.*")
    hook(root, URL, isActive=False)
    event = Event(id="evt_1", type="order.created.v1", timestamp=clock.timestamp(), data={})

    for _ in range(2):
        queue(event)

    found = {key.pk.removeprefix("WEBHOOK#") for key in table.everything() if key.sk.startswith("DELIVERY#")}
    assert found == {each["webhookId"] for each in wanting}
    assert [len(log_of(root, each["webhookId"])) for each in wanting] == [1, 1, 1]


def test_the_endpoints_are_read_once_in_half_a_minute(root: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, now = list[str](), [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: now[0])

    def counted(operation: str, _: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        queries.append(operation)
        return go_on()

    event = Event(id="evt_1", type="order.created.v1", timestamp=clock.timestamp(), data={})
    with injected(counted):
        assert webhooks.queue(event) == webhooks.queue(event) == []
        assert queries == ["query"]
        hook(root)
        webhooks._endpoints._kept = (now[0], [])  # as another process has it
        assert webhooks.queue(event) == []
        now[0] += 31
        assert len(webhooks.queue(event)) == 1


def test_the_stream_has_nothing_to_do_with_endpoints_and_deliveries(shop: Shop, root: Shop, box: Mailbox) -> None:
    made = hook(root, box.url)
    happen()
    run()
    root("DELETE", f"/webhooks/{made['webhookId']}")

    assert deliver_stream(shop) == []
