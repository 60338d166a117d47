"""What follows from the stages' settings: the stages of Chalice's config and the policies, written by `make stages`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from chalicelib.core import quotas
from tests.infra.packaging import ROOT
from tools import stages
from tools.refusal import Refusal
from tools.stages import generated, policies

FILES = (".chalice", "infra", "stages")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The files that stages are made of, to change."""
    for name in FILES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("deploy*"))
    return tmp_path


def copied(project: Path, name: str, changes: dict[str, str]) -> None:
    """A stage that is made by copying dev's file and changing values."""
    text = (project / "stages" / "dev.toml").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (project / "stages" / f"{name}.toml").write_text(text)


def config(project: Path) -> dict[str, Any]:
    return dict(json.loads((project / ".chalice" / "config.json").read_text()))


def test_what_is_checked_in_follows_from_the_settings() -> None:
    assert generated.stale() == []


def test_a_third_stage_is_a_copied_file_and_one_command(project: Path) -> None:
    before = config(project)
    copied(project, "trial", {'cors_origin = "*"': 'cors_origin = "https://trial.example.com"'})

    written = generated.write(project)

    names = {file.name for file in written}
    assert {"config.json", "policy-trial.json", "policy-trial-authorize.json"} <= names
    assert len(names) == 1 + len(policies.functions())
    after = config(project)
    assert after["stages"].pop("trial")["environment_variables"] == stages.read("trial", project / "stages").environment
    assert after == before
    assert generated.write(project) == []


def test_a_policy_says_the_names_of_its_stage_and_no_others(project: Path) -> None:
    restored = {"log_days = 7": 'log_days = 7\ntable_name = "restored"'}
    copied(project, "trial", {**restored, 'mail_identity = "shop-dev@': 'mail_identity = "'})
    generated.write(project)

    texts = {file.name: file.read_text() for file in (project / ".chalice").glob("policy-trial*.json")}

    assert not any("ecommerce-dev" in text or "ecommerce-prod" in text or "${" in text for text in texts.values())
    assert '"arn:aws:ses:*:*:identity/example.com"' in texts["policy-trial-handle_table_stream.json"]
    assert all("table/restored" in text for name, text in texts.items() if "rotate" not in name)


def test_the_ledger_of_the_simulator_is_open_only_where_it_is_the_provider(project: Path) -> None:
    copied(project, "trial", {'"simulator"': '"stripe"'})
    generated.write(project)

    with_ledger = {
        file.name for file in (project / ".chalice").glob("policy-*.json") if "SIMULATOR" in file.read_text()
    }

    assert with_ledger == {"policy-dev.json", "policy-dev-check_store.json", "policy-dev-run_scheduled_work.json"}


def test_a_reserve_is_set_aside_for_the_function_that_it_names(project: Path) -> None:
    copied(project, "trial", {"[reserved_concurrency]": "[reserved_concurrency]\nhandle_table_stream = 5"})
    generated.write(project)

    functions = config(project)["stages"]["trial"]["lambda_functions"]

    assert functions["handle_table_stream"]["reserved_concurrency"] == 5
    assert "reserved_concurrency" not in functions["api_handler"]


def test_a_reserve_for_nothing_is_refused(project: Path) -> None:
    copied(project, "trial", {"[reserved_concurrency]": "[reserved_concurrency]\nhandle_stream = 5"})

    with pytest.raises(Refusal, match=r"stages/trial.toml: reserved_concurrency names handle_stream"):
        generated.write(project)


def test_a_stage_says_how_often_a_caller_may_do_something(project: Path) -> None:
    copied(project, "trial", {"[rate_limits]": "[rate_limits]\nemail_taken = { most = 3, seconds = 60 }"})
    generated.write(project)

    said = {name: each["environment_variables"].get("RATE_LIMITS") for name, each in config(project)["stages"].items()}

    assert quotas.parse(said["trial"])["email_taken"] == (3, 60)
    assert quotas.parse(said["trial"]) == {**quotas.parse(said["dev"]), "email_taken": (3, 60)}
    assert said["prod"] is None  # as the app says by itself


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ("checkout = { most = 1, seconds = 60 }", "rate_limits.checkout is no limit; there are login"),
        ("password = { most = 0, seconds = 60 }", "rate_limits.password allows from 1 to 1000000"),
        ("password = { most = 1, seconds = 100000 }", "rate_limits.password is counted in 1 to 86400 seconds"),
        ("password = { most = 1 }", "rate_limits"),
    ],
)
def test_a_limit_that_cannot_be_meant_is_refused(project: Path, limit: str, why: str) -> None:
    copied(project, "trial", {"[rate_limits]": f"[rate_limits]\n{limit}"})

    with pytest.raises(Refusal, match=f"stages/trial.toml: {why}"):
        generated.write(project)


def test_a_description_with_an_unknown_name_is_refused(project: Path) -> None:
    file = project / "infra" / "policies" / "authorize.json"
    file.write_text(file.read_text().replace("${TableName}", "${Tabel}"))

    with pytest.raises(Refusal, match=r"infra/policies/authorize.json cannot be read: 'Tabel'"):
        generated.write(project)


def test_what_is_stale_or_left_over_is_refused_and_mended(project: Path) -> None:
    copied(project, "trial", {})
    generated.write(project)
    (project / "stages" / "trial.toml").unlink()

    with pytest.raises(Refusal, match=r"\.chalice/config.json does not say what stages/ says: run `make stages`"):
        generated.require_current(project)

    removed = generated.write(project)

    assert len(removed) == 1 + len(policies.functions())
    generated.require_current(project)
