"""The scripts of docs/deploying.md, pasted into one shell in their order, in an AWS of their own that is empty."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.deployed import checkouts
from tests.infra.packaging import ROOT, SETTINGS
from tests.support import local_aws
from tests.support.hearing import sitecustomize
from tools.local.settings import LocalSettings

PAGE = ROOT / "docs" / "deploying.md"
OF_AN_ADMINISTRATOR = "2. The account"  # what the role of who deploys may not
SECONDS = 900


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSettings]:
    """An account in which there is nothing yet."""
    with local_aws.empty(tmp_path_factory.mktemp("empty-account")) as settings:
        yield settings


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page says in words of the stage's file stands there."""
    return checkouts.checkout(tmp_path_factory.mktemp("checkout"))


def scripts() -> list[tuple[str, str]]:
    """The page's scripts in their order, each with its chapter."""
    chapters = re.split(r"^## (.+)$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return [
        (title, script)
        for title, text in zip(chapters[::2], chapters[1::2], strict=True)
        for script in re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]


def pasted() -> str:
    """All of them as one script, which says where it is."""
    unheard = f"KEPT=${sitecustomize.FILE}; unset {sitecustomize.FILE}\n{{}}export {sitecustomize.FILE}=$KEPT\n"
    return "".join(
        f"echo {shlex.quote(f'## {title}')}\n{unheard.format(script) if title == OF_AN_ADMINISTRATOR else script}"
        for title, script in scripts()
    )


@pytest.fixture(scope="module")
def said(account: LocalSettings, checkout: Path) -> dict[str, str]:
    """What the page's scripts print, by chapter."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", pasted()],
        cwd=checkout,
        env={**kept, "YES": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    chapters = re.split(r"^## (.+)$", ran.stdout, flags=re.MULTILINE)[1:]
    return dict(zip(chapters[::2], chapters[1::2], strict=True))


def test_every_chapter_with_a_number_that_has_something_to_do_has_its_script_in_order() -> None:
    numbers = [int(title.split(".")[0]) for title, _ in scripts()]

    assert numbers == sorted(numbers)
    assert all(f"## {number}. " in PAGE.read_text() for number in range(1, max(numbers) + 1))


def test_nothing_but_output_and_code_is_fenced_without_being_run() -> None:
    fenced = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)

    assert not [text for language, text in fenced if language != "sh" and re.search(r"^ *(make|aws|\.venv) ", text)]


def test_the_page_leads_from_an_empty_account_to_a_sale(said: dict[str, str]) -> None:
    assert " 0 to mend" in said["6. Is all there?"]
    assert "a customer can buy" in said["10. The first sale"]
    assert re.search(r'"paymentStatus": ?"paid"', said["10. The first sale"])
    assert "1 products, 2 orders: 0 drift." in said["10. The first sale"]


def test_who_deploys_has_a_role_and_the_stages_are_gone(said: dict[str, str]) -> None:
    assert "ecommerce-dev" in said["16. Taking a stage away"]

    stacks = {each["StackName"] for each in boto3.client("cloudformation").describe_stacks()["Stacks"]}

    assert {name for name in stacks if name.startswith(("ecommerce-dev", "ecommerce-trial"))} == set()
    assert {"ecommerce-account", "shop-deployer", "ecommerce-artifacts"} <= stacks


def test_what_is_named_as_staying_is_still_there(said: dict[str, str]) -> None:
    assert "stays: AWS::DynamoDB::Table ecommerce-dev\n" in said["16. Taking a stage away"]

    assert "ecommerce-dev" in boto3.client("dynamodb").list_tables()["TableNames"]
