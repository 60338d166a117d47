"""What nobody expected: one line of the log, without what somebody sent, and an answer or a failure that goes on."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError
from chalice.app import AuthRequest

import app
from chalicelib import authorizer
from chalicelib.aws.transport import RequestError
from chalicelib.core import clock, log, settings
from chalicelib.core.errors import Misconfigured
from tests.support.lines import events, lines, metrics
from tools.local import functions, schedule
from tools.testing.shop import Shop

SAID = "ada@example.com lives in 1 Main Street"
SCHEDULED = {
    "run_scheduled_work": "chalicelib.orders.sweep.run",
    "deliver_webhooks": "chalicelib.webhooks.service.deliver",
    "check_store": "chalicelib.reports.audit.run",
    "remind_of_carts": "chalicelib.cart.abandoned.remind",
    "summarise_sales": "chalicelib.reports.sales.run",
}


def raising(error: Exception) -> Any:
    def broken(*_: object, **__: object) -> None:
        raise error

    return broken


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "not authorized to perform: dynamodb:Query"}}, "Query")


def test_a_request_that_fails_is_one_line_with_its_route_and_without_what_was_said(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("chalicelib.products.service.get", raising(KeyError(SAID)))

    answer = shop("GET", "/products/prd_nothing")

    out = capfd.readouterr().out
    (line,) = events(out, "REQUEST_FAILED")
    assert (answer.status, answer.body["code"]) == (500, "internal_error")
    assert (line["level"], line["functionName"]) == ("ERROR", "api_handler")
    assert line["requestId"] == answer.body["requestId"] == answer.headers["X-Request-Id"]
    assert line["metadata"]["route"] == "GET /products/{product_id}"
    assert line["metadata"]["error"] == "KeyError"
    assert "in get_product" in line["metadata"]["stack"]
    assert "ada@example.com" not in out
    assert events(out, "LIBRARY_LOG") == []


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Misconfigured("The environment variable TAX_RATES is wrong."), "The environment variable TAX_RATES is wrong."),
        (refused("ValidationException"), "ValidationException"),
    ],
)
def test_a_failure_says_what_the_stage_lacks_and_what_aws_calls_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: Exception, message: str
) -> None:
    monkeypatch.setattr("chalicelib.products.service.get", raising(error))

    shop("GET", "/products/prd_nothing")

    (line,) = events(capfd.readouterr().out, "REQUEST_FAILED")
    assert line["message"] == message


def test_a_failure_says_which_permission_is_missing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def get(*_: object) -> None:
        raise RequestError("refused") from refused("AccessDeniedException")

    monkeypatch.setattr("chalicelib.products.service.get", get)

    shop("GET", "/products/prd_nothing")

    (line,) = events(capfd.readouterr().out, "REQUEST_FAILED")
    assert "not authorized to perform: dynamodb:Query" in line["message"]
    assert line["metadata"]["stack"].startswith("RequestError\n")
    assert "ClientError" in line["metadata"]["stack"]


def test_answers_of_ours_that_failed_are_counted_by_their_code(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("chalicelib.products.service.get", raising(ZeroDivisionError()))

    shop("GET", "/products/prd_nothing")
    shop("GET", "/products?limit=0")

    out = capfd.readouterr().out
    (counted,), (by_version,) = metrics(out, "RequestFailed"), metrics(out, "VersionFailed")
    assert (counted["RequestFailed"], counted["Code"]) == (1, "internal_error")
    (described,) = counted["_aws"]["CloudWatchMetrics"]
    assert described["Dimensions"] == [["Stage"], ["Stage", "Code"]]
    assert (by_version["VersionFailed"], by_version["Version"]) == (1, "$LATEST")


@pytest.mark.usefixtures("standard_time")
def test_what_a_library_logs_otherwise_stays_a_line_of_its_own() -> None:
    written, failed = io.StringIO(), list[BaseException]()
    logger = logging.getLogger("chalice-or-another")
    logger.addHandler(logging.StreamHandler(written))
    log.adopt(logger, failed=failed.append)

    logger.critical("something of %s", "a library's")
    logger.error("caught", exc_info=KeyError(SAID))

    assert [type(error) for error in failed] == [KeyError]
    (line,) = lines(written.getvalue())
    told = (line["event"], line["message"], line["level"], line["logger"])
    assert told == ("LIBRARY_LOG", "something of a library's", "ERROR", "chalice-or-another")


@pytest.mark.parametrize("name", SCHEDULED)
def test_a_scheduled_function_that_fails_is_one_line_and_goes_on_failing(
    aws: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    monkeypatch.setattr(SCHEDULED[name], raising(KeyError(SAID)))
    context = functions.context(name)

    with pytest.raises(KeyError):
        getattr(app, name)(schedule.event(clock.now()), context)

    out = capfd.readouterr().out
    (line,) = events(out, "FUNCTION_FAILED")
    assert (line["level"], line["functionName"]) == ("ERROR", name)
    assert line["requestId"] == context.aws_request_id
    assert line["metadata"]["error"] == "KeyError"
    assert "ada@example.com" not in out


def test_the_stream_and_the_rotation_tell_of_their_failures_too(
    aws: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("chalicelib.notifications.service.handle", raising(RuntimeError()))
    with pytest.raises(RuntimeError):
        app.handle_table_stream({"Records": []}, functions.context("handle_table_stream"))
    with pytest.raises(KeyError):
        app.rotate_jwt_secret({}, functions.context("rotate_jwt_secret"))

    lines = events(capfd.readouterr().out, "FUNCTION_FAILED")
    assert [line["functionName"] for line in lines] == ["handle_table_stream", "rotate_jwt_secret"]


@pytest.mark.parametrize(("error", "told"), [(RuntimeError("no"), ["authorize"]), (None, [])])
def test_the_authorizer_tells_of_its_failures_and_not_of_tokens_that_are_refused(
    aws: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: Exception | None,
    told: list[str],
) -> None:  # fmt: skip
    if error:
        monkeypatch.setattr("chalicelib.auth.tokens.authenticate", raising(error))
    request = AuthRequest("TOKEN", "Bearer nonsense", "arn:aws:execute-api:us-east-1:1:api/prod/GET/orders")

    with pytest.raises(Exception, match="^no$" if error else "^Unauthorized$"):
        authorizer.authorize.func(request)

    assert [line["functionName"] for line in events(capfd.readouterr().out, "FUNCTION_FAILED")] == told


def test_a_stage_without_settings_still_says_what_is_wrong(
    aws: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TABLE_NAME")
    settings.current.cache_clear()
    try:
        with pytest.raises(Misconfigured):
            app.run_scheduled_work(schedule.event(clock.now()), functions.context("run_scheduled_work"))
    finally:
        monkeypatch.undo()
        settings.current.cache_clear()

    (line,) = events(capfd.readouterr().out, "FUNCTION_FAILED")
    assert "TABLE_NAME" in line["message"]
