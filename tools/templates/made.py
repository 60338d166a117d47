"""Every template that the project makes, each a file in one folder."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tools import stages
from tools.package import finishing, sam

INFRA = Path(__file__).resolve().parents[2] / "infra"
ANY_CODE = "s3://artifacts/code.zip"  # the translator wants to know where the code lies
REGION = "us-east-1"  # the translator wants one; what it writes is for all


def write(folder: Path) -> list[str]:
    """Package every stage, and write all templates as CloudFormation takes them; their names.

    What Chalice writes and SAM translates is there as the translation, which holds what AWS makes of it.
    """
    for file in INFRA.glob("*.yaml"):
        (folder / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    for stage in stages.names():
        (folder / f"{stage}.json").write_text(json.dumps(translated(_package(stage), stage), indent=1))
    return sorted(file.name for file in folder.iterdir())


def translated(template: dict[str, Any], stage: str) -> dict[str, Any]:
    """What SAM makes of a stage's template."""
    for properties in finishing.functions(template).values():
        properties["CodeUri"] = ANY_CODE
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    parameters = {"Stage": stage}
    made: dict[str, Any] = Translator({}, Parser()).translate(template, parameters)
    return made


def _package(stage: str) -> dict[str, Any]:
    with TemporaryDirectory() as out:
        sam.package(stage, Path(out))
        packaged: dict[str, Any] = json.loads((Path(out) / "sam.json").read_text())
    return packaged
