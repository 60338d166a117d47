"""What the commands of a stage refuse, before they touch anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from chalicelib.core import clock
from tests.support import deployer
from tools import stages
from tools.refusal import Refusal
from tools.stages import account, changes, removal, resources, secrets

DEV, PROD = stages.read("dev"), stages.read("prod")
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
LIVE = '{"apiKey": "sk_live_1", "webhookSecret": "whsec_1"}'


@pytest.fixture(autouse=True)
def _nobody_says_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YES", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def answers(monkeypatch: pytest.MonkeyPatch, **methods: Any) -> None:
    """Let AWS answer so, and nothing else."""
    given = SimpleNamespace(**{name: lambda answer=answer, **_: answer for name, answer in methods.items()})
    monkeypatch.setattr(boto3, "client", lambda _service: given)


def test_what_outlives_its_stack_is_what_the_template_retains() -> None:
    found = deployer.template("template.yaml")["Resources"]

    assert {name for name, each in found.items() if "Retain" in each.get("DeletionPolicy", "")} == resources.OUTLIVES


def test_a_protected_stage_is_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)

    with pytest.raises(Refusal, match=r"^prod is protected: say is_protected = false in stages/prod.toml"):
        removal.remove(PROD)


def test_nothing_is_removed_without_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, describe_stacks={"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]})
    monkeypatch.setattr(removal, "_kept", lambda _: [])

    with pytest.raises(Refusal, match="Nothing was deleted"):
        removal.remove(DEV)


def test_a_stage_that_is_gone_is_gone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(changes, "status", lambda _: None)

    removal.remove(DEV)

    assert capsys.readouterr().out == "There is no stack of dev.\n"


@pytest.mark.parametrize(
    ("stage", "text", "why"),
    [
        (DEV, "", "holds no key of Stripe's"),
        (DEV, '{"apiKey": "sk_test_1"}', "holds no signing secret"),
        (PROD, LIVE.replace("live", "test"), "holds a key of Stripe's test mode"),
    ],
)
def test_what_is_no_payment_key_is_not_put_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stage: stages.Stage, text: str, why: str
) -> None:
    answers(monkeypatch)
    file = tmp_path / "payment.json"
    file.write_text(text)

    with pytest.raises(Refusal, match=why):
        secrets.put_payment_keys(stage, file)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert secrets.main(["pay", "dev", str(tmp_path / "none.json")]) == 2


def test_a_key_that_was_rotated_this_week_is_not_rotated_without_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, describe_secret={"LastRotatedDate": NOW - timedelta(days=6)})

    with clock.fixed(NOW), pytest.raises(Refusal, match="Nothing was changed"):
        secrets.rotate(DEV)


def test_a_role_of_somebody_elses_for_access_logs_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers(monkeypatch, get_account={"cloudwatchRoleArn": "arn:aws:iam::123456789012:role/logs"})
    monkeypatch.setattr(changes, "status", lambda _: None)

    account.bring_up()

    assert "which is not this project's" in capsys.readouterr().out
