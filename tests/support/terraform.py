"""Terraform with the real provider, on the local AWS.

The provider comes from a folder that has it: the one that TERRAFORM_PLUGINS names, Terraform's own, or one of those
that packages are installed to; else Terraform fetches it. Without Terraform, or with neither a provider nor a network,
tests say so and are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

REGISTRY = "registry.terraform.io"
PROVIDER = Path(REGISTRY) / "hashicorp" / "aws"
INSTALLED = ("/usr/local/share", "/usr/share", "/opt")  # by package managers, a folder each
SECONDS = 900
PLAN = "tests.tfplan"
# A bucket is part of an address's path, for there are no names of hosts.
LOCAL = 'provider "aws" {\n  s3_use_path_style = true\n}\n'
MIRRORED = """\
provider_installation {{
  filesystem_mirror {{
    path    = "{mirror}"
    include = ["{registry}/*/*"]
  }}
  direct {{
    exclude = ["{registry}/*/*"]
  }}
}}
"""


@dataclass(frozen=True)
class Terraform:
    """Terraform in the folder of a root module."""

    folder: Path

    def __call__(self, *words: str, expected: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        """What a command of Terraform's says."""
        command = [program(), *words]
        ran = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | self._environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert ran.returncode in expected, ran.stdout + ran.stderr
        return ran

    def init(self) -> None:
        """Make the folder ready for the local AWS."""
        (self.folder / "local_override.tf").write_text(LOCAL)
        self("init", "-no-color")

    def plan(self) -> list[dict[str, Any]]:
        """Every resource as the plan says it will be; `apply` then brings up that plan."""
        self("plan", "-out", PLAN, "-no-color", "-parallelism=30")
        root = json.loads(self("show", "-json", PLAN).stdout)["planned_values"]["root_module"]
        return [resource for module in root["child_modules"] for resource in module["resources"]]

    def apply(self) -> dict[str, Any]:
        """Bring all up as it was planned, if it was; the outputs by their names."""
        planned = [PLAN] if (self.folder / PLAN).exists() else ["-auto-approve"]
        self("apply", "-no-color", "-parallelism=30", *planned)
        return self.outputs()

    def outputs(self) -> dict[str, Any]:
        """What the root module tells."""
        return {name: each["value"] for name, each in json.loads(self("output", "-json").stdout).items()}

    def _environment(self) -> dict[str, str]:
        settings = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
        configuration = self.folder.parent / "terraform.rc"
        configuration.write_text(MIRRORED.format(mirror=mirror(), registry=REGISTRY) if mirror() else "")
        return settings | {"TF_CLI_CONFIG_FILE": str(configuration)}


def program() -> str:
    """Where Terraform is; the test is skipped where there is none."""
    found = shutil.which("terraform")
    if found is None:
        pytest.skip("there is no terraform on the PATH")
    if mirror() is None and "OFFLINE" in os.environ:
        pytest.skip(f"no folder has the provider ({PROVIDER}), and OFFLINE is set: TERRAFORM_PLUGINS says where it is")
    return found


@cache
def mirror() -> Path | None:
    """The folder of this machine that has the provider."""
    return next((place for place in _places() if (place / PROVIDER).is_dir()), None)


def _places() -> Iterator[Path]:
    if "TERRAFORM_PLUGINS" in os.environ:
        yield Path(os.environ["TERRAFORM_PLUGINS"])
    yield Path.home() / ".terraform.d" / "plugins"
    for usual in INSTALLED:
        yield Path(usual) / "terraform" / "plugins"
        yield from sorted(Path(usual).glob("*"))
