"""Terraform in the folder of a stage's root module."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tools.package import artifacts
from tools.refusal import Refusal
from tools.release.following import Say
from tools.stages import place
from tools.stages.settings import Stage

OLDEST = (1, 10)  # the first that locks a state in S3 by itself
PLAN = "release.tfplan"
BACKEND, LOCAL = "backend.tf", "local_override.tf"
OURS = "# The state's place, written by a release: in the account's bucket for packages. Put your own here instead.\n"
QUIET = {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
CHANGED = 2  # the exit code of a plan that is not empty
# What holds data or is known by its name elsewhere, and what alone can read what is written, by its module.
HOLDS_DATA = {
    "module.resources": {
        "aws_cloudwatch_event_bus",
        "aws_dynamodb_table",
        "aws_s3_bucket",
        "aws_secretsmanager_secret",
        "aws_sns_topic",
        "aws_sqs_queue",
    },
    "module.application": {"aws_kms_key"},
}
SIGNS: dict[tuple[str, ...], str] = {("create",): "+", ("update",): "~", ("delete",): "-", ("forget",): "."}
_ERROR = re.compile(r"^Error: (.+?)(?:\n\n|\Z)", re.MULTILINE | re.DOTALL)
_LOCK = re.compile(r"^\s*(ID|Who|Created):\s+(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class PlannedChange:
    """What Terraform would do to a resource."""

    address: str
    kind: str
    actions: tuple[str, ...]
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, said: dict[str, Any]) -> PlannedChange:
        """A change as Terraform tells it."""
        change = said["change"]
        values = (change.get("before") or {}, change.get("after") or {})
        return cls(said["address"], said["type"], tuple(change["actions"]), *values)

    @property
    def starves(self) -> bool:
        """Would a table that is paid by use get a unit a second of each, since the plan leaves what is scaled alone?"""
        ways = (self.before.get("billing_mode"), self.after.get("billing_mode"))
        sizes = [self.after, *self.after.get("global_secondary_index", ())]
        return ways == ("PAY_PER_REQUEST", "PROVISIONED") and not all(
            each.get(name) for each in sizes for name in ("read_capacity", "write_capacity")
        )

    @property
    def loses_data(self) -> bool:
        """Would what it holds be gone, or what others know by its name?"""
        module = ".".join(self.address.split(".")[:2])
        return "delete" in self.actions and self.kind in HOLDS_DATA.get(module, ())

    def __str__(self) -> str:
        """As a line of a plan."""
        return f"{SIGNS.get(self.actions, '-/+')} {self.address}"


@dataclass(frozen=True)
class Terraform:
    """Terraform for a stage, in a folder that holds its package."""

    stage: Stage
    folder: Path
    _told: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def init(self) -> None:
        """Make the folder ready. The state lies where a backend.tf of the operator's says, else in our bucket."""
        file = self.folder / BACKEND
        if not file.exists() or file.read_text(encoding="utf-8").startswith(OURS):
            artifacts.create()
            file.write_text(OURS + _backend(self.stage), encoding="utf-8")
        if "AWS_ENDPOINT_URL" in os.environ:
            (self.folder / LOCAL).write_text('provider "aws" {\n  s3_use_path_style = true\n}\n', encoding="utf-8")
        self._run("init")

    def plan(self, *words: str) -> list[PlannedChange] | None:
        """Keep a plan, to be applied as it is; what it would do, None if nothing at all is to be done."""
        if self._run("plan", f"-out={PLAN}", "-detailed-exitcode", *words, good=(0, CHANGED)) != CHANGED:
            return None
        found = json.loads(self._read("show", "-json", PLAN)).get("resource_changes", [])
        return [each for each in map(PlannedChange.of, found) if each.actions not in (("no-op",), ("read",))]

    def apply(self, say: Say) -> None:
        """Do what the plan says, and nothing else."""

        def tell(line: str) -> None:
            if " complete after " in line:
                say(f"  {line.partition(' [id=')[0].strip()}")

        self._told.clear()
        self._run("apply", PLAN, tell=tell)

    def outputs(self) -> dict[str, Any]:
        """What the root module told when it was applied last, asked once; nothing before."""
        if not self._told:
            self._told.update(json.loads(self._read("output", "-json")))
        return {name: each["value"] for name, each in self._told.items()}

    def _read(self, *words: str) -> str:
        """What it prints for programs."""
        ran = subprocess.run(  # noqa: S603 - our own words
            [require_program(), *words],
            cwd=self.folder,
            env=os.environ | QUIET,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise Refusal(f"Terraform refused: {why(ran.stderr, self.folder)}")
        return ran.stdout

    def _run(self, word: str, *words: str, good: tuple[int, ...] = (0,), tell: Say = len) -> int:
        """Let it work, and tell what it says; the exit code. Interrupted, it ends in good order: no lock stays."""
        said: list[str] = []
        with subprocess.Popen(  # noqa: S603 - our own words
            [require_program(), word, "-input=false", "-no-color", *words],
            cwd=self.folder,
            env=os.environ | QUIET,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                for line in process.stdout or ():
                    said.append(line)
                    tell(line)
            finally:
                ended = process.wait()
        if ended not in good:
            raise Refusal(f"Terraform refused: {why(''.join(said), self.folder)}")
        return ended


def require_program() -> str:
    """Where Terraform is. Raises `Refusal` where there is none, or one that is too old to lock a state."""
    found = shutil.which("terraform")
    if found is None:
        raise Refusal("There is no terraform on the PATH: install Terraform 1.10 or newer, or leave FORMAT away.")
    version = _version(found)
    if tuple(int(each) for each in re.findall(r"\d+", version)[:2]) < OLDEST:
        raise Refusal(f"Terraform {version} cannot lock a state in S3: a release needs Terraform 1.10 or newer.")
    return found


@cache
def _version(found: str) -> str:
    """Which one it is, asked once."""
    told = subprocess.run(  # noqa: S603 - our own words
        [found, "version", "-json"], env=os.environ | QUIET, capture_output=True, text=True, check=False
    )
    return str(json.loads(told.stdout or "{}").get("terraform_version", "0.0"))


def require_no_harm(found: list[PlannedChange]) -> None:
    """Refuse a plan that does harm."""
    if harm := harm_of(found):
        raise Refusal(f"Nothing was changed, for {harm}.")


def harm_of(found: list[PlannedChange]) -> str:
    """What a plan gives up that holds data, or which table it lets answer next to nothing; "" for any other."""
    lost = [each for each in found if each.loses_data]
    if lost:
        return f"the stage would lose what it has: {lost[0]}"
    starved = [each.after["name"] for each in found if each.starves]
    if starved:
        return (
            f"the table {starved[0]} would get 1 read and 1 write a second: first set its units, and those of its "
            "indexes, by `aws dynamodb update-table`, as docs/foundation.md says"
        )
    return ""


def why(said: str, folder: Path) -> str:
    """The first error of what Terraform said; who has the lock where it is that."""
    if "Error acquiring the state lock" in said:
        lock = dict(_LOCK.findall(re.sub(r"^│ ?", "", said, flags=re.MULTILINE)))
        who, since, lock_id = (lock.get(each, "?") for each in ("Who", "Created", "ID"))
        return (
            f"{who} changes the stage since {since}. Wait for it; if that runs no more, "
            f"`terraform force-unlock {lock_id}` in {folder}."
        )
    found = _ERROR.search(re.sub(r"^[│╷╵] ?", "", said, flags=re.MULTILINE))
    return " ".join(found[1].split()) if found else said.strip().rpartition("\n")[2]


def _backend(stage: Stage) -> str:
    """The state in the bucket for packages, locked while somebody works."""
    local = os.environ.get("AWS_ENDPOINT_URL")
    lines = {
        "bucket": artifacts.bucket(),
        "key": f"{stage.name}/terraform.tfstate",
        "region": place.region(),
        "encrypt": True,
        "use_lockfile": True,
        **({"use_path_style": True, "endpoints": {"s3": local, "sts": local, "iam": local}} if local else {}),
    }
    said = "\n".join(f"    {name} = {_hcl(value)}" for name, value in lines.items())
    return f'terraform {{\n  backend "s3" {{\n{said}\n  }}\n}}\n'


def _hcl(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_hcl(each)}" for name, each in value.items()) + " }"
    return json.dumps(value)
