"""The workflows' `run` lines, as GitHub's runners run them, in an account that they find as docs say it is prepared.

One story: a push to main is released and told of, a pull request is told what it would change, and a push to develop
whose smoke test fails goes back. All of it happens to the stage dev, for prod takes Stripe alone; which
stage a branch deploys to is looked at beside it. GitHub's client is one that writes down what it is asked for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.deployed import checkouts
from tests.deployed.releases import greeting
from tests.infra.packaging import SETTINGS
from tests.support import deployer, local_aws
from tests.support.hearing import heard as hearing
from tests.support.hearing import sitecustomize
from tests.support.workflows import expressions, runner
from tests.support.workflows.runner import Ran, Runner
from tools import dated
from tools.local.settings import LocalSettings

REPOSITORY = "acme/shop"
GREETING = ("app.py", '"Hello from Lambda"')
HEALTH = ("app.py", "return health.report(*call.function,")
OF_THE_HOOK = 'app.current_request.context["identity"]["userAgent"] == "smoke"'
OURS = {"id": 7, "user": {"login": "github-actions[bot]"}, "body": "<!-- plan of dev -->\nold"}
FORGED = {"id": 6, "user": {"login": "mallory"}, "body": "<!-- plan of dev -->\nforged"}
# What is not run here: it is what runs this, or asks the index of packages.
LEFT_OUT = {
    "make check", "make test", "make coverage", "make test-deployed", "make scan", "make lint-templates",
    "make lint-contract",
    "make package STAGE=prod", "make package STAGE=prod FORMAT=terraform",
}  # fmt: skip
WORKFLOWS = ("checks.yml", "plan.yml", "deploy.yml", "rollback.yml")


def contexts(branch: str, event: dict[str, Any], address: str) -> dict[str, Any]:
    """What GitHub tells a run."""
    return {
        "github": {
            "ref_name": branch, "ref": f"refs/heads/{branch}", "workflow": "deploy", "event_name": "push",
            "repository": REPOSITORY, "token": "ghs_token", "event": event,
        },
        "vars": {"AWS_REGION": "us-east-1", "AWS_DEPLOYER_ROLE": "arn:deployer", "AWS_PLANNER_ROLE": "arn:planner"},
        "secrets": {"NOTIFY_WEBHOOK": address},
        "inputs": {"stage": "dev"},
    }  # fmt: skip


def pull_request(repository: str, author: str) -> dict[str, Any]:
    return {
        "number": 12,
        "pull_request": {"number": 12, "head": {"repo": {"full_name": repository}}, "user": {"login": author}},
    }


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSettings]:
    """An account in which there is nothing yet."""
    with local_aws.empty(tmp_path_factory.mktemp("actions-account")) as settings:
        yield settings


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[str, list[str]]]:
    """The address of a webhook, and the texts that it was sent."""
    texts: list[str] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", texts
        server.shutdown()


@pytest.fixture(scope="module")
def gh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `gh` knows the comments of one pull request, and the file in it of what it was asked for."""
    folder = tmp_path_factory.mktemp("gh")
    client = folder / "gh"
    client.write_text(
        f"#!{sys.executable} -SE\nimport json, sys\n"
        "words, given = sys.argv[1:], '' if sys.stdin.isatty() else sys.stdin.read()\n"
        f"with open({str(folder / 'asked.jsonl')!r}, 'a') as file: file.write(json.dumps([words, given]) + '\\n')\n"
        f"if '--slurp' in words: print(json.dumps([[{FORGED!r}, {OURS!r}]]))\n"
    )
    client.chmod(0o755)
    (folder / "asked.jsonl").touch()
    return folder


def asked(gh: Path) -> list[tuple[list[str], str]]:
    return [tuple(json.loads(line)) for line in (gh / "asked.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def project(account: LocalSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a history, in whose account an administrator has done what the page asks for."""
    made = checkouts.checkout(tmp_path_factory.mktemp("actions-checkout"))
    checkouts.edit(made / "stages" / "prod.toml", ('account = ""', 'account = "111111111111"'))
    (made / ".gitignore").write_text(".venv\nout\n__pycache__\n")
    git(made, "init", "--quiet")
    commit(made, "Shop")
    by_hand = {**environment(), "YES": "1"}
    for command in (["account", f"GITHUB={REPOSITORY}"], ["resources", "STAGE=dev"]):
        ran = subprocess.run(["make", *command], cwd=made, env=by_hand, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    return made


def git(project: Path, *words: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=project, check=True, capture_output=True)


def commit(project: Path, subject: str) -> None:
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", subject)


def environment() -> dict[str, str]:
    """What a runner's processes have: nothing of the tests' own stage."""
    return {name: value for name, value in dated.real().items() if name not in {*SETTINGS, sitecustomize.FILE}}


@pytest.fixture(scope="module")
def machine(project: Path, gh: Path, told: tuple[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner, the file of whose calls of AWS is `heard` beside the checkout."""
    return Runner(
        project,
        {
            **environment(),
            "PATH": f"{gh}{os.pathsep}{os.environ['PATH']}",
            sitecustomize.FILE: str(project.parent / "deploy.jsonl"),
            "GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "42", "GITHUB_SHA": "0123456789abcdef", "GITHUB_ACTOR": "ada",
        },
        contexts("develop", pull_request(REPOSITORY, "ada"), told[0]),
        instead={"STAGE": "dev"},
    )  # fmt: skip


def deploy(machine: Runner, branch: str) -> Ran:
    return machine.run("deploy.yml", "deploy", github={**machine.contexts["github"], "ref_name": branch})


def test_every_line_that_a_workflow_runs_is_run_here_or_left_out_for_a_reason() -> None:
    ran = {line for workflow in WORKFLOWS[1:] for _, line in runner.run_lines(workflow)}

    assert {line for _, line in runner.run_lines("checks.yml")} == LEFT_OUT
    assert ran == {
        "make --silent plan", "make release SMOKE=0", "make smoke", "make rollback", "make notify",
        "make release-notes",
    }  # fmt: skip
    assert {file.name for file in runner.WORKFLOWS.glob("*.yml")} == set(WORKFLOWS)


@pytest.mark.parametrize(("branch", "stage"), [("develop", "dev"), ("main", "prod")])
def test_a_branch_is_deployed_to_its_stage_and_by_its_environment(branch: str, stage: str) -> None:
    job = runner.jobs("deploy.yml")["deploy"]
    known = contexts(branch, {}, "")

    assert expressions.filled(job["environment"], known) == stage
    assert expressions.filled(job["env"]["STAGE"], known) == stage


def notes(machine: Runner, branch: str, moved: str) -> Ran:
    github = {**machine.contexts["github"], "ref_name": branch}
    return machine.run("deploy.yml", "notes", github=github, needs={"deploy": {"outputs": {"moved": moved}}})


@pytest.mark.usefixtures("project")
def test_only_the_environments_of_this_repository_and_its_pull_requests_are_trusted() -> None:
    roles = [
        boto3.client("iam").get_role(RoleName=f"shop-{name}-us-east-1")["Role"] for name in ("deployer", "planner")
    ]

    trusted = [each["AssumeRolePolicyDocument"]["Statement"] for each in roles]

    issuer = "token.actions.githubusercontent.com"
    subjects = [one["Condition"]["StringEquals"][f"{issuer}:sub"] for statements in trusted for one in statements]
    assert subjects == [[f"repo:{REPOSITORY}:environment:dev"], f"repo:{REPOSITORY}:pull_request"]
    (provider,) = boto3.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert {one["Principal"]["Federated"] for statements in trusted for one in statements} == {provider["Arn"]}


def test_a_push_to_main_is_released_tried_and_told_of(machine: Runner, told: tuple[str, list[str]]) -> None:
    ran = deploy(machine, "main")

    assert (ran.result, ran.outputs) == ("success", {"moved": "true"}), ran.printed
    assert ran.steps == dict.fromkeys(("Release", "Smoke test", "Notify"), "success") | {"Rollback": "skipped"}
    assert greeting() == "Hello from Lambda"
    assert told[1] == ["dev: 0123456 of ada serves. https://github.com/acme/shop/actions/runs/42"]


def test_notes_are_made_of_what_moved_on_main(machine: Runner, gh: Path) -> None:
    assert notes(machine, "develop", "true").result == notes(machine, "main", "false").result == "skipped"

    noted = notes(machine, "main", "true")

    assert noted.result == "success", noted.printed
    ((words, given),) = asked(gh)
    assert words[:2] == ["release", "create"]
    assert words[2].startswith("dev-")
    assert "### Added\n\n- " in given
    assert "- Shop (" in given


def test_a_pull_request_is_told_what_a_release_would_change(machine: Runner, gh: Path) -> None:
    checkouts.edit(machine.checkout / GREETING[0], (GREETING[1], '"Hello from the branch"'))
    commit(machine.checkout, "Greet from the branch")
    hears = {**machine.environment, sitecustomize.FILE: str(machine.checkout.parent / "plan.jsonl")}

    ran = Runner(machine.checkout, hears, machine.contexts, machine.instead).run("plan.yml", "plan")

    assert ran.result == "success", ran.printed
    (listed, _), (words, given) = asked(gh)[-2:]
    assert listed[-1] == "repos/acme/shop/issues/12/comments?per_page=100"
    assert words == ["api", "--method", "PATCH", "repos/acme/shop/issues/comments/7", "--input", "-"]
    text = json.loads(given)["body"]
    assert text.startswith("<!-- plan of dev -->\n### What a release to `dev` would change")
    assert "**`ecommerce-dev-resources`**: nothing." in text
    assert "| Modify | `APIHandler` | AWS::Lambda::Function |" in text
    assert "DeadLetters" not in text


@pytest.mark.usefixtures("machine")
def test_a_plan_leaves_nothing_behind_and_changes_nothing() -> None:
    cloudformation = boto3.client("cloudformation")

    for stack in ("ecommerce-dev", "ecommerce-dev-resources"):
        left = cloudformation.list_change_sets(StackName=stack)["Summaries"]
        assert not [each for each in left if each["ChangeSetName"].startswith("make-plan-")]
    assert greeting() == "Hello from Lambda"


@pytest.mark.parametrize("poorer_by_one", [deployer.without_one_action, deployer.without_one_resource])
def test_a_plan_asks_for_all_that_its_role_may_and_for_nothing_else(machine: Runner, poorer_by_one: Any) -> None:
    plan, granted = hearing.by_tools(machine.checkout.parent / "plan.jsonl"), deployer.statements("ForPlans")

    assert deployer.refused(granted, plan) == set()
    assert [taken for taken, rest in poorer_by_one(granted) if not deployer.refused(rest, plan)] == []


@pytest.mark.parametrize(("repository", "author"), [("mallory/shop", "mallory"), (REPOSITORY, "dependabot[bot]")])
def test_what_comes_from_elsewhere_gets_no_credentials(machine: Runner, repository: str, author: str) -> None:
    event = pull_request(repository, author)

    ran = machine.run("plan.yml", "plan", github={**machine.contexts["github"], "event": event})

    assert ran.result == "skipped"


def test_a_push_to_develop_that_fails_its_smoke_test_goes_back(machine: Runner, told: tuple[str, list[str]]) -> None:
    """It passes the hook, which calls the functions themselves, and fails every customer who comes by the gateway."""
    checkouts.edit(
        machine.checkout / HEALTH[0],
        (HEALTH[1], f"assert {OF_THE_HOOK}\n    {HEALTH[1]}"),
        ('"Hello from the branch"', '"Hello from the broken"'),
    )
    commit(machine.checkout, "Break what only the gateway shows")

    ran = deploy(machine, "develop")

    assert ran.result == "failure", ran.printed
    assert ran.steps == {"Release": "success", "Smoke test": "failure", "Rollback": "success", "Notify": "success"}
    assert greeting() == "Hello from Lambda"
    assert "failed its smoke test, and the version before serves again" in told[1][-1]


def test_who_asks_for_a_rollback_is_told_that_there_is_no_way_back(
    machine: Runner, told: tuple[str, list[str]]
) -> None:
    by_hand = Runner(machine.checkout, {**machine.environment, "GITHUB_WORKFLOW": "rollback"}, machine.contexts)

    ran = by_hand.run("rollback.yml", "rollback")

    assert ran.steps == {"Rollback": "failure", "Smoke test": "skipped", "Notify": "success"}
    assert "There is no release of dev before this one" in ran.printed
    assert "dev: did NOT go back" in told[1][-1]


def test_what_a_release_refuses_leaves_what_serves_alone(machine: Runner, told: tuple[str, list[str]]) -> None:
    """The version before serves already; a rollback would take away the one that is good."""
    checkouts.edit(machine.checkout / "stages" / "dev.toml", ("log_days = 7", "log_days = 8"))
    try:
        ran = deploy(machine, "main")
    finally:
        checkouts.edit(machine.checkout / "stages" / "dev.toml", ("log_days = 8", "log_days = 7"))

    assert ran.steps == {"Release": "failure", "Smoke test": "skipped", "Rollback": "skipped", "Notify": "success"}
    assert "was not deployed" in told[1][-1]
    assert greeting() == "Hello from Lambda"


def test_what_the_workflows_ask_of_aws_is_allowed_to_who_deploys(machine: Runner) -> None:
    done = hearing.by_tools(machine.checkout.parent / "deploy.jsonl")

    assert {"cloudformation:ExecuteChangeSet", "lambda:UpdateAlias"} <= hearing.actions(done)
    assert deployer.refused(deployer.statements(*deployer.TOOLS), done) == set()
