"""What is deployed: the template and the code of a stage, packaged for real.

Packaging fetches wheels from the package index: OFFLINE=1 in the environment leaves those tests out.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from cfnlint.api import ManualArgs, lint
from chalice.cli.factory import CLIFactory
from chalice.deploy.validate import validate_configuration

from chalicelib import access, problems
from tests.shop import Shop
from tools.local import delivery
from tools.package import deploy, gateway, sam

ROOT = Path(__file__).parents[2]
PACKAGED = ("app.py", "chalicelib", ".chalice", "infra", "tools", "tests", "requirements.txt")
REGIONS = ManualArgs(regions=["us-east-1", "eu-west-1"])
FUNCTIONS = {
    "APIHandler": "app.app",
    "Authorize": "chalicelib.authorizer.authorize",
    "HandleTableStream": "app.handle_table_stream",
    "RunScheduledWork": "app.run_scheduled_work",
    "RotateJwtSecret": "app.rotate_jwt_secret",
}
SETTINGS = {
    "STAGE", "TABLE_NAME", "BUCKET_NAME", "JWT_SECRET_NAME", "PAYMENT_SECRET_NAME", "EVENT_BUS_NAME",
    "ALERT_TOPIC_ARN", "DEAD_LETTER_QUEUE_URL", "MAIL_FROM", "PAYMENT_PROVIDER", "CORS_ORIGIN", "LOG_LEVEL",
    "INDEX_SHARDS", "USER_MANAGEMENT_AUTH",
}  # fmt: skip
OF_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
MEGABYTE = 1_000_000
STAGES = ("local", "dev", "prod")
network = pytest.mark.skipif("OFFLINE" in os.environ, reason="packaging fetches wheels, and OFFLINE is set")


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, so that packaging leaves no trace in this one."""
    return copied(tmp_path_factory.mktemp("project"))


def copied(copy: Path) -> Path:
    forget = shutil.ignore_patterns("__pycache__", "deployments", "deployed")
    for name in PACKAGED:
        source = ROOT / name
        shutil.copytree(source, copy / name, ignore=forget) if source.is_dir() else shutil.copy(source, copy)
    return copy


@pytest.fixture(scope="session")
def out(project: Path) -> Path:
    run(project, "-m", "tools.package", "prod", "out")
    return project / "out"


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of a stage whose user management is for services that sign."""
    project = copied(tmp_path_factory.mktemp("signed"))
    file = project / ".chalice" / "config.json"
    config = json.loads(file.read_text())
    config["stages"]["prod"]["environment_variables"]["USER_MANAGEMENT_AUTH"] = "iam"
    file.write_text(json.dumps(config))
    run(project, "-m", "tools.package", "prod", "out")
    return project / "out"


@pytest.fixture(scope="session")
def template(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "sam.json").read_text()))


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in {*SETTINGS, "TABLE_STREAM_ARN"}}
    ran = subprocess.run(
        [sys.executable, *arguments], cwd=project, env=kept, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


def properties(template: dict[str, Any], name: str) -> dict[str, Any]:
    return dict(template["Resources"][name]["Properties"])


def trigger(template: dict[str, Any]) -> dict[str, Any]:
    (event,) = properties(template, "HandleTableStream")["Events"].values()
    return dict(event["Properties"])


def exported(name: str) -> dict[str, Any]:
    return {"Fn::ImportValue": {"Fn::Sub": f"ecommerce-${{Stage}}-{name}"}}


@network
def test_the_template_lints(out: Path) -> None:
    assert lint((out / "sam.json").read_text(), config=REGIONS) == []


@network
def test_what_chalice_packages_by_itself_lints_too(project: Path, out: Path) -> None:
    run(project, *sam.CHALICE[1:], "package", "--stage", "prod", "plain")

    assert lint((project / "plain" / "sam.json").read_text(), config=REGIONS) == []


@network
def test_the_trigger_reports_halves_retries_and_gives_up_into_the_dead_letter_queue(template: dict[str, Any]) -> None:
    mapping = trigger(template)

    assert mapping["Stream"] == exported("TableStreamArn")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == delivery.ATTEMPTS - 1
    assert mapping["BatchSize"] == delivery.BATCH_SIZE
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == exported("DeadLetterQueueArn")


@network
def test_every_function_runs_its_own_code_in_a_role_of_its_own(template: dict[str, Any]) -> None:
    functions = {name for name, each in template["Resources"].items() if each["Type"] == "AWS::Serverless::Function"}
    roles = {name: properties(template, name)["Role"]["Fn::GetAtt"][0] for name in functions}

    assert {name: properties(template, name)["Handler"] for name in functions} == FUNCTIONS
    assert len(set(roles.values())) == len(functions)
    policies = [json.dumps(properties(template, role)["Policies"]) for role in roles.values()]
    assert len(set(policies)) == len(functions)


@network
def test_every_function_knows_all_settings_and_no_secret(template: dict[str, Any]) -> None:
    everywhere = template["Globals"]["Function"]["Environment"]["Variables"]

    for name in FUNCTIONS:
        environment = {**everywhere, **properties(template, name)["Environment"]["Variables"]}
        assert set(environment) == SETTINGS
        assert environment["CORS_ORIGIN"].startswith("https://")
        assert environment["BUCKET_NAME"] == exported("BucketName")
        assert not any("PASSWORD" in each or "ACCESS_KEY" in each or "TOKEN" in each for each in environment)


@network
def test_every_function_logs_into_a_group_that_its_role_may_write_to(template: dict[str, Any]) -> None:
    for name in FUNCTIONS:
        group = properties(template, properties(template, name)["LoggingConfig"]["LogGroup"]["Ref"])
        role = properties(template, properties(template, name)["Role"]["Fn::GetAtt"][0])
        written = group["LogGroupName"]["Fn::Sub"].replace("${Stage}", "prod")
        assert f":log-group:{written}:*" in json.dumps(role["Policies"])
        assert group["RetentionInDays"]["Fn::FindInMap"][2] == "LogDays"
    assert {stage: each["LogDays"] for stage, each in template["Mappings"]["Stages"].items()} == {"dev": 7, "prod": 30}


@network
def test_the_template_is_held_to_the_packaged_stage(template: dict[str, Any]) -> None:
    assert template["Parameters"]["Stage"]["Default"] == "prod"
    assert template["Parameters"]["Stage"]["AllowedValues"] == ["prod"]
    assert properties(template, "RestAPI")["StageName"] == "prod"


@network
def test_the_outputs_lead_to_the_api_its_health_and_the_functions(template: dict[str, Any]) -> None:
    assert {
        "EndpointURL", "HealthURL", "RestAPIId", "TableName",
        "APIHandlerName", "AuthorizeName", "HandleTableStreamName", "RunScheduledWorkName",
        "RotateJwtSecretName",
    } <= set(template["Outputs"])  # fmt: skip


@network
def test_the_code_is_the_app_and_its_dependencies(out: Path, project: Path) -> None:
    with ZipFile(out / "deployment.zip") as archive:
        names = set(archive.namelist())

    ours = {str(path.relative_to(project)) for path in (project / "chalicelib").rglob("*.py")} | {"app.py"}
    assert ours == {name for name in names if name == "app.py" or name.startswith("chalicelib/")}
    assert not {name.split("/")[0] for name in names} & {"tools", "tests", "infra", ".chalice", "moto", "pytest"}
    assert all(any(name.startswith(f"{each}/") for name in names) for each in ("bcrypt", "jwt", "msgspec", "chalice"))


@network
def test_the_code_needs_nothing_but_itself_and_the_boto3_of_the_runtime(out: Path, tmp_path: Path) -> None:
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
    assert (out / "deployment.zip").stat().st_size < MEGABYTE


def imported(task: Path, provided: Path) -> subprocess.CompletedProcess[str]:
    """Python with those two places and the standard library only, which imports every module and finds every handler."""
    wanted = sorted(imports(task / "app.py", *(task / "chalicelib").rglob("*.py")))
    code = f"""
import sys; sys.path += [{str(task)!r}, {str(provided)!r}]
import importlib; from operator import attrgetter
for name in {wanted}: importlib.import_module(name)
for handler in {list(FUNCTIONS.values())}:
    module, _, name = handler.rpartition("."); assert callable(getattr(importlib.import_module(module), name)), handler
assert not [path for path in sys.path if "site-packages" in path], sys.path
"""
    region = {"AWS_DEFAULT_REGION": "us-east-1"}
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=task, env=region, capture_output=True, text=True, check=False
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
    assert schedule["RotationLambdaARN"] == {"Fn::GetAtt": [permission["FunctionName"]["Ref"], "Arn"]}
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert template["Resources"]["JwtSecretRotation"]["DependsOn"] == "RotateJwtSecretInvokePermission"


def secured(template: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """Which authorizers every route of the generated API definition names."""
    return {
        (method.upper(), path): {name for each in definition.get("security", []) for name in each}
        for path, methods in properties(template, "RestAPI")["DefinitionBody"]["paths"].items()
        for method, definition in methods.items()
        if (method.upper(), path) in access.ROUTES
    }


def authorizers(template: dict[str, Any], managers: str) -> dict[tuple[str, str], set[str]]:
    """What the permission matrix asks of the API definition, with user management behind `managers`."""
    by_itself = (access.Audience.PUBLIC, access.Audience.GUEST)
    return {
        route: set() if audience in by_itself else {managers if access.is_user_management(route[1]) else "authorize"}
        for route, audience in access.ROUTES.items()
    }


@network
def test_every_route_but_the_public_ones_is_behind_the_authorizer(template: dict[str, Any]) -> None:
    assert secured(template) == authorizers(template, "authorize")
    assert set(properties(template, "RestAPI")["DefinitionBody"]["securityDefinitions"]) == {"authorize"}


@network
def test_a_stage_can_keep_user_management_for_services_that_sign(signed: Path) -> None:
    template = json.loads((signed / "sam.json").read_text())

    assert secured(template) == authorizers(template, "sigv4")
    definitions = properties(template, "RestAPI")["DefinitionBody"]["securityDefinitions"]
    assert definitions["sigv4"]["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert properties(template, "APIHandler")["Environment"]["Variables"]["USER_MANAGEMENT_AUTH"] == "iam"
    assert lint((signed / "sam.json").read_text(), config=REGIONS) == []


@network
def test_every_path_has_an_answer_for_the_methods_that_it_does_not_take(template: dict[str, Any]) -> None:
    for path, methods in properties(template, "RestAPI")["DefinitionBody"]["paths"].items():
        fallback = methods["x-amazon-apigateway-any-method"]
        answer = fallback["x-amazon-apigateway-integration"]["responses"]["default"]

        assert set(methods) - {"options", "x-amazon-apigateway-any-method"} == {
            method.lower() for method, known in access.ROUTES if known == path
        }
        assert "options" in methods
        assert "security" not in fallback
        assert {f"method.response.header.{name}" for name in fallback["responses"]["405"]["headers"]} == set(
            answer["responseParameters"]
        )


def test_the_gateway_refuses_a_method_as_the_app_does(shop: Shop) -> None:
    for path, definition in gateway.other_methods("https://shop.example.com").items():
        integration = definition["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"]
        answer = integration["responses"]["default"]
        document = json.loads(answer["responseTemplates"]["application/json"])
        headers = {name.rpartition(".")[2]: each[1:-1] for name, each in answer["responseParameters"].items()}
        by_the_app = shop("TRACE", path.replace("{", "").replace("}", ""))

        assert (by_the_app.status, answer["statusCode"]) == (405, "405")
        own = {"instance": "$context.path", "requestId": "$context.requestId"}
        assert document == {**by_the_app.body, **own}
        assert headers["Allow"] == by_the_app.headers["Allow"]
        assert headers["Content-Type"] == by_the_app.headers["Content-Type"]
        assert headers["Access-Control-Allow-Origin"] == "https://shop.example.com"
        assert {json.loads(each)["statusCode"] for each in integration["requestTemplates"].values()} == {405}


@pytest.mark.parametrize("origin", ["*", "https://shop.example.com"])
def test_the_gateway_answers_by_itself_as_the_app_does(origin: str) -> None:
    for kind, response in gateway.responses(origin).items():
        document = json.loads(response["ResponseTemplates"]["application/json"])
        headers = response["ResponseParameters"]["Headers"]
        like = problems.problem(document["status"], document["code"], document["detail"], None)

        assert document == {**like, "instance": "$context.path", "requestId": "$context.requestId"}, kind
        assert response["StatusCode"] == document["status"]
        assert headers["Content-Type"] == "'application/problem+json'"
        assert headers["Access-Control-Allow-Origin"] == f"'{origin}'"


def test_the_gateway_refuses_under_the_statuses_that_callers_know() -> None:
    statuses = {kind: refusal.status for kind, refusal in gateway.REFUSALS.items()}

    assert statuses | {
        "UNAUTHORIZED": 401, "ACCESS_DENIED": 403, "MISSING_AUTHENTICATION_TOKEN": 404, "THROTTLED": 429,
        "QUOTA_EXCEEDED": 429, "REQUEST_TOO_LARGE": 413, "UNSUPPORTED_MEDIA_TYPE": 415,
        "DEFAULT_4XX": 400, "DEFAULT_5XX": 500,
    } == statuses  # fmt: skip


@pytest.mark.parametrize("stage", STAGES)
def test_the_configuration_is_valid(stage: str) -> None:
    config = CLIFactory(str(ROOT), environ={}).create_config_obj(chalice_stage_name=stage)

    validate_configuration(config)

    assert set(config.config_from_disk["stages"]) == set(STAGES)
    assert config.autogen_policy is False


def test_only_a_stage_that_is_deployed_can_be_packaged() -> None:
    with pytest.raises(sam.Refusal, match="no stage 'local'"):
        sam.merge_for("local")


def test_a_dependency_left_out_stops_the_packaging(monkeypatch: pytest.MonkeyPatch) -> None:
    says = f"print('{sam.LEFT_OUT}: bcrypt')"
    monkeypatch.setattr(sam, "CHALICE", (sys.executable, "-c", says))

    with pytest.raises(sam.Refusal, match="left out a dependency"):
        sam._chalice("package")
    with pytest.raises(sam.Refusal, match="Nothing was deployed"):
        deploy.Teller().write(f"{sam.LEFT_OUT}: bcrypt")


def test_a_deployer_reads_what_only_the_account_knows_from_the_exports() -> None:
    names = [*deploy.EXPORTS.values(), "DeadLetterQueueArn"]
    exports = {f"ecommerce-{stage}-{name}": f"{name} of {stage}" for name in names for stage in ("dev", "prod")}

    found = deploy.of_stage("dev", exports)
    environment = {variable: found[name] for variable, name in deploy.EXPORTS.items()}
    config = deploy.Factory("dev", environment).load_project_config()

    assert config["stages"]["dev"]["environment_variables"].items() >= environment.items()
    assert environment["BUCKET_NAME"] == "BucketName of dev"
    assert "BUCKET_NAME" not in config["stages"]["prod"]["environment_variables"]


def test_deploying_before_the_resources_exist_is_one_clear_sentence() -> None:
    with pytest.raises(sam.Refusal, match="with Stage=dev first"):
        deploy.of_stage("dev", {"ecommerce-prod-BucketName": "another"})


def test_a_deployed_trigger_is_set_as_the_packaged_one() -> None:
    assert deploy.trigger_settings("the queue") == {
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": delivery.ATTEMPTS - 1,
        "DestinationConfig": {"OnFailure": {"Destination": "the queue"}},
    }
