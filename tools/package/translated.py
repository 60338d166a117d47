"""What SAM makes of a stage's template: plain CloudFormation."""

from __future__ import annotations

import copy
import os
from pathlib import PurePosixPath
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tools.package import finishing

BUCKET = "s3://artifacts"  # the translator wants to know where the code lies
REGION = "us-east-1"  # the translator wants one; what it writes is for all


def translate(template: dict[str, Any], stage: str) -> dict[str, Any]:
    """The translation; the code lies by the names of its archives in a bucket that is none."""
    given = copy.deepcopy(template)
    for properties in finishing.functions(given).values():
        properties["CodeUri"] = f"{BUCKET}/{PurePosixPath(str(properties['CodeUri'])).name}"
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    made: dict[str, Any] = Translator({}, Parser()).translate(given, {"Stage": stage})
    return made
