"""Runs the `run` steps of a job in their order, by the shell and in the environment that GitHub's runners give them.

A step that `uses` an action is not run: those that are known are passed over, and another is refused. So is an
expression about something that the test has not said.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.support.workflows import expressions

ROOT = Path(__file__).parents[3]
WORKFLOWS = ROOT / ".github" / "workflows"
PASSED_OVER = (
    "actions/checkout", "actions/setup-python", "actions/upload-artifact", "aws-actions/configure-aws-credentials",
)  # fmt: skip
SHELL = ("bash", "-e")  # of a step that names none, on Linux
# What steps may tell further ones, by their ids: nothing unless they do.
TELLING = {"release": {"moved": ""}}


@dataclass
class Ran:
    """How a job went: its result, what its steps came to, and all that they printed."""

    result: str
    steps: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    printed: str = ""


def jobs(workflow: str) -> dict[str, dict[str, Any]]:
    """The jobs of a workflow."""
    return dict(yaml.safe_load((WORKFLOWS / workflow).read_text(encoding="utf-8"))["jobs"])


@dataclass(frozen=True)
class Runner:
    """A machine of GitHub's: where the checkout lies, its environment, and what the contexts say."""

    checkout: Path
    environment: Mapping[str, str]
    contexts: Mapping[str, Any]
    instead: Mapping[str, str] = field(default_factory=dict)  # of what a job's environment says
    seconds: float = 300.0

    def run(self, workflow: str, name: str, **contexts: Any) -> Ran:
        """Run a job, or leave it out as its `if:` says."""
        job = jobs(workflow)[name]
        known: dict[str, Any] = {**self.contexts, **contexts, "status": "success"}
        if not expressions.holds(str(job.get("if", "success()")), known):
            return Ran("skipped")
        known["steps"] = {each["id"]: _ended(each["id"], "", "") for each in job["steps"] if "id" in each}
        environment = {**self.environment, **_filled(job.get("env", {}), known), **self.instead}
        ran = Ran("success")
        for step in job["steps"]:
            self._run(step, known, environment, ran)
        ran.result = known["status"]
        ran.outputs = _filled(job.get("outputs", {}), known)
        return ran

    def _run(self, step: Mapping[str, Any], known: dict[str, Any], environment: Mapping[str, str], ran: Ran) -> None:
        known["job"] = {"status": known["status"]}
        name = str(step.get("name", step.get("uses")))
        if not expressions.holds(str(step.get("if", "success()")), known):
            ran.steps[name] = "skipped"
            return
        if "uses" in step:
            _pass_over(step, known)
            return
        own = {**environment, **_filled(step.get("env", {}), known)}
        code, printed, outputs = self._shell(expressions.filled(step["run"], known), own)
        outcome = "failure" if code else "success"
        ran.steps[name], ran.printed = outcome, f"{ran.printed}{printed}"
        conclusion = "success" if step.get("continue-on-error") else outcome
        if "id" in step:
            known["steps"][step["id"]] = _ended(step["id"], outcome, conclusion, outputs)
        if conclusion == "failure":
            known["status"] = "failure"

    def _shell(self, script: str, environment: Mapping[str, str]) -> tuple[int, str, dict[str, str]]:
        with TemporaryDirectory() as scratch:
            file, outputs = Path(scratch) / "script.sh", Path(scratch) / "outputs"
            file.write_text(script, encoding="utf-8")
            outputs.touch()
            ran = subprocess.run(
                [*SHELL, str(file)], cwd=self.checkout, env={**environment, "GITHUB_OUTPUT": str(outputs)},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=self.seconds,
            )  # fmt: skip
            said = dict(line.split("=", 1) for line in outputs.read_text(encoding="utf-8").splitlines())
        return ran.returncode, ran.stdout + ran.stderr, said


def _ended(step: str, outcome: str, conclusion: str, outputs: Mapping[str, str] | None = None) -> dict[str, Any]:
    told = {**TELLING.get(step, {}), **(outputs or {})}
    return {"outcome": outcome, "conclusion": conclusion, "outputs": told}


def run_lines(workflow: str) -> Iterable[tuple[str, str]]:
    """Each `run` of a workflow, with its job."""
    for name, job in jobs(workflow).items():
        for step in job.get("steps", ()):
            if "run" in step:
                yield name, step["run"]


def _pass_over(step: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    action = step["uses"].partition("@")[0]
    if action not in PASSED_OVER:
        raise LookupError(f"no test knows what {action} does")
    _filled(step.get("with", {}), known)


def _filled(texts: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, str]:
    return {name: expressions.filled(str(each), known) for name, each in texts.items()}
