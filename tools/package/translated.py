"""What SAM makes of a stage's template: plain CloudFormation."""

from __future__ import annotations

import copy
import logging
import os
from pathlib import PurePosixPath
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from tools.package import artifacts, finishing

BUCKET = "s3://artifacts"  # the translator wants to know where the code lies
REGION = "us-east-1"  # the translator wants one; what it writes is for all


def translate(template: dict[str, Any], stage: str) -> dict[str, Any]:
    """The translation; the code lies by the names of its archives in a bucket that is none."""
    given = copy.deepcopy(template)
    layers = [each["Properties"] for each in given["Resources"].values() if each["Type"] == artifacts.LAYER_VERSION]
    named = [("CodeUri", each) for each in finishing.functions(given).values()]
    for key, properties in [*named, *(("ContentUri", layer) for layer in layers)]:
        properties[key] = f"{BUCKET}/{PurePosixPath(str(properties[key])).name}"
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    logging.getLogger("samtranslator.feature_toggle").setLevel(logging.ERROR)  # it warns of AWS's own experiments
    made: dict[str, Any] = Translator({}, Parser()).translate(given, {"Stage": stage})
    return made
