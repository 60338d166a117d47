"""The linters, each run once for all templates of a folder; they live in a virtual environment of their own."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tools.refusal import Refusal

CFN_LINT, SERVERLESS, CHECKOV = "cfn-lint", "serverless", "checkov"
RULES = "cfn_lint_serverless.rules"
OF_SERVERLESS = ("ES", "WS")  # how its rules' names begin
REGIONS = ("us-east-1", "eu-west-1")


@dataclass(frozen=True)
class TemplateFinding:
    """What a linter does not like of a resource; `reason` is that of the resource's own `Metadata`."""

    linter: str
    template: str
    rule: str
    resource: str
    text: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.template}: {self.resource}: {self.rule} {self.text}"


@dataclass
class Lint:
    """What the linters found, and how many checks of checkov's, the only one that counts, passed by template."""

    findings: list[TemplateFinding] = field(default_factory=list)
    passed: Counter[tuple[str, str]] = field(default_factory=Counter)


def lint(tools: Path, folder: Path, forms: Path) -> Lint:
    """Run all of them on the templates of the folder, and checkov on the Terraform forms of the stages.

    Raises `Refusal` when one does not do its work.
    """
    found = Lint()
    found.findings += _cfn_lint(tools, folder)
    _checkov(tools, folder, found)
    for form in sorted(forms.iterdir()):
        _checkov_on_terraform(tools, form, found)
    return found


def _checkov_on_terraform(tools: Path, form: Path, found: Lint) -> None:
    """What a resource is called is what the template calls it, so that a reason is said once for both."""
    origins = json.loads((form / "origins.json").read_text(encoding="utf-8"))
    said = _ask_checkov(tools, form, "terraform")
    template = f"{form.name}.tf"
    found.passed[template, CHECKOV] += len(said["passed_checks"])
    for outcome in ("failed_checks", "skipped_checks"):
        for check in said[outcome]:
            finding = _of_checkov(check)
            resource = origins.get(check["resource"], check["resource"])
            found.findings.append(replace(finding, template=template, resource=resource))
    if not said["passed_checks"]:
        raise Refusal(f"checkov looked at nothing in {template}.")


def _cfn_lint(tools: Path, folder: Path) -> list[TemplateFinding]:
    files = sorted(str(file) for file in folder.iterdir())
    words = ("--format", "json", "--append-rules", RULES, "--regions", *REGIONS, "--template", *files)
    return [_of_cfn_lint(each) for each in _ask(tools / "cfn-lint", *words)]


def _of_cfn_lint(match: dict[str, Any]) -> TemplateFinding:
    rule, where = match["Rule"]["Id"], [str(each) for each in match["Location"]["Path"] or []]
    resource = where[1] if where[:1] == ["Resources"] and len(where) > 1 else "/".join(where[:2]) or "-"
    linter = SERVERLESS if rule.startswith(OF_SERVERLESS) else CFN_LINT
    return TemplateFinding(linter, Path(match["Filename"]).name, rule, resource, match["Message"].partition("\n")[0])


def _checkov(tools: Path, folder: Path, found: Lint) -> None:
    said = _ask_checkov(tools, folder, "cloudformation")
    found.passed.update((_template(check), CHECKOV) for check in said["passed_checks"])
    for outcome in ("failed_checks", "skipped_checks"):
        found.findings += [_of_checkov(check) for check in said[outcome]]
    if unread := {file.name for file in folder.iterdir()} - {template for template, _ in found.passed}:
        raise Refusal(f"checkov looked at nothing in {', '.join(sorted(unread))}.")


def _ask_checkov(tools: Path, folder: Path, framework: str) -> dict[str, Any]:
    words = ("--framework", framework, "--output", "json", "--compact", "--skip-download", "--soft-fail")
    said = _ask(tools / "checkov", "--directory", str(folder), *words)["results"]
    if said["parsing_errors"]:
        raise Refusal(f"checkov could not read {', '.join(said['parsing_errors'])}.")
    return dict(said)


def _of_checkov(check: dict[str, Any]) -> TemplateFinding:
    resource, reason = check["resource"].rpartition(".")[2], check["check_result"].get("suppress_comment") or ""
    return TemplateFinding(CHECKOV, _template(check), check["check_id"], resource, check["check_name"], reason)


def _template(check: dict[str, Any]) -> str:
    return Path(check["file_path"]).name


def _ask(*words: str | Path) -> Any:
    """What a linter says in JSON."""
    ran = subprocess.run(  # noqa: S603 - our own words
        [str(each) for each in words], capture_output=True, text=True, check=False
    )
    try:
        return json.loads(ran.stdout)
    except ValueError as error:
        raise Refusal(f"{words[0]} did not do its work: {ran.stderr.strip() or ran.stdout[-500:]}") from error
