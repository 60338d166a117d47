"""What a restore does beside the table: the provider's messages, the differences, the stage's settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest

from chalicelib.core import clock
from chalicelib.payments import providers
from chalicelib.payments.models import AttemptState, ProviderEvent
from chalicelib.payments.port import NoAnswer
from chalicelib.payments.simulator import in_table, ledger
from tests.support.table import everything
from tools import stages
from tools.refusal import Refusal
from tools.restore import losses, messages, steps, switch
from tools.stages import files
from tools.testing import table
from tools.testing.shop import Shop

SINCE = datetime(2026, 11, 28, 1, 30, tzinfo=UTC)


class Told(in_table.Simulator):
    """A provider that has told all this."""

    def __init__(self, *events: ProviderEvent, silent: bool = False) -> None:
        super().__init__()
        self.events, self.silent, self.asked = events, silent, 0

    def list_events(self, since: int) -> Iterator[ProviderEvent]:
        self.asked = since
        yield from self.events
        if self.silent:
            raise NoAnswer("a time-out")


def event_of(order_id: str, state: AttemptState = AttemptState.CAPTURED) -> ProviderEvent:
    key = f"{order_id}:1"
    payment = ledger.PaymentRow(merchant_key=key, order_id=order_id, payment_id=ledger.payment_id_of(key),
                                amount=2500, currency="USD", state=state)  # fmt: skip
    return ledger.payment_event(payment)


def hear(monkeypatch: pytest.MonkeyPatch, provider: Told) -> messages.Heard:
    monkeypatch.setattr(providers, "current", lambda: provider)
    return messages.hear_again(SINCE)


def waiting_order(shop: Shop) -> tuple[Shop, str]:
    """An order whose payment is in doubt, as the table has it that was restored."""
    mug = shop.admin().product(stock=10)["productId"]
    ada = shop.customer()
    return ada, str(ada.order((mug, 2), token="tok_timeout").expect(202)["orderId"])


def test_an_order_that_was_paid_since_is_paid_again_in_the_restored_table(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, order_id = waiting_order(shop)
    provider = Told(event_of(order_id))

    heard = hear(monkeypatch, provider)

    assert (heard.count, heard.unknown, provider.asked) == (1, {}, int(SINCE.timestamp()))
    assert ada("GET", f"/orders/{order_id}").body["paymentStatus"] == "paid"


def test_hearing_it_all_twice_changes_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    _, order_id = waiting_order(shop)
    provider = Told(event_of(order_id), event_of("ord_lost"))
    hear(monkeypatch, provider)
    once = everything()

    hear(monkeypatch, provider)

    assert {key.pk for key, item in everything().items() if once.get(key) != item} <= {
        f"PARKED#{provider.events[1].event_id}"  # it came later, so it is kept for longer
    }


def test_a_payment_of_a_lost_order_is_told_and_kept_for_the_audit(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = event_of("ord_failed", AttemptState.FAILED)
    event = event_of("ord_lost")

    heard = hear(monkeypatch, Told(event, failed))

    assert heard.unknown == {"ord_lost:1": event}
    assert {key.pk for key in everything() if key.pk.startswith("PARKED#")} == {
        f"PARKED#{event.event_id}", f"PARKED#{failed.event_id}",
    }  # fmt: skip


def test_a_provider_that_falls_silent_keeps_nobody_from_going_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = hear(monkeypatch, Told(event_of("ord_lost"), silent=True))

    assert (heard.count, heard.silence) == (1, "a time-out")


def test_the_simulator_in_the_table_has_told_nothing(aws: None) -> None:
    assert list(in_table.Simulator().list_events(0)) == []


def copied(name: str) -> None:
    """A table with all that the shop's has."""
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(**{**table.definition(), "TableName": name})
    for item in dynamodb.scan(TableName="ecommerce-test", ConsistentRead=True)["Items"]:
        dynamodb.put_item(TableName=name, Item=item)


@pytest.fixture
def since(shop: Shop) -> dict[str, str]:
    """What was done since the table `restored` was as the shop's: three orders, and what became of accounts."""
    root = shop.admin()
    mug = root.product(stock=10)["productId"]
    ada, bob = shop.customer(), shop.customer("bob@example.com")
    shipped = ada.order((mug, 1)).expect(201)["orderId"]
    kept = ada.order((mug, 1)).expect(201)["orderId"]
    copied("restored")
    root("PUT", f"/orders/{shipped}/status", {"status": "shipped"}).expect(200)
    lost = bob.order((mug, 2)).expect(201)["orderId"]
    changed = {"oldPassword": "correct horse battery", "newPassword": "a battery of horses"}
    bob("PUT", "/users/password", changed).expect(204)
    eve = shop.register("eve@example.com").expect(201)["userId"]
    return {"shipped": shipped, "kept": kept, "lost": lost, "eve": eve}


def test_what_was_done_since_is_told_a_line_each(since: dict[str, str]) -> None:
    lines = losses.find("ecommerce-test", "restored")

    assert {line["id"]: line["what"] for line in lines if line["kind"] == "order"} == {
        since["shipped"]: "changed since: status",
        since["lost"]: "not in the restored table",
    }
    assert {line["email"]: line["what"] for line in lines if line["kind"] == "account"} == {
        "bob@example.com": "changed since: passwordHash",
        "eve@example.com": "not in the restored table",
    }
    (lost,) = (line for line in lines if line["id"] == since["lost"])
    assert (lost["email"], lost["total"], lost["paymentStatus"]) == ("bob@example.com", 2500, "paid")
    assert lost["paymentId"]


def test_what_only_the_restored_table_has_is_told_as_well(since: dict[str, str]) -> None:
    order = {line["id"]: line for line in losses.find("restored", "ecommerce-test")}[since["lost"]]

    assert order["what"] == "only in the restored table"


def test_no_line_has_a_password(since: dict[str, str]) -> None:
    assert not [line for line in losses.find("ecommerce-test", "restored") if "passwordHash" in line]


def test_only_the_owner_may_read_the_lines(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"

    losses.write([{"kind": "order", "id": "ord_1"}], file)

    assert json.loads(file.read_text()) == {"kind": "order", "id": "ord_1"}
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in stages.names():
        (tmp_path / f"{name}.toml").write_text((files.FOLDER / f"{name}.toml").read_text())
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    monkeypatch.setattr("tools.stages.generated.write", list)
    return tmp_path


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stage_is_pointed_at_a_table_again_and_again(folder: Path, name: str) -> None:
    before = files.read(name, folder)

    switch.point(before, "restored")
    once = files.read(name, folder)
    switch.point(once, "restored-again")

    assert once == msgspec.structs.replace(before, table_name="restored")
    assert files.read(name, folder).table_name == "restored-again"


def test_a_stage_without_a_place_for_it_is_left_alone(folder: Path) -> None:
    file = folder / "dev.toml"
    without = "".join(line for line in file.read_text().splitlines(keepends=True) if "table_name" not in line)
    file.write_text(without)

    with pytest.raises(Refusal, match="has no line table_name"):
        switch.point(files.read("dev", folder), "restored")

    assert file.read_text() == without


def test_what_is_deployed_at_another_table_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = stages.read("dev")
    found: list[tuple[str, Any]] = [("api", "ecommerce-dev"), ("the stream's trigger", "ecommerce-dev-old")]
    monkeypatch.setattr("tools.restore.gate.positions", lambda _: iter(found))

    assert switch.find_behind(stage) == ["the stream's trigger is at ecommerce-dev-old, and the stage at ecommerce-dev"]


def test_the_time_is_asked_of_the_clock() -> None:
    with clock.fixed(SINCE), pytest.raises(Refusal, match="it is 2026-11-28T01:30:00Z in UTC"):
        steps.require_past(datetime(2026, 11, 28, 1, 31, tzinfo=UTC))
