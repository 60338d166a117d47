"""What the commands of a stage refuse, before they touch anything."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.core import clock
from tests.support import deployer
from tools import stages
from tools.local.stacks import MAX_BODY_BYTES
from tools.package import artifacts
from tools.refusal import Refusal
from tools.stages import account, api_keys, changes, checks, place, removal, resources, secrets

DEV, PROD = stages.read("dev"), stages.read("prod")
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
LIVE = '{"apiKey": "sk_live_1", "webhookSecret": "whsec_0123456789abcdefghijklmnopqrstuv"}'

TRIAL = LIVE.replace("live", "test")


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
    monkeypatch.setattr(removal, "_refuse_what_chalice_deployed", lambda _: None)

    with pytest.raises(Refusal, match="Nothing was deleted"):
        removal.remove(DEV)


def test_a_stage_whose_stack_is_protected_still_keeps_its_app(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = {"StackStatus": "CREATE_COMPLETE", "EnableTerminationProtection": True}
    answers(monkeypatch, describe_stacks={"Stacks": [locked]})
    monkeypatch.setenv("YES", "1")

    with pytest.raises(Refusal, match=r"^ecommerce-dev-resources is protected: run `make resources STAGE=dev` first"):
        removal.remove(DEV)


def test_what_chalice_deployed_is_taken_away_by_chalice(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(
        monkeypatch,
        describe_stacks={"Stacks": [{"StackStatus": "CREATE_COMPLETE"}]},
        get_function={"Configuration": {}},
    )
    monkeypatch.setenv("YES", "1")

    with pytest.raises(Refusal, match="run `make chalice-delete STAGE=dev` first"):
        removal.remove(DEV)


def test_a_stage_that_is_gone_is_gone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(changes, "status", lambda _: None)

    removal.remove(DEV)

    assert capsys.readouterr().out == "There is no stack of dev.\n"


@pytest.mark.parametrize(
    ("stage", "text", "why"),
    [
        (DEV, "", "holds no key of Stripe's"),
        (DEV, TRIAL.replace("whsec_0123456789abcdefghijklmnopqrstuv", "whsec_yours"), "holds no signing secret"),
        (DEV, '{"apiKey": "sk_test_1", "webhookSecret": []}', "holds no signing secret"),
        (DEV, LIVE, "holds a live key, and dev is not protected"),
        (PROD, TRIAL, "holds a key of Stripe's test mode"),
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


@pytest.mark.parametrize("there", ["not-set", "whsec_0123456789abcdefghijklmnopqrstuv"])
def test_a_file_without_a_signing_secret_keeps_the_one_there_or_gets_one_that_nobody_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: str
) -> None:
    put = dict[str, str]()
    held = {"SecretString": json.dumps({"apiKey": "not-set", "webhookSecret": there})}
    vault = SimpleNamespace(get_secret_value=lambda **_: held, put_secret_value=lambda **given: put.update(given))
    monkeypatch.setattr(boto3, "client", lambda _service: vault)
    file = tmp_path / "payment.json"
    file.write_text('{"apiKey": "sk_test_1"}')

    secrets.put_payment_keys(DEV, file)

    made = json.loads(put["SecretString"])
    assert made["apiKey"] == "sk_test_1"
    assert (made["webhookSecret"] == there) == there.startswith("whsec_")
    assert checks.are_signing_secrets(made["webhookSecret"])


@pytest.mark.parametrize("plan", [[], ["--plan", ""]])
def test_a_key_is_put_into_no_plan_that_nobody_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], plan: list[str]
) -> None:
    answers(monkeypatch)

    assert api_keys.main(["dev", "acme", *plan]) == 2

    assert capsys.readouterr().err == "PLAN is one of free, premium; or DELETE=1, to delete the key.\n"


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


def test_every_template_of_ours_fits_into_the_call_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [file.read_text(encoding="utf-8") for file in (resources.TEMPLATE, artifacts.TEMPLATE)]
    answers(monkeypatch, get_account={})
    monkeypatch.setattr(changes, "status", lambda _: None)
    monkeypatch.setattr(changes, "describe", lambda _: None)
    monkeypatch.setattr(changes, "propose", lambda _stack, template, *_: sent.append(template))
    monkeypatch.setattr(changes, "settle", lambda _: None)

    account.bring_up(trusted="arn:aws:iam::111111111111:user/ci", watched="trail")

    assert [json.loads(each) for each in sent[2:]] == [
        deployer.template(file) for file in ("account.yaml", "deployer.yaml", "safety.yaml")
    ]
    assert len(sent) == len(list(account.INFRA.glob("*.yaml")))
    assert [len(each) for each in sent if len(each.encode()) > MAX_BODY_BYTES] == []


def test_what_is_no_repository_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)

    with pytest.raises(Refusal, match=r"^GITHUB is owner/name, such as acme/shop, and not 'shop'"):
        account.bring_up(github="shop")


def test_only_the_environments_of_stages_that_live_here_may_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "account", lambda: "111111111111")
    elsewhere = {"dev": replace(DEV, account="222222222222"), "prod": replace(PROD, account="111111111111")}
    monkeypatch.setattr(stages, "read", elsewhere.__getitem__)

    assert account.environments("acme/shop") == ["repo:acme/shop:environment:prod"]

    monkeypatch.setattr(place, "account", lambda: "333333333333")
    with pytest.raises(Refusal, match="No stage lives in 333333333333 and us-east-1"):
        account.environments("acme/shop")


@pytest.mark.parametrize("region", ["", "us-east-1", "eu-west-1"])
def test_a_stage_with_reviewers_shares_its_account_with_none_that_has_not(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.setattr(place, "account", lambda: "111111111111")
    together = {"dev": DEV, "prod": replace(PROD, account="111111111111", region=region)}
    monkeypatch.setattr(stages, "read", together.__getitem__)

    with pytest.raises(Refusal, match=r"^Who deploys dev could change prod .* as `account` in stages/dev.toml and"):
        account.environments("acme/shop")


def test_who_was_trusted_stays_when_another_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [{"ParameterKey": "TrustedArn", "ParameterValue": "arn:aws:iam::111111111111:user/ci"}]
    answers(monkeypatch, describe_stacks={"Stacks": [{"Parameters": before}]})
    monkeypatch.setattr(place, "account", lambda: "111111111111")
    monkeypatch.setattr(stages, "names", lambda: ["dev"])

    assert account._trusted("", "acme/shop") == {
        "TrustedArn": "arn:aws:iam::111111111111:user/ci",
        "GitHubRepository": "acme/shop",
        "GitHubEnvironments": "repo:acme/shop:environment:dev",
    }


def test_what_watches_an_account_stays_when_another_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [{"ParameterKey": "HasDetector", "ParameterValue": "true"}]
    answers(monkeypatch, describe_stacks={"Stacks": [{"Parameters": before}]}, get_account={})
    proposed = dict[str, dict[str, str]]()
    monkeypatch.setattr(account, "_bring_up", lambda stack, _file, given: proposed.update({stack: given}))

    account.bring_up(watched="analyzer")

    on = {name for name, value in proposed["shop-safety"].items() if value == "true"}
    assert on == {"HasDetector", "HasAnalyzer"}


def test_github_is_let_in_once_in_an_account_and_for_this_use(monkeypatch: pytest.MonkeyPatch) -> None:
    known = "arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"
    calls = list[str]()
    iam = SimpleNamespace(
        list_open_id_connect_providers=lambda: {"OpenIDConnectProviderList": [{"Arn": known}]},
        get_open_id_connect_provider=lambda **_: {"ClientIDList": ["others"]},
        add_client_id_to_open_id_connect_provider=lambda **given: calls.append(given["ClientID"]),
    )
    monkeypatch.setattr(boto3, "client", lambda _service: iam)

    account._let_github_in()

    assert calls == ["sts.amazonaws.com"]
