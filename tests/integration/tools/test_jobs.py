"""`python -m tools.jobs`: a scheduled function's work by hand."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from unittest import mock

import pytest

import app
from chalicelib.aws import db, keys
from chalicelib.core import clock, settings
from tools import jobs, stage
from tools.local import schedule
from tools.testing.shop import Shop

ENTER = stage.enter


@pytest.fixture(autouse=True)
def _stage(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage is the tests' own."""
    monkeypatch.setattr(stage, "enter", lambda **_: None)


def test_a_job_is_run_for_an_instant_and_says_what_it_did_in_one_line(
    ada: Shop, mug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    at = (clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT00:30:00Z")
    with clock.fixed(clock.parse(at) - timedelta(hours=2)):
        ada.login().order((mug, 1))
    capsys.readouterr()

    codes = [jobs.main(["summarise_sales", "--at", at]) for _ in range(2)]
    codes.append(jobs.main(["summarise_sales", "--at", at, "--again"]))

    assert codes == [0, 0, 0]
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert answers == [{"job": "summarise_sales", "at": at, "written": written, "failed": 0} for written in (1, 0, 1)]
    assert db.get(keys.sales_report(clock.timestamp(clock.parse(at) - timedelta(days=1))[:10]))


def test_every_scheduled_function_can_be_run_by_its_name(aws: None, capsys: pytest.CaptureFixture[str]) -> None:
    db.commit(db.put(keys.job("carts"), {"lastHour": clock.timestamp()[:13]}))
    names = list(schedule.expressions(app.app))

    assert [jobs.main([name]) for name in names] == [0] * len(names)
    assert [json.loads(line)["job"] for line in capsys.readouterr().out.splitlines()] == names


@pytest.mark.fault("F6")
def test_an_erasure_that_fails_is_counted_logged_and_no_success(
    shop: Shop, mug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root, second = shop.login("root@example.com"), shop.admin("second@example.com")
    root_id, second_id = (who("GET", "/auth/me").body["userId"] for who in (root, second))
    order = second.order((mug, 1)).body["orderId"]
    assert root("POST", f"/users/{second_id}/erasure").status == 202
    second("PUT", f"/orders/{order}/cancel").expect(200)
    root("DELETE", f"/users/{root_id}/roles/admin").expect(200)  # and the last admin stays
    capsys.readouterr()

    assert jobs.main(["run_scheduled_work"]) == 1

    said = capsys.readouterr()
    done = json.loads(said.out)
    assert (done["erased"], done["failed"]) == (0, 1)
    (swept,) = [line for each in said.err.splitlines() if (line := json.loads(each)).get("event") == "SWEPT"]
    assert swept["metadata"] == {name: count for name, count in done.items() if name not in ("job", "at")}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tidy_up"], "There is no scheduled function 'tidy_up'; there are run_scheduled_work, deliver_webhooks"),
        (["handle_table_stream"], "There is no scheduled function"),
        (["summarise_sales", "--at", "yesterday"], "The instant must be one such as 2026-11-20T00:30:00Z, not 'yest"),
        (["summarise_sales", "--at", "2026-11-20"], "The instant must be one such as"),
        (["summarise_sales", "--at", "2126-11-20T00:30:00Z"], "2126-11-20T00:30:00Z is still to come"),
        (["summarise_sales", "--at", "1900-01-01T00:00:00Z"], "1900-01-01T00:00:00Z is more than ten years away."),
        (["remind_of_carts", "--at", "0001-01-01T00:00:00+14:00"], "0001-01-01T00:00:00+14:00 is more than ten years"),
        (["remind_of_carts", "--at", "9999-12-31T23:59:59-10:00"], "9999-12-31T23:59:59-10:00 is still to come"),
        (["remind_of_carts", "--again"], "remind_of_carts writes nothing that could be written again"),
        ([], "The following arguments are required: name; usage:"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert jobs.main(arguments) == 2

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(sentence)
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+14:00"])
def test_an_instant_out_of_all_bounds_is_refused_on_the_local_shop_too(
    at: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as local:
        local.setenv("STAGE", "local")
        settings.current.cache_clear()
        assert jobs.main(["remind_of_carts", "--at", at]) == 2
    settings.current.cache_clear()

    assert capsys.readouterr().err == f"{at} is more than ten years away.\n"


@pytest.mark.parametrize(("years", "code"), [(9, 0), (11, 2)])
def test_the_last_ten_years_can_be_looked_at_again(years: int, code: int) -> None:
    at = clock.now() - timedelta(days=365 * years)

    assert jobs.main(["summarise_sales", "--at", clock.timestamp(at)]) == code


def test_a_stage_without_a_bucket_fails_for_sales_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BUCKET_NAME")
    db.commit(db.put(keys.job("carts"), {"lastHour": clock.timestamp()[:13]}))

    assert jobs.main(["summarise_sales"]) == 1
    assert "SALES_NOT_WRITTEN" in capsys.readouterr().err
    assert jobs.main(["remind_of_carts"]) == 0


def test_a_deployed_stage_gets_no_made_up_bucket() -> None:
    with mock.patch.dict(os.environ, STAGE="dev"):
        for name in ("BUCKET_NAME", "IMAGE_BASE_URL"):
            del os.environ[name]

        ENTER(needs=("BUCKET_NAME",))

        assert "BUCKET_NAME" not in os.environ
        assert os.environ["IMAGE_BASE_URL"] == "unused"
