"""Releases by Terraform while customers order, with the real provider: what goes well, what is caught, the way back.

The tests share one shop and stand in the order of a story; each leaves a version that serves.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from chalicelib.core import clock
from tests.deployed.releases import (
    STAGE,
    Customers,
    Edit,
    fill,
    greeting,
    greeting_as,
    packaged_with,
    require_sound_books,
    say,
)
from tests.support import terraform as here
from tests.support import times
from tests.support.ports import free_port
from tools.local import cloud as local_cloud
from tools.local import resources
from tools.local import settings as local
from tools.local.settings import LocalSettings
from tools.package.terraform import packaging
from tools.refusal import Refusal
from tools.release import shipping
from tools.release.terraform import program, releasing, removal, returning
from tools.release.terraform.program import Terraform
from tools.restore import gate

BREAKS_CHECKOUT: Edit = (
    "chalicelib/orders/service.py",
    "lambda: _reserve(request, buyer, claim)",
    "lambda: 1 / 0",
)
CANARY = "Canary10Percent5Minutes"
MINUTE_SECONDS = 2
PAUSE_SECONDS = 3.0  # an apply takes minutes here, and the stream has to follow all the while
QUICKLY = "-parallelism=30"


@pytest.fixture(scope="module", autouse=True)
def shop(packaged: Path, terraform_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A shop in an AWS of its own, whose first release serves; the folder that packages are written to."""
    here.program()
    out = tmp_path_factory.mktemp("terraform")
    settings = LocalSettings(
        port=free_port(), cloud_port=free_port(), payment_port=free_port(), state=tmp_path_factory.mktemp("aws")
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local.aws_environment(settings).items():
            patch.setenv(name, value)
        patch.setenv("CODEDEPLOY_MINUTE_SECONDS", str(MINUTE_SECONDS))
        patch.setenv("YES", "1")
        for command in ("apply", "plan"):
            patch.setenv(f"TF_CLI_ARGS_{command}", QUICKLY)
        patch.setenv("TF_CLI_CONFIG_FILE", str(configuration(out)))
        patch.setenv("TF_LOG", "DEBUG")
        patch.setenv("TF_LOG_PATH", str(terraform_log))
        patch.setattr(shipping, "OUT", out)
        with local_cloud.running(settings):
            with times.standard():
                resources.apply_what_the_emulator_leaves_out({"MailIdentityName": STAGE.mail_identity})
                ship(packaged)
                fill(tmp_path_factory.mktemp("goods"))
            yield out


def configuration(folder: Path) -> Path:
    """What tells Terraform where this machine has the provider."""
    file = folder / "terraform.rc"
    mirror = here.mirror()
    file.write_text(here.MIRRORED.format(mirror=mirror, registry=here.REGISTRY) if mirror else "")
    return file


def ship(packaged: Path) -> str:
    """Release what SAM's package holds, translated."""
    folder = packaging.translate(STAGE.name, packaged, shipping.OUT)
    return releasing.ship(STAGE, folder, say, started=clock.monotonic())


def terraform() -> Terraform:
    return Terraform(STAGE, shipping.OUT / packaging.FORM / STAGE.name)


def address() -> str:
    return releasing.address(STAGE, terraform())


def test_a_release_fails_no_request_of_four_customers(packaged: Path, tmp_path: Path) -> None:
    customers, started = Customers(address(), pause=PAUSE_SECONDS), clock.monotonic()

    with customers.ordering():
        said = ship(packaged_with(packaged, tmp_path / "next", greeting_as("second"), config=CANARY))

    assert customers.failures == []
    assert greeting(address()) == "second"
    assert terraform().plan() is None
    require_sound_books(customers)
    say(f"Released while {len(customers.placed)} orders went through, 0 failed: {said}")
    say(f"{clock.monotonic() - started:.0f} seconds in all.")


def test_a_version_whose_smoke_test_fails_serves_nobody(packaged: Path, tmp_path: Path) -> None:
    broken = packaged_with(packaged, tmp_path / "next", greeting_as("broken"), BREAKS_CHECKOUT)

    with pytest.raises(Refusal, match=r"said Failed[^$]*The version before serves"):
        ship(broken)

    assert greeting(address()) == "second"
    assert terraform().plan() is None


def test_a_rollback_takes_seconds_and_no_plan_undoes_it(shop: Path) -> None:
    customers, heard = Customers(address(), pause=PAUSE_SECONDS), list[str]()
    shutil.rmtree(shop / packaging.FORM / STAGE.name)

    with customers.ordering():
        said = returning.roll_back(STAGE, heard.append)

    assert customers.failures == []
    assert greeting(address()) == "Hello from Lambda"
    assert terraform().plan() is None
    say("\n".join([*heard, said]))
    with pytest.raises(Refusal, match="no release of dev by Terraform before"):
        returning.roll_back(STAGE, say)


def test_it_can_be_closed_and_is_neither_released_nor_taken_back_then(packaged: Path) -> None:
    gate.close(STAGE)

    with pytest.raises(Refusal, match="closed, and a release is tried by buying"):
        ship(packaged)
    with pytest.raises(Refusal, match="closed, and a rollback by Terraform would open it"):
        returning.roll_back(STAGE, say)

    gate.open_again(STAGE)
    assert greeting(address()) == "Hello from Lambda"
    assert terraform().plan() is None


def test_who_comes_while_somebody_works_hears_of_it() -> None:
    bucket, key = releasing.artifacts.bucket(), f"{STAGE.name}/terraform.tfstate.tflock"
    held = b'{"ID":"7","Operation":"OperationTypeApply","Who":"ada@desk","Created":"2026-11-28T09:00:00Z"}'
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=held)

    with pytest.raises(Refusal, match=r"ada@desk changes the stage since 2026-11-28.*force-unlock 7"):
        terraform().plan()

    boto3.client("s3").delete_object(Bucket=bucket, Key=key)


def test_destroyed_it_leaves_its_packages_and_nothing_else() -> None:
    program.require_program()

    said = removal.destroy(terraform(), say)

    assert "is gone" in said
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []
    assert boto3.client("apigateway").get_rest_apis()["items"] == []
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert boto3.client("secretsmanager").list_secrets()["SecretList"] == []
    assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    buckets = [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]
    assert buckets == [releasing.artifacts.bucket()]
    assert removal.destroy(terraform(), say) == "There is nothing of dev by Terraform."
