"""However what people do and what the stream tells are mixed, what follows ends as if computed from scratch."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from chalicelib.aws import db, keys
from chalicelib.core import clock
from chalicelib.notifications import service as notifications
from tests.integration.tools.test_recompute import derived, from_scratch, recompute
from tests.support.stream import deliver, mails, records, told
from tests.support.table import everything, renew
from tools.testing.shop import Shop

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

DELIVERIES = ["deliver", "deliver", "deliver out of order", "deliver without mail"]
ACTIONS = ["create", "rename", "move", "hide", "delete", "count", "buy", "cancel", "ship", "join", "profile"]
STEPS = st.lists(st.tuples(st.sampled_from([*ACTIONS, *DELIVERIES]), st.integers(0, 5)), min_size=3, max_size=14)


class People:
    """An admin and a customer, who do what they are told, and a stream that is heard of now and then."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.admin, self.ada = shop, shop.admin(), shop.customer()
        self.user = self.ada("GET", "/auth/me").body["userId"]
        self.products = [str(self.admin.product(name="Mug", stock=9)["productId"])]
        self.orders: list[str] = []
        self.heard = 0

    def do(self, step: str, number: int) -> None:
        product = self.products[number % len(self.products)]
        order = self.orders[number % len(self.orders)] if self.orders else "ord_none"
        changes = {
            "rename": {"name": f"Cup {number}"},
            "move": {"category": f"shelf {number}"},
            "hide": {"isActive": False},
        }
        match step:
            case "create":
                made = self.admin.product(name=f"Pot {number}", category=f"shelf {number}", stock=9)
                self.products.append(str(made["productId"]))
            case "rename" | "move" | "hide":
                self.admin("PATCH", f"/products/{product}", changes[step])
            case "delete":
                self.admin("DELETE", f"/products/{product}")
            case "count":
                self.admin("POST", f"/products/{product}/stock", {"delta": number - 2, "reason": "counted"})
            case "buy":
                answer = self.ada.order((product, number + 1), token="tok_success" if number else "tok_declined")
                self.orders += [answer.body["orderId"]] if answer.status == 201 else []
            case "cancel":
                self.ada("PUT", f"/orders/{order}/cancel")
            case "ship":
                self.admin("PUT", f"/orders/{order}/status", {"status": "shipped"})
            case "join":
                self.shop.register(f"user{number}@example.com")
            case "profile":
                self.admin("PATCH", f"/users/{self.user}", {"firstName": f"Ada {number}"})
            case _:
                self.hear(step, number)

    def hear(self, step: str, number: int) -> None:
        """Deliver some of what was not heard of yet, or all of it wrongly; what failed is heard of again later."""
        everything_so_far = records()
        fresh = everything_so_far[self.heard :]
        if step == "deliver out of order":
            deliver(self.shop, fresh[number:])
        elif step == "deliver without mail":
            boto3.client("sesv2").delete_email_identity(EmailIdentity="shop@example.com")
            deliver(self.shop, fresh)
            boto3.client("sesv2").create_email_identity(EmailIdentity="shop@example.com")
        else:
            assert deliver(self.shop, fresh[: number + 1]) == []
            self.heard += len(fresh[: number + 1])

    def hear_all(self) -> list[dict[str, Any]]:
        batch = records()
        assert deliver(self.shop, batch) == []
        return batch


def histories() -> dict[keys.Key, dict[str, Any]]:
    return {key: item for key, item in everything().items() if keys.family(key.pk) == "AUDIT"}


@given(story=STEPS)
@profile(max_examples=15)
def test_histories_numbers_and_the_search_index_end_as_if_computed_from_scratch(
    shop: Shop, story: list[tuple[str, int]]
) -> None:
    renew()
    people = People(shop)
    for step, number in story:
        people.do(step, number)

    batch = people.hear_all()

    table = everything()
    assert derived(table) == from_scratch(table)
    told_once = histories()
    for key in told_once:
        db.commit(db.delete(key))
    assert notifications.handle(batch) == []
    assert histories() == told_once
    assert recompute(check=True).differing == {}


def test_a_recomputation_writes_the_steps_of_orders_that_a_history_lacks(
    ada: Shop, mug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "pause", lambda _: None)
    order = ada.order((mug, 1)).body["orderId"]
    ada("PUT", f"/orders/{order}/cancel")
    deliver(ada)
    before = histories()
    lost, wrong, _ = [key for key in before if order in key.sk]
    db.commit(db.delete(lost), db.update(wrong, "SET #a = :a", {":a": "order.lost"}, names={"#a": "action"}))

    assert recompute(check=True).differing == {"steps in histories": 2}
    assert recompute().differing == {"steps in histories": 2}

    assert histories() == before
    assert recompute(check=True).differing == {}


def test_what_a_story_leads_to_is_told_and_mailed_once_however_often_it_is_heard(ada: Shop, mug: str) -> None:
    ada.order((mug, 1))
    for _ in range(3):
        deliver(ada)

    assert len({event["id"] for event in told()}) == len(told())
    assert len(set(mails())) == len(mails())
