"""What the project promises to whoever clones it: locks, commands, the forge's files and the version."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.packaging import ROOT, copied, network

LOCKS = ("requirements", "requirements-dev")
OF_THE_RUNTIME = {"boto3", "botocore", "s3transfer", "jmespath", "chalice"}
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;]+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")
FORGE = {
    ".github/workflows/*.yml": "vendor.github-workflows",
    ".github/dependabot.yml": "vendor.dependabot",
    ".github/ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
    ".github/ISSUE_TEMPLATE/[!c]*.yml": "vendor.github-issue-forms",
}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
AUDITED = ("--persona", "auditor")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(text: str) -> set[tuple[str, str]]:
    return {(name.replace("_", "-").lower(), version) for name, version in PIN.findall(text)}


def locked(name: str) -> dict[tuple[str, str], set[str]]:
    """The hashes of each release in a lock."""
    entries = re.split(r"\n(?=[a-z])", (ROOT / f"{name}.txt").read_text())
    return {release: set(HASH.findall(entry)) for entry in entries for release in pins(entry)}


def targets() -> dict[str, str]:
    """The Makefile's targets, and what `make help` says of them."""
    return dict(re.findall(r"^([a-z-]+):.*?(?:## (.*))?$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def variable(name: str) -> str:
    (value,) = re.findall(rf"^{name} := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return str(value)


def jobs(workflow: Path) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(workflow.read_text())["jobs"])


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(workflow).values() for step in job.get("steps", ())]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", LOCKS)
def test_everything_locked_has_its_hashes(name: str) -> None:
    lines = (ROOT / f"{name}.txt").read_text().splitlines()

    assert {line for line in lines if line.strip() and line[0] not in " #"} == {
        line for line in lines if PIN.match(line) and line.endswith("\\")
    }
    assert {release for release, hashes in locked(name).items() if not hashes} == set()


@pytest.mark.parametrize("name", LOCKS)
def test_what_is_written_by_hand_is_pinned_and_stands_in_its_lock(name: str) -> None:
    written = (ROOT / f"{name}.in").read_text()

    loose = [line for line in written.splitlines() if line and line[0] not in "#-" and not PIN.match(line)]
    assert loose == []
    assert pins(written) - set(locked(name)) == set(), "make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_a_host_or_a_place_on_somebodys_disk(name: str) -> None:
    lock = (ROOT / f"{name}.txt").read_text()

    assert re.findall(r".*(?://|--index|--extra-index|--find-links|--trusted|@ file:).*", lock) == []


def test_what_is_tested_is_what_is_packaged() -> None:
    packaged, installed = (locked(name) for name in LOCKS)

    assert {release: installed.get(release) for release in packaged} == packaged


def test_what_the_lambda_runtime_and_chalice_bring_is_not_packaged() -> None:
    assert {name for name, _ in locked("requirements")} & OF_THE_RUNTIME == set()


@network
def test_a_file_that_the_lock_does_not_know_stops_the_packaging(tmp_path: Path) -> None:
    lock = copied(tmp_path) / "requirements.txt"
    lock.write_text(HASH.sub("--hash=sha256:" + 64 * "0", lock.read_text()))

    packaging = [sys.executable, "-m", "tools.package", "prod", "out"]
    ran = subprocess.run(packaging, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ran.returncode == 1
    assert "Nothing was packaged" in ran.stderr
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in ran.stdout
    assert not (tmp_path / "out" / "deployment.zip").exists()


def test_make_lists_every_command_in_two_columns() -> None:
    listed = run("make", "--no-print-directory", "help").stdout.splitlines()

    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(phony.split()) == set(targets())
    assert listed == [f"  make {name}".ljust(23) + says for name, says in targets().items()]
    assert all(targets().values())


def test_every_command_that_has_two_forms_refuses_a_third() -> None:
    recipes = dict(re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE))

    formed = {name: recipe for name, recipe in recipes.items() if "(FORMAT)" in recipe}
    assert {"plan", "package", "release", "remove"} < set(formed)
    assert {name for name, recipe in formed.items() if "\t$(KNOWN_FORMAT)\n" not in recipe} == set()


def test_only_make_coverage_measures_so_that_a_single_file_may_run_alone() -> None:
    assert "--cov" not in PROJECT["tool"]["pytest"]["ini_options"]["addopts"]
    assert PROJECT["tool"]["coverage"]["report"]["fail_under"] >= 90
    assert "--cov" in run("make", "-n", "coverage", "-o", "requirements.txt").stdout


@pytest.mark.parametrize(("files", "schema"), FORGE.items())
def test_the_forge_understands_its_files(files: str, schema: str) -> None:
    found = [str(path) for path in sorted(ROOT.glob(files))]

    checked = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *found)

    assert found
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_runs_what_nobody_can_exchange(workflow: Path) -> None:
    used = re.findall(r"uses: (.*)", workflow.read_text())
    pinned = r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v[\d.]+|\$/\.github/workflows/\w+\.yml"

    assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}
    assert used
    assert [each for each in used if not re.fullmatch(pinned, each)] == []


def test_a_job_may_write_what_it_says_and_none_has_credentials_of_aws_and_rights_to_the_history() -> None:
    rights = {
        f"{workflow.stem} {name}": {right for right, how in job.get("permissions", {}).items() if how == "write"}
        for workflow in WORKFLOWS
        for name, job in jobs(workflow).items()
    }

    assert {name: found for name, found in rights.items() if found} == {
        "plan plan": {"id-token", "pull-requests"},
        "deploy deploy": {"id-token"},
        "deploy notes": {"contents"},
        "rollback rollback": {"id-token"},
    }


def test_who_deploys_by_a_workflow_goes_through_the_stages_environment_and_is_not_cut_off() -> None:
    for workflow in WORKFLOWS:
        text = yaml.safe_load(workflow.read_text())
        for name, job in jobs(workflow).items():
            if "AWS_DEPLOYER_ROLE" in str(job):
                assert "environment" in job, f"{workflow.name}: {name}"
                assert text["concurrency"]["cancel-in-progress"] is False


def test_a_workflow_has_no_stored_key_of_aws() -> None:
    secrets = {each for workflow in WORKFLOWS for each in re.findall(r"secrets\.(\w+)", workflow.read_text())}

    assert secrets == {"NOTIFY_WEBHOOK"}


def test_no_workflow_has_what_the_security_linter_knows() -> None:
    linted = run(str(Path(sys.executable).parent / "zizmor"), "--quiet", "--offline", *AUDITED, ".github")

    assert linted.returncode == 0, linted.stdout
    assert " ".join(AUDITED) in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_commands_that_there_are(workflow: Path) -> None:
    commands = [shlex.split(line) for step in steps(workflow) for line in step.get("run", "").splitlines()]

    assert commands
    assert [each for each in commands if each[0] != "make" or named(each) not in targets()] == []


def named(command: list[str]) -> str:
    """The target of a command of make."""
    return next(word for word in command[1:] if not word.startswith("-"))


def test_the_checks_run_on_every_python_from_the_oldest_that_is_promised() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text())["jobs"]
    pythons = jobs["tests"]["strategy"]["matrix"]["python"]

    assert PROJECT["project"]["requires-python"] == f">={pythons[0]}"
    assert f"--python-version {pythons[0]}" in variable("LOCK")
    minors = [int(each.removeprefix("3.")) for each in pythons]
    assert all(later == earlier + 1 for earlier, later in pairwise(minors))


def test_a_commit_is_checked_by_the_tools_of_the_lock() -> None:
    file = ".pre-commit-config.yaml"
    hooks = [hook for repo in yaml.safe_load((ROOT / file).read_text())["repos"] for hook in repo["hooks"]]

    checked = run(sys.executable, "-m", "pre_commit", "validate-config", file)

    assert checked.returncode == 0, checked.stdout
    tools = {name for name, _ in locked("requirements-dev")}
    entries = [hook["entry"].split() for hook in hooks]
    assert all(entry[:2] == [".venv/bin/python", "-m"] and entry[2] in tools for entry in entries)


def test_the_container_prepares_itself_and_opens_the_port_of_the_shop() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())

    assert container["postCreateCommand"] == f"make {variable('VENV')}/ready"
    assert container["forwardPorts"] == [8000]


def test_the_version_is_that_of_the_newest_release_in_the_changelog() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    releases = [heading.split(" - ") for heading in headings[1:]]
    days = [date.fromisoformat(day) for _, day in releases]

    assert headings[0] == "Unreleased"
    assert releases[0][0] == PROJECT["project"]["version"]
    assert days == sorted(days, reverse=True)


def test_no_other_file_says_a_version_of_the_project() -> None:
    version = re.escape(PROJECT["project"]["version"])
    saying = run(
        "git",
        "grep",
        "-lE",
        rf"""["' v]{version}(["']|$)""",
        "--",
        ".",
        ":!*.in",
        ":!*requirements*.txt",
        ":!*-lock.json",
    )

    assert set(saying.stdout.split()) <= {"pyproject.toml", "CHANGELOG.md"}
