"""What is deployed: the template and the code of a stage, packaged for real."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from platform import machine
from typing import Any
from zipfile import ZipFile

import pytest
from cfnlint.api import lint
from chalice.cli.factory import CLIFactory
from chalice.deploy.validate import validate_configuration

from tests.infra.packaging import LINT, ROOT, SETTINGS, exported, network, properties, run
from tools import stages
from tools.local import delivery, filters
from tools.package import canary, deploy, finishing, runtime, sam
from tools.refusal import Refusal

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

FUNCTIONS = {
    "APIHandler": "app.app",
    "Authorize": "chalicelib.authorizer.authorize",
    "HandleTableStream": "app.handle_table_stream",
    "RunScheduledWork": "app.run_scheduled_work",
    "DeliverWebhooks": "app.deliver_webhooks",
    "CheckStore": "app.check_store",
    "RemindOfCarts": "app.remind_of_carts",
    "SummariseSales": "app.summarise_sales",
    "HandleMailEvents": "app.handle_mail_events",
    "RotateJwtSecret": "app.rotate_jwt_secret",
}
OF_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
# Bytes; 2.3 million are bytecode, 1.5 the Stripe library, 1.2 addresses and numbers.
LARGEST = 8_000_000
PYTHON = stages.read("prod").python
STAGES = ("local", "dev", "prod")


def trigger(template: dict[str, Any]) -> dict[str, Any]:
    (event,) = properties(template, "HandleTableStream")["Events"].values()
    return dict(event["Properties"])


@network
def test_the_template_lints(out: Path) -> None:
    assert lint((out / "sam.json").read_text(), config=LINT) == []


@network
def test_what_chalice_packages_by_itself_lints_too(project: Path, out: Path) -> None:
    run(project, "-c", "from chalice.cli import main; main()", "package", "--stage", "prod", "plain")

    assert lint((project / "plain" / "sam.json").read_text(), config=LINT) == []


@network
def test_the_trigger_reports_halves_retries_and_gives_up_into_the_dead_letter_queue(template: dict[str, Any]) -> None:
    mapping = trigger(template)

    assert mapping["Stream"] == {"Ref": "TableStreamArn"}
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == delivery.ATTEMPTS - 1
    assert mapping["BatchSize"] == delivery.BATCH_SIZE
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == exported("DeadLetterQueueArn")


@network
def test_every_function_runs_its_own_code_in_a_role_of_its_own(template: dict[str, Any]) -> None:
    functions = set(finishing.functions(template)) - {canary.SMOKE}
    roles = {name: properties(template, name)["Role"]["Fn::GetAtt"][0] for name in functions}

    assert {name: properties(template, name)["Handler"] for name in functions} == FUNCTIONS
    assert len(set(roles.values())) == len(functions)
    policies = [json.dumps(properties(template, role)["Policies"]) for role in roles.values()]
    assert len(set(policies)) == len(functions)


@network
def test_every_function_knows_all_settings_and_no_secret(template: dict[str, Any]) -> None:
    everywhere = template["Globals"]["Function"]["Environment"]["Variables"]

    for name in FUNCTIONS:
        environment = {**everywhere, **properties(template, name).get("Environment", {}).get("Variables", {})}
        assert set(environment) == SETTINGS - {"RATE_LIMITS"}  # this stage has those that all have
        assert environment["CORS_ORIGIN"].startswith("https://")
        assert environment["BUCKET_NAME"] == exported("BucketName")
        assert environment["IMAGE_BASE_URL"] == exported("ImageBaseUrl")
        assert not any("PASSWORD" in each or "ACCESS_KEY" in each or "TOKEN" in each for each in environment)


@network
def test_every_function_logs_into_a_group_that_its_role_may_write_to(template: dict[str, Any]) -> None:
    for name in FUNCTIONS:
        group = properties(template, properties(template, name)["LoggingConfig"]["LogGroup"]["Ref"])
        role = properties(template, properties(template, name)["Role"]["Fn::GetAtt"][0])
        written = group["LogGroupName"]["Fn::Sub"].replace("${Stage}", "prod")
        assert f":log-group:{written}:*" in json.dumps(role["Policies"])
        assert group["RetentionInDays"] == 30


@network
def test_the_template_is_held_to_the_packaged_stage(template: dict[str, Any]) -> None:
    assert template["Parameters"]["Stage"]["Default"] == "prod"
    assert template["Parameters"]["Stage"]["AllowedValues"] == ["prod"]
    assert properties(template, "RestAPI")["StageName"] == "prod"
    (everything,) = properties(template, "RestAPI")["MethodSettings"]
    assert (everything["ThrottlingRateLimit"], everything["ThrottlingBurstLimit"]) == (2000, 5000)
    assert properties(template, "RestAPI")["Tags"] == {"Project": "ecommerce", "Stage": "prod"}
    assert template["Outputs"]["TableName"] == {"Value": "ecommerce-prod"}


@network
def test_the_outputs_lead_to_the_api_its_health_and_the_functions(template: dict[str, Any]) -> None:
    assert {
        "EndpointURL", "HealthURL", "RestAPIId", "TableName",
        "APIHandlerName", "AuthorizeName", "HandleTableStreamName", "RunScheduledWorkName",
        "DeliverWebhooksName", "CheckStoreName", "RemindOfCartsName", "SummariseSalesName",
        "HandleMailEventsName", "RotateJwtSecretName",
    } <= set(template["Outputs"])  # fmt: skip


@network
def test_the_code_is_the_app_and_its_dependencies(out: Path, project: Path) -> None:
    with ZipFile(out / "deployment.zip") as archive:
        names = set(archive.namelist())

    files = [path for path in (project / "chalicelib").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    ours = {str(path.relative_to(project)) for path in files} | {"app.py"}
    packaged = {name for name in names if name == "app.py" or name.startswith("chalicelib/")}
    assert ours == {name for name in packaged if not name.endswith(".pyc")}
    assert not {name.split("/")[0] for name in names} & {
        "tools",
        "tests",
        "infra",
        "viewer",
        ".chalice",
        "moto",
        "pytest",
    }
    assert all(any(name.startswith(f"{each}/") for name in names) for each in ("bcrypt", "jwt", "msgspec", "chalice"))


@network
def test_stripe_never_loads_the_shapes_that_are_left_out(out: Path) -> None:
    loading = re.compile(r"^(from|import) stripe\.params", re.MULTILINE)  # those for type checkers only are indented

    with ZipFile(out / "deployment.zip") as archive:
        names = [name for name in archive.namelist() if re.match(r"stripe/.*\.py$", name)]
        sources = {name: archive.read(name).decode() for name in names}

    assert len(sources) > 100
    assert not [name for name in sources if name.startswith("stripe/params/")]
    assert not [name for name, source in sources.items() if loading.search(source)]


@network
@pytest.mark.skipif(
    (sys.platform, machine()) != ("linux", "x86_64"), reason="the wheels are those of the Lambda runtime"
)
@pytest.mark.skipif(runtime.interpreter(PYTHON) is None, reason=f"there is no python{PYTHON} on this host")
def test_the_code_needs_nothing_but_itself_and_the_boto3_of_the_runtime_and_compiles_nothing(
    out: Path, tmp_path: Path
) -> None:
    with ZipFile(out / "deployment.zip") as archive:
        archive.extractall(tmp_path / "task")
    provided = tmp_path / "runtime"
    provided.mkdir()
    for name in OF_THE_RUNTIME:
        origin = Path(str(find_spec(name).origin))  # type: ignore[union-attr]
        origin = origin.parent if origin.name == "__init__.py" else origin
        (provided / origin.name).symlink_to(origin)

    ran = imported(tmp_path / "task", provided)

    assert ran.returncode == 0, ran.stderr
    assert (out / "deployment.zip").stat().st_size < LARGEST


def imported(task: Path, provided: Path) -> subprocess.CompletedProcess[str]:
    """The runtime's Python with those two places and the standard library only.

    It imports every module, finds every handler, sends Stripe a request that does not arrive, and has found bytecode
    for all of the task that it has loaded.
    """
    files = [task / "app.py", *(task / "chalicelib").rglob("*.py")]
    ours = {".".join(file.relative_to(task).with_suffix("").parts).removesuffix(".__init__") for file in files}
    wanted = sorted(ours | imports(*files))
    code = f"""
import sys; sys.path += [{str(task)!r}, {str(provided)!r}]
import importlib; from operator import attrgetter; import stripe
for name in {wanted}: importlib.import_module(name)
for handler in {list(FUNCTIONS.values())}:
    module, _, name = handler.rpartition("."); assert callable(getattr(importlib.import_module(module), name)), handler
assert not [path for path in sys.path if "site-packages" in path], sys.path
client = stripe.StripeClient("sk", base_addresses={{"api": "http://127.0.0.1:1"}}, max_network_retries=0)
try: client.raw_request("get", "/v1/payment_intents")
except stripe.APIConnectionError: pass
else: raise AssertionError("something answered")
from pathlib import Path
specs = [module.__spec__ for module in list(sys.modules.values()) if getattr(module, "__spec__", None)]
compiled = [spec.name for spec in specs if (spec.origin or "").startswith({str(task)!r})
            and spec.origin.endswith(".py") and not Path(spec.cached).exists()]
assert not compiled, compiled
"""
    region = {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}
    python = str(runtime.interpreter(PYTHON))
    return subprocess.run(
        [python, "-B", "-I", "-S", "-c", code], cwd=task, env=region, capture_output=True, text=True, check=False
    )


def imports(*files: Path) -> set[str]:
    """Every module that the files import, also late, but for those that only type checkers see."""
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name for name in named if not name.startswith("mypy_boto3")}


@network
def test_the_signing_key_is_rotated_every_30_days_by_secrets_manager_alone(template: dict[str, Any]) -> None:
    schedule, permission = (
        properties(template, name) for name in ("JwtSecretRotation", "RotateJwtSecretInvokePermission")
    )

    assert schedule["SecretId"] == permission["SourceArn"] == exported("JwtSecretArn")
    assert schedule["RotationLambdaARN"] == permission["FunctionName"] == {"Ref": "RotateJwtSecret.Alias"}
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert template["Resources"]["JwtSecretRotation"]["DependsOn"] == "RotateJwtSecretInvokePermission"


@pytest.mark.parametrize("stage", STAGES)
def test_the_configuration_is_valid(stage: str) -> None:
    config = CLIFactory(str(ROOT), environ={}).create_config_obj(chalice_stage_name=stage)

    validate_configuration(config)

    assert set(config.config_from_disk["stages"]) == set(STAGES)
    assert config.autogen_policy is False


def test_only_a_stage_that_is_deployed_can_be_packaged() -> None:
    with pytest.raises(Refusal, match="no stage 'local'"):
        sam.merge_for("local")


def test_a_dependency_left_out_stops_the_packaging(monkeypatch: pytest.MonkeyPatch) -> None:
    says = f"print('{sam.LEFT_OUT}: bcrypt')"
    monkeypatch.setattr(sam, "CHALICE", (sys.executable, "-c", says))

    with pytest.raises(Refusal, match="left out a dependency"):
        sam._chalice(PYTHON, "package")
    with pytest.raises(Refusal, match="Nothing was deployed"):
        deploy.Teller().write(f"{sam.LEFT_OUT}: bcrypt")


def test_a_deployer_reads_what_only_the_account_knows_from_the_exports() -> None:
    names = sorted(deploy.NEEDED)
    exports = {f"ecommerce-{stage}-{name}": f"{name} of {stage}" for name in names for stage in ("dev", "prod")}

    found = deploy.of_stage("dev", exports)
    environment = {variable: found[name] for variable, name in deploy.EXPORTS.items()}
    config = deploy.DeployFactory("dev", environment).load_project_config()

    assert config["stages"]["dev"]["environment_variables"].items() >= environment.items()
    assert environment["BUCKET_NAME"] == "BucketName of dev"
    assert "BUCKET_NAME" not in config["stages"]["prod"]["environment_variables"]


def test_deploying_before_the_resources_exist_is_one_clear_sentence() -> None:
    with pytest.raises(Refusal, match="make resources STAGE=dev"):
        deploy.of_stage("dev", {"ecommerce-prod-BucketName": "another"})


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_chalice_deploy_by_itself_says_in_a_sentence_what_to_do_instead(project: Path, stage: str) -> None:
    chalice = "import sys; from chalice.cli import main; sys.exit(main())"
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_DEFAULT_REGION": "us-east-1"}
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}

    ran = subprocess.run(
        [sys.executable, "-c", chalice, "deploy", "--stage", stage],
        cwd=project, env={**kept, **nobody}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("Nothing was deployed: ")
    assert f"`make chalice-deploy STAGE={stage}`" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_deployed_trigger_is_set_as_the_packaged_one() -> None:
    assert deploy.trigger_settings("the queue") == {
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": delivery.ATTEMPTS - 1,
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in filters.patterns()]},
        "DestinationConfig": {"OnFailure": {"Destination": "the queue"}},
    }
