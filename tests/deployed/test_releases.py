"""Releases of a stage while customers order: what goes well, what is caught, and the way back.

The tests share one shop and stand in the order of a story; each leaves a version that serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.core import clock
from tests.deployed.releases import (
    BREAKS_CHECKOUT,
    CANARY,
    CHECKOUT,
    MINUTE_SECONDS,
    STAGE,
    Customers,
    Edit,
    greeting,
    greeting_as,
    open_shop,
    packaged_with,
    require_sound_books,
    say,
    ship,
    versions,
)
from tests.support import local_aws, times
from tools.refusal import Refusal
from tools.release import aliases, returning, trying
from tools.restore import gate

BREAKS_ONE_IN_THREE: Edit = (
    *CHECKOUT,
    "lambda: 1 / 0 if request.items and request.items[0].quantity == 3 else _reserve(request, buyer, claim, use)",
)
# A tenth more every 20 seconds, so that neither chance nor a slow machine can keep three failures out of it.
LINEAR = "Linear10PercentEvery10Minutes"
HASTE_SECONDS = 0.4  # between orders, where failures have to be met soon


@pytest.fixture(scope="module", autouse=True)
def shop(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A shop in an AWS of its own, whose first release serves."""
    told = {"CODEDEPLOY_MINUTE_SECONDS": str(MINUTE_SECONDS), "YES": "1"}
    with local_aws.empty(tmp_path_factory.mktemp("releases"), **told):
        with times.standard():
            open_shop(packaged, tmp_path_factory.mktemp("goods"))
        yield


def test_a_release_fails_no_request_of_four_customers(packaged: Path, tmp_path: Path) -> None:
    customers, started = Customers(), clock.monotonic()

    with customers.ordering():
        said = ship(packaged_with(packaged, tmp_path / "next", greeting_as("second"), config=CANARY))

    assert customers.failures == []
    assert greeting() == "second"
    require_sound_books(customers)
    say(f"Released while {len(customers.placed)} orders went through, 0 failed: {said}")
    say(f"{clock.monotonic() - started:.0f} seconds in all.")


def test_a_rollback_takes_seconds_and_the_next_release_works(packaged: Path, tmp_path: Path) -> None:
    customers, heard = Customers(), []

    with customers.ordering():
        said = returning.roll_back(STAGE, heard.append)
        went_back = greeting()
        ship(packaged_with(packaged, tmp_path / "next", greeting_as("third")))

    assert went_back == "Hello from Lambda"
    assert greeting() == "third"
    assert customers.failures == []
    require_sound_books(customers)
    say(f"{next(line for line in heard if 'serves again' in line)} {said}")


def test_a_rollback_that_was_interrupted_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    point, moved = aliases._point, []

    def die_at_the_third(*arguments: object) -> None:
        if len(moved) == 2:
            raise KeyboardInterrupt
        moved.append(arguments)
        point(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(aliases, "_point", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            returning.roll_back(STAGE, say)
    returning.roll_back(STAGE, say)

    assert greeting() == "Hello from Lambda"
    with pytest.raises(Refusal, match="There is no release of dev before this one"):
        returning.roll_back(STAGE, say)


def test_a_release_that_breaks_checkout_meets_no_customer(packaged: Path, tmp_path: Path) -> None:
    customers, before = Customers(), versions("APIHandler")

    with customers.ordering(), pytest.raises(Refusal) as refused:
        ship(packaged_with(packaged, tmp_path / "bad", BREAKS_CHECKOUT))

    say(str(refused.value))
    assert "The smoke test of the new version failed: Step 6, buy: " in str(refused.value)
    assert "The version before serves" in str(refused.value)
    assert customers.failures == []
    assert versions("APIHandler") == before
    require_sound_books(customers)
    say(f"{len(customers.placed)} orders went through meanwhile, 0 failed.")


def test_a_release_that_fails_one_in_three_orders_is_taken_back_by_an_alarm(packaged: Path, tmp_path: Path) -> None:
    customers, before = Customers(quantities=(1, 2, 3), pause=HASTE_SECONDS), versions("APIHandler")

    with customers.ordering():
        with pytest.raises(Refusal) as refused:
            ship(packaged_with(packaged, tmp_path / "worse", BREAKS_ONE_IN_THREE, config=LINEAR))
        failed, over = list(customers.failures), clock.monotonic()

    say(str(refused.value))
    assert "-canary-" in str(refused.value)
    assert failed
    assert all(reply.status >= 500 for _, reply in failed)
    assert customers.failures == failed, "a request failed after the release was taken back"
    assert versions("APIHandler") == before
    require_sound_books(customers)
    seconds = over - failed[0][0]
    total = customers.statuses.total()
    say(f"{len(failed)} of {total} requests failed; {seconds:.1f} seconds from the first to the end of the way back.")


def test_a_closed_shop_is_neither_released_nor_tried(packaged: Path, tmp_path: Path) -> None:
    gate.close(STAGE)
    try:
        with pytest.raises(Refusal, match="dev is closed, and a release is tried by buying: make open STAGE=dev first"):
            ship(packaged_with(packaged, tmp_path / "closed", greeting_as("behind doors")))
        with pytest.raises(Refusal, match="dev is closed"):
            trying.over_http(STAGE)
    finally:
        gate.open_again(STAGE)

    trying.over_http(STAGE, say)
    assert greeting() != "behind doors"
