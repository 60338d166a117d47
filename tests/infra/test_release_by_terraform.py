"""What a release by Terraform says when it cannot go on, without Terraform and without AWS."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from samtranslator.yaml_helper import yaml_parse

from tools import stages
from tools.package import artifacts, foundation, sam
from tools.package.terraform import code, modules, packaging
from tools.package.terraform.kinds import KINDS
from tools.refusal import Refusal
from tools.release import shipping, trying
from tools.release.ledger import Release, ReleaseLedger
from tools.release.smoke.ways import Failed
from tools.release.terraform import command, packages, program, releasing, removal, returning, serving
from tools.release.terraform.program import PlannedChange, Terraform
from tools.restore import gate
from tools.stages import place, resources
from tools.templates import options

LOCKED = """\
╷
│ Error: Error acquiring the state lock
│
│ Error message: operation error S3: PutObject, https response error
│ StatusCode: 412, api error PreconditionFailed
│ Lock Info:
│   ID:        1b2c
│   Path:      bucket/dev/terraform.tfstate
│   Operation: OperationTypeApply
│   Who:       ada@desk
│   Version:   1.11.4
│   Created:   2026-11-28 09:00:00 +0000 UTC
╵
"""
BROKEN = """\
aws_lambda_function.api: Modifying...
╷
│ Error: updating Lambda Function (shop): operation error
│ Lambda: UpdateFunctionCode: AccessDenied
│
│   with aws_lambda_function.api,
│   on lambda.tf line 1, in resource "aws_lambda_function" "api":
╵
"""
FOLDER = Path("out")


def path_with(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH on which Terraform is of that version."""
    program_file = folder / "terraform"
    program_file.write_text(f"#!/bin/sh\necho '{json.dumps({'terraform_version': version})}'\n")
    program_file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def knows_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Terraform whose state is empty, and which notes what it is asked, but for its version."""
    path_with(folder, "1.11.4", monkeypatch)
    program_file = folder / "terraform"
    note = f'[ "$1" = version ] || echo "$*" >>{folder}/asked\n[ "$1" = output ] && echo "{{}}" && exit\n'
    program_file.write_text(program_file.read_text().replace("\n", f"\n{note}", 1))


def test_who_has_the_lock_is_named_with_the_way_to_break_it() -> None:
    assert program.why(LOCKED, FOLDER) == (
        "ada@desk changes the stage since 2026-11-28 09:00:00 +0000 UTC. Wait for it; if that runs no more, "
        "`terraform force-unlock 1b2c` in out."
    )


def test_the_first_error_is_told_in_one_line() -> None:
    assert program.why(BROKEN, FOLDER) == (
        "updating Lambda Function (shop): operation error Lambda: UpdateFunctionCode: AccessDenied"
    )


def test_what_is_no_error_of_its_own_is_told_by_its_last_line() -> None:
    assert program.why("something\nwent wrong\n", FOLDER) == "went wrong"


def test_without_terraform_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Refusal, match="There is no terraform on the PATH"):
        program.require_program()


@pytest.mark.parametrize("version", ["1.6.0", "1.9.8", "0.15.5"])
def test_a_terraform_that_locks_nothing_is_refused(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path_with(tmp_path, version, monkeypatch)

    with pytest.raises(Refusal, match=f"Terraform {version} cannot lock a state"):
        program.require_program()


@pytest.mark.parametrize("version", ["1.10.0", "1.11.4", "2.0.0-beta1"])
def test_one_that_does_is_taken(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path_with(tmp_path, version, monkeypatch)

    assert program.require_program() == str(tmp_path / "terraform")


def test_what_it_tells_is_asked_once_and_anew_after_an_apply(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path_with(tmp_path, "1.11.4", monkeypatch)
    program_file, told = tmp_path / "terraform", {"table_name": {"value": "ecommerce-dev"}}
    note = f'[ "$1" = version ] || echo "$1" >>{tmp_path}/asked\n'
    answer = f"""[ "$1" = output ] && echo '{json.dumps(told)}' && exit\n"""
    program_file.write_text(program_file.read_text().replace("\n", f"\n{note}{answer}", 1))
    terraform = Terraform(stages.read("dev"), tmp_path)

    before = [terraform.outputs(), terraform.outputs()]
    terraform.apply(lambda _: None)
    after = terraform.outputs()

    assert before == [after, after] == [{"table_name": "ecommerce-dev"}] * 2
    assert (tmp_path / "asked").read_text().split() == ["output", "apply", "output"]


IDENTITY = "AWS::SES::EmailIdentity"  # a stack leaves it behind, but it is proven anew and holds nothing


@cache
def must_stay() -> list[tuple[str, str]]:
    """By its module, the type of all that no release by SAM gives up, or that stacks with every option leave behind."""
    stage = options.stage("prod")
    application = sam.merge_of(stage)
    foundation.add_to(application, stage)
    template = yaml_parse(packaging.TEMPLATE.read_text())["Resources"]
    found = {("module.resources", template[name]["Type"]) for name in resources.MUST_STAY}
    for module, known in (("module.resources", template), ("module.application", application["Resources"])):
        found |= {(module, each["Type"]) for each in known.values() if modules.outlives_its_stack(each)}
    return sorted((module, KINDS[kind].terraform) for module, kind in found if kind != IDENTITY)


@pytest.mark.parametrize(("module", "kind"), must_stay())
@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("create", "delete")])
def test_a_plan_that_gives_up_what_holds_data_is_refused(module: str, kind: str, actions: tuple[str, ...]) -> None:
    with pytest.raises(Refusal, match=rf"the stage would lose what it has: .*{module}\."):
        program.require_no_harm([PlannedChange(f"{module}.{kind}.it", kind, actions)])


def test_the_key_of_an_application_is_among_what_must_stay() -> None:
    assert [kind for module, kind in must_stay() if module == "module.application"] == ["aws_kms_key"]


def test_other_changes_are_not() -> None:
    others = [
        PlannedChange("module.resources.aws_s3_bucket.bucket", "aws_s3_bucket", ("update",)),
        PlannedChange("module.application.aws_kms_key.application_key", "aws_kms_key", ("forget",)),
        PlannedChange(
            "module.application.aws_secretsmanager_secret.origin_key", "aws_secretsmanager_secret", ("delete",)
        ),
        PlannedChange(
            "module.application.aws_api_gateway_deployment.d", "aws_api_gateway_deployment", ("create", "delete")
        ),
    ]

    assert program.harm_of(others) == ""


def table_change(before: str, after: str, *, units: int, index_units: int) -> PlannedChange:
    """The change of a table's billing, as Terraform tells it; a package that leaves units alone says 0."""
    values = {
        "name": "ecommerce-dev", "billing_mode": after, "read_capacity": units, "write_capacity": units,
        "global_secondary_index": [{"name": "GSI1", "read_capacity": index_units, "write_capacity": index_units}],
    }  # fmt: skip
    change = {"actions": ["update"], "before": {**values, "billing_mode": before}, "after": values}
    address = "module.resources.aws_dynamodb_table.table"
    return PlannedChange.of({"address": address, "type": "aws_dynamodb_table", "change": change})


@pytest.mark.parametrize(("units", "index_units"), [(0, 0), (5, 0), (0, 5)])
def test_a_plan_that_leaves_a_table_a_unit_a_second_is_refused_with_the_way_out(units: int, index_units: int) -> None:
    change = table_change("PAY_PER_REQUEST", "PROVISIONED", units=units, index_units=index_units)

    with pytest.raises(Refusal) as refused:
        program.require_no_harm([change])

    assert "the table ecommerce-dev would get 1 read and 1 write a second: first set its units" in str(refused.value)


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        ("PAY_PER_REQUEST", "PROVISIONED", 5),
        ("PROVISIONED", "PROVISIONED", 5),
        ("PROVISIONED", "PAY_PER_REQUEST", 0),
        ("PAY_PER_REQUEST", "PAY_PER_REQUEST", 0),
    ],
)
def test_a_table_that_has_units_or_needs_none_is_changed(before: str, after: str, units: int) -> None:
    assert program.harm_of([table_change(before, after, units=units, index_units=units)]) == ""


def test_a_table_that_is_made_begins_with_what_its_package_says() -> None:
    change = {"actions": ["create"], "before": None, "after": {"billing_mode": "PROVISIONED", "read_capacity": 5}}

    assert program.harm_of([PlannedChange.of({"address": "a", "type": "aws_dynamodb_table", "change": change})]) == ""


@pytest.mark.parametrize(
    ("actions", "line"),
    [
        (("create",), "+ a"),
        (("update",), "~ a"),
        (("delete",), "- a"),
        (("forget",), ". a"),
        (("delete", "create"), "-/+ a"),
    ],
)
def test_a_change_is_a_line(actions: tuple[str, ...], line: str) -> None:
    assert str(PlannedChange("a", "aws_sqs_queue", actions)) == line


def test_a_rollback_with_a_state_that_knows_nothing_applies_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knows_nothing(tmp_path, monkeypatch)
    (tmp_path / program.BACKEND).write_text("")
    monkeypatch.setattr(packages, "unpack", lambda *_: None)
    monkeypatch.setattr(packages, "place_code", lambda *_: None)
    monkeypatch.setattr(serving, "write", lambda *_: None)
    before, kept = Release(at="then", template="packages/1.zip", versions={}), ReleaseLedger()

    with pytest.raises(Refusal, match=r"backend\.tf names knows nothing of dev: .*\n.*did not follow"):
        returning.go_back(Terraform(stages.read("dev"), tmp_path), "bucket", kept, before, lambda _: None)

    assert (tmp_path / "asked").read_text().split("\n") == ["init -input=false -no-color", "output -json", ""]
    assert kept.going_back_to == before


def test_a_way_back_that_would_starve_the_table_applies_nothing_and_says_what_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = [{"billing_mode": mode, "name": "ecommerce-dev"} for mode in ("PAY_PER_REQUEST", "PROVISIONED")]
    change = PlannedChange("module.resources.aws_dynamodb_table.table", "aws_dynamodb_table", ("update",), *ways)
    monkeypatch.setattr(packages, "unpack", lambda *_: None)
    monkeypatch.setattr(packages, "place_code", lambda *_: None)
    monkeypatch.setattr(serving, "write", lambda *_: None)
    monkeypatch.setattr(Terraform, "init", lambda _: None)
    monkeypatch.setattr(Terraform, "outputs", lambda _: {"table_name": "ecommerce-dev"})
    monkeypatch.setattr(Terraform, "plan", lambda _: [change])
    monkeypatch.setattr(Terraform, "apply", lambda *_: pytest.fail("it was applied"))
    before, kept = Release(at="then", template="packages/1.zip", versions={}), ReleaseLedger()

    with pytest.raises(Refusal, match=r"It applies nothing: the table ecommerce-dev .*\nThe release before serves"):
        returning.go_back(Terraform(stages.read("dev"), tmp_path), "bucket", kept, before, lambda _: None)


def test_a_way_back_whose_package_is_gone_says_what_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(*_: object) -> None:
        raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "it is gone"}}, "GetObject")

    monkeypatch.setattr(packages, "unpack", unpack)
    monkeypatch.setattr(serving, "write", lambda *_: None)
    before, kept = Release(at="then", template="packages/1.zip", versions={}), ReleaseLedger()

    with pytest.raises(Refusal, match=r"it is gone\nThe release before serves, but Terraform did not follow"):
        returning.go_back(Terraform(stages.read("dev"), tmp_path), "bucket", kept, before, lambda _: None)


def test_a_package_takes_its_code_from_the_bucket_when_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed: list[str] = []
    monkeypatch.setattr(artifacts, "create", lambda: None)
    monkeypatch.setattr(artifacts, "bucket", lambda: "packages")
    monkeypatch.setattr(artifacts, "upload", lambda stage, file: placed.append(f"{stage}/{file.name}"))
    (tmp_path / artifacts.CODE).write_bytes(b"")

    packages.place_code("dev", tmp_path)

    assert placed == ["dev/deployment.zip", "dev/smoke.zip"]
    assert (tmp_path / code.FILE).read_text() == 'code_bucket = "packages"\n'
    packaging.forget(tmp_path)
    assert not (tmp_path / code.FILE).exists()


def test_a_closed_shop_is_not_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    knows_nothing(tmp_path, monkeypatch)
    monkeypatch.setattr(gate, "is_closed", lambda _: True)

    with pytest.raises(Refusal, match="dev is closed, and a rollback by Terraform would open it"):
        returning.roll_back(stages.read("dev"), lambda _: None)


def test_the_address_is_told_by_the_package_that_lies_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / packaging.FORM / "dev"
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text("")
    monkeypatch.setattr(shipping, "OUT", tmp_path)
    monkeypatch.setattr(place, "require", lambda _: None)
    monkeypatch.setattr(releasing, "open_state", Terraform)
    monkeypatch.setattr(releasing, "address", lambda stage, terraform: f"{stage.name} by {terraform.folder}")

    assert command.work("address", stages.read("dev"), python=None) == f"dev by {folder}"


def test_a_protected_stage_is_not_removed() -> None:
    with pytest.raises(Refusal, match="prod is protected: say is_protected = false"):
        removal.remove(stages.read("prod"))


def test_a_smoke_test_that_fails_names_the_way_back_of_its_form(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def go(self) -> None:
            raise Failed("step 1, GET /hello: 500.")

    aws = SimpleNamespace(get_function_configuration=lambda **_: {"Environment": {"Variables": {"STREAM_LOGS": "log"}}})
    monkeypatch.setattr(releasing.boto3, "client", lambda _: aws)
    monkeypatch.setattr(releasing, "address", lambda *_: "http://127.0.0.1:1")
    monkeypatch.setattr(trying, "Journey", Failing)

    dev = stages.read("dev")
    with pytest.raises(Refusal, match=r"To go back: make rollback STAGE=dev FORMAT=terraform\.$"):
        releasing.try_shop(dev, Terraform(dev, FOLDER), print)
