"""What a stage must say, and what it gets without saying."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chalice.app import AuthRequest

from chalicelib import authorizer
from chalicelib.core import log, settings
from chalicelib.core.errors import Misconfigured
from chalicelib.users import passwords
from tests.support.lines import lines


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


def test_passwords_take_twelve_rounds_unless_a_stage_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PASSWORD_ROUNDS")

    assert settings.current().password_rounds == 12
    assert passwords.hash_password("correct horse battery").startswith("$2b$12$")


@pytest.mark.parametrize(
    ("name", "value"), [("TABLE_NAME", ""), ("INDEX_SHARDS", "0"), ("INDEX_SHARDS", "many"), ("LOG_LEVEL", "LOUD")]
)
def test_a_missing_or_malformed_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(Misconfigured, match=name):
        settings.current()


@pytest.mark.parametrize("name", ["BUCKET_NAME", "IMAGE_BASE_URL"])
def test_without_a_bucket_only_what_needs_it_is_misconfigured(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)

    known = settings.current()

    with pytest.raises(Misconfigured, match=name):
        getattr(known, name.lower())


@pytest.mark.usefixtures("standard_time")
def test_a_bad_token_goes_on_without_a_principal_locally_and_is_refused_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = AuthRequest("TOKEN", "Basic nonsense", "arn:aws:execute-api:us-east-1:1:api/prod/GET/orders")
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.authorize.func(request)

    monkeypatch.setenv("STAGE", "local")
    settings.current.cache_clear()

    answer = authorizer.authorize.func(request)
    assert (answer.principal_id, answer.context) == ("anonymous", {})


def test_a_stage_that_says_nothing_of_prices_ships_free_and_takes_no_tax() -> None:
    assert (settings.current().shipping_policy, settings.current().tax_rates) == ("free", "*=0")


@pytest.mark.fault("F4")
def test_a_price_without_a_currency_is_in_dollars_unless_a_stage_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings.current().default_currency == "USD"

    monkeypatch.setenv("DEFAULT_CURRENCY", "JPY")
    settings.current.cache_clear()

    assert settings.current().default_currency == "JPY"


@pytest.mark.fault("F4")
@pytest.mark.parametrize("code", ["usd", "XXX", "EURO", " "])
def test_a_default_currency_that_nobody_pays_in_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setenv("DEFAULT_CURRENCY", code)

    with pytest.raises(Misconfigured) as told:
        settings.current()

    wanted = "a currency of ISO 4217 in use is needed, such as USD."
    assert str(told.value) == f"The environment variable DEFAULT_CURRENCY is {code!r}; {wanted}"


@pytest.mark.usefixtures("standard_time")
@pytest.mark.parametrize(
    ("level", "written"),
    [("DEBUG", ["A", "B", "C", "D"]), ("INFO", ["B", "C", "D"]), ("WARNING", ["C", "D"]), ("ERROR", ["D"])],
)
def test_a_stage_says_from_which_level_on_lines_are_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], level: str, written: list[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", level)

    for event, write in {"A": log.debug, "B": log.info, "C": log.warning, "D": log.error}.items():
        write(event)

    assert [line["event"] for line in lines(capsys.readouterr().out)] == written


@pytest.mark.parametrize(
    ("stage", "receivers", "near"),
    [("dev", "", False), ("dev", "public", False), ("dev", "near", True), ("prod", "near", False), ("local", "", True)],
)
def test_webhooks_go_to_the_machine_itself_only_where_a_stage_is_tried_out(
    monkeypatch: pytest.MonkeyPatch, stage: str, receivers: str, *, near: bool
) -> None:
    monkeypatch.setenv("STAGE", stage)
    monkeypatch.setenv("WEBHOOK_RECEIVERS", receivers)

    assert settings.current().has_near_receivers is near
