"""A stage is one settings file: what it says is what tools get, and what it cannot say is one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tools import stages
from tools.refusal import Refusal
from tools.stages import files

PROD = (files.FOLDER / "prod.toml").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(files.FOLDER, tmp_path / "stages")
    return tmp_path / "stages"


def changed(folder: Path, old: str, new: str) -> Path:
    assert PROD.count(old) == 1
    (folder / "prod.toml").write_text(PROD.replace(old, new))
    return folder


def test_dev_and_prod_are_there_and_nothing_of_them_is_the_same_by_accident() -> None:
    dev, prod = files.read_all()

    assert stages.names() == ["dev", "prod"]
    assert (dev.stack, dev.resources_stack) == ("ecommerce-dev", "ecommerce-dev-resources")
    assert (prod.jwt_secret_name, prod.payment_secret_name) == ("ecommerce/jwt/secret", "ecommerce/payment/api-key")
    assert dev.mail_identity != prod.mail_identity
    assert (dev.is_protected, prod.is_protected) == (False, True)
    assert (dev.log_days, prod.log_days) == (7, 30)
    assert dev.python == prod.python


def test_what_follows_from_the_name_need_not_be_said(folder: Path) -> None:
    shutil.copy(folder / "dev.toml", folder / "trial.toml")

    stage = stages.read("trial", folder)

    assert stage.table_name == "ecommerce-trial"
    assert stage.jwt_secret_name == "ecommerce/trial/jwt/secret"
    assert stage.payment_secret_name == "ecommerce/trial/payment/api-key"
    assert stage.tags == {"Project": "ecommerce", "Stage": "trial"}
    assert stage.environment["EVENT_BUS_NAME"] == "ecommerce-trial"
    assert stage.environment["CORS_ORIGIN"] == "*"


def test_the_table_can_have_another_name_and_a_setting_can_be_a_number(folder: Path) -> None:
    changed(folder, "# table_name =", "table_name =")
    (folder / "prod.toml").write_text((folder / "prod.toml").read_text().replace("LOG_LEVEL", "INDEX_SHARDS = 4\n#"))

    environment = stages.read("prod", folder).environment

    assert environment["TABLE_NAME"] == "ecommerce-prod-restored"
    assert environment["INDEX_SHARDS"] == "4"


WRONG = {
    "unknown": ("log_days = 30", "log_days = 30\ncolour = 1", "Object contains unknown field `colour`."),
    "missing": ("burst = 5000", "", "Object missing required field `burst`."),
    "type": ("log_days = 30", 'log_days = "30"', "log_days: Expected `int`, got `str`."),
    "type within": ('LOG_LEVEL = "INFO"', "LOG_LEVEL = true", "environment: Expected `int | str`, got `bool`."),
    "no TOML": ("log_days = 30", "log_days =", "Invalid value (at line "),
    "name": ("log_days = 30", 'log_days = 30\nname = "x"', "name follows from the file's name."),
    "account": ('account = ""', 'account = "12"', "account has 12 digits, or is empty."),
    "region": ('region = ""', 'region = "europe"', "region is a region such as eu-central-1, or empty."),
    "secret": ('= "ecommerce/jwt/secret"', '= "a secret"', "jwt_secret_name is a name that Secrets Manager takes."),
    "python": ('python = "3.13"', 'python = "2.7"', "python is one of 3.11, 3.12, 3.13."),
    "preference": ('Canary10Percent5Minutes"', 'Canary99"', "deployment_preference is a configuration of CodeDeploy"),
    "mail": ('mail_from = "shop@example.com"', 'mail_from = "shop"', "mail_from is an address of mail."),
    "identity": ('mail_identity = "shop@', 'mail_identity = "other@', "mail_identity is the address that mail_from"),
    "alert": ('alert_email = ""', 'alert_email = "you"', "alert_email is an address of mail, or empty."),
    "origin": ("https://shop.example.com", "https://shop.example.com/", "cors_origin is an origin such as"),
    "log days": ("log_days = 30", "log_days = 31", "log_days is one of 1, 3, 5, 7, 14, 30, "),
    "rate": ("requests_per_second = 2000", "requests_per_second = 0", "requests_per_second is more than 0."),
    "burst": ("burst = 5000", "burst = 0", "burst is more than 0."),
    "table": ('# table_name = "ecommerce-prod-restored"', 'table_name = "a b"', "table_name is a name that DynamoDB"),
    "elsewhere": ("LOG_LEVEL", "TABLE_NAME", "environment says TABLE_NAME, which follows from the rest of the file."),
    "what only a local shop says": ("LOG_LEVEL", "DEMO", "environment says DEMO, which is no setting of the app."),
    "no setting": ("LOG_LEVEL", "LOGLEVEL", "environment says LOGLEVEL, which is no setting of the app."),
    "provider": ('"stripe"', '"cash"', "environment.PAYMENT_PROVIDER is one of stripe, simulator, simulator-http."),
    "simulator": ('"stripe"', '"simulator"', "environment.PAYMENT_PROVIDER of prod is stripe."),
    "edge": ("[tags]", "[edge]\ncolour = 1\n[tags]", "edge: Object contains unknown field `colour`."),
    "host": ("[tags]", '[edge]\ndomain = "https://a.com"\n[tags]', "edge.domain is the name of a host such as"),
    "zone": ("[tags]", '[edge]\ndomain_zone = "example.com"\n[tags]', "edge.domain_zone is the id of a hosted zone"),
    "no domain": ("[tags]", "[edge]\nonly_domain = true\n[tags]", "edge.only_domain needs edge.domain."),
    "no certificate": ("[tags]", '[edge]\ndomain = "a.example.com"\n[tags]', "edge.domain needs edge.domain_certif"),
    "country": ("[tags]", '[edge]\nfirewall = true\nblocked_countries = ["X"]\n[tags]', "edge.allowed_countries and"),
    "no firewall": ("[tags]", '[edge]\nblocked_countries = ["KP"]\n[tags]', "edge.allowed_countries and edge.blocked"),
    "unguarded": ("[tags]", "[edge]\ndistribution = true\n[tags]", "edge.distribution needs edge.firewall"),
    "past it": ("[tags]", "[edge]\nonly_distribution = true\n[tags]", "edge.only_distribution needs edge.distribution"),
    "no key": ("[tags]", "[edge]\norigin_keys = []\n[tags]", "edge.origin_keys is one number above 0, or two"),
    "one key": ("[tags]", "[edge]\norigin_keys = [2, 2]\n[tags]", "edge.origin_keys is one number above 0, or two"),
    "reserve": ("[reserved_concurrency]", "[reserved_concurrency]\nauthorize = 0", "reserved_concurrency is more"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "sentence"), WRONG.values(), ids=list(WRONG))
def test_what_cannot_be_meant_is_one_sentence_with_the_file_and_the_key(
    folder: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(Refusal) as refused:
        stages.read("prod", changed(folder, old, new))

    assert str(refused.value).startswith(f"stages/prod.toml: {sentence}")
    assert "\n" not in str(refused.value)


def test_a_stage_without_a_file_is_refused_with_those_that_have_one() -> None:
    with pytest.raises(Refusal, match=r"no stages/staging.toml; there are dev, prod\."):
        stages.read("staging")


@pytest.mark.parametrize("name", ["local", "test", "dev-two", "Dev", "2nd", "x", "a" * 21])
def test_a_name_that_could_be_mistaken_is_no_stage(folder: Path, name: str) -> None:
    shutil.copy(folder / "dev.toml", folder / f"{name}.toml")

    with pytest.raises(Refusal, match="cannot be a stage"):
        stages.read(name, folder)


def test_two_stages_cannot_have_the_same_secret_or_table(folder: Path) -> None:
    shutil.copy(folder / "prod.toml", folder / "prod2.toml")
    (folder / "prod2.toml").write_text(PROD.replace('"stripe"', '"simulator"'))

    with pytest.raises(Refusal, match=r"stages/prod2.toml: jwt_secret_name is .*, which stages/prod.toml has already"):
        files.read_all(folder)
