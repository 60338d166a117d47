"""The SAM template and the code of one stage, by `chalice package` and what it cannot say by itself.

Chalice writes functions, roles and routes. infra/merge-sam.json adds what its decorators have no words for, and
the answers of API Gateway are made from the app's own problem documents. What a merge cannot say is done to the
finished template (finishing.py) and to the finished archive of the code (archive.py).
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools import stages
from tools.monitoring import access_log, template
from tools.package import artifacts, canary, edge, finishing, foundation, gateway, runtime, schedules
from tools.refusal import Refusal
from tools.stages import Stage, generated

PROJECT = Path(__file__).parents[2]
MERGE = PROJECT / "infra" / "merge-sam.json"
CHALICE = (sys.executable, "-m", "tools.package.pinned")  # and the version of Python, and Chalice's own words
LEFT_OUT = "Could not install dependencies"


def package(stage: str, out: Path, python: str | None = None) -> None:
    """Write sam.json and deployment.zip of a stage into `out`, for the Python that the stage says if no other is said.

    Raises `Refusal` when what Chalice reads does not follow from the stage's settings, when Chalice fails, and when
    it leaves a dependency out, which it only mentions.
    """
    merge = merge_for(stage)
    generated.require_current()
    forget()
    (out / artifacts.LAYER).unlink(missing_ok=True)
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "merge.json"
        file.write_text(json.dumps(merge))
        words = ("--stage", stage, "--template-format", "json", "--merge-template", str(file), str(out))
        _chalice(python or stages.read(stage).python, "package", *words)
    sam = out / "sam.json"
    made = json.loads(sam.read_text())
    settings = stages.read(stage)
    edge.add_to(made, settings)
    foundation.add_to(made, settings)
    finishing.finish(made, code_sha256(out))
    sam.write_text(finishing.written(made))
    canary.write_archive(out)
    _tell_sizes(out)


def code_sha256(out: Path) -> str:
    """The digest of the code that lies in `out`: of its archive, and of the layer's if there is one."""
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in archives(out)]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def forget() -> None:
    """Remove what Chalice would take over from earlier: packages, even after changes that count, and bytecode."""
    for leftover in (PROJECT / ".chalice" / "deployments", *(PROJECT / "chalicelib").rglob("__pycache__")):
        shutil.rmtree(leftover, ignore_errors=True)


def merge_for(stage: str) -> dict[str, Any]:
    """What is merged into Chalice's template of the stage of that name."""
    return merge_of(stages.read(stage))


def merge_of(settings: Stage) -> dict[str, Any]:
    """What is merged: infra/merge-sam.json, the gateway's answers, and what watches all."""
    merge: dict[str, Any] = json.loads(MERGE.read_text())
    merge["Parameters"]["Stage"] |= {"Default": settings.name, "AllowedValues": [settings.name]}
    merge["Outputs"]["TableName"] = {"Value": settings.table_name}
    for resource in merge["Resources"].values():
        if resource.get("Type") == "AWS::Logs::LogGroup":
            resource["Properties"]["RetentionInDays"] = settings.log_days
    api = merge["Resources"]["RestAPI"]["Properties"]
    (everything,) = api["MethodSettings"]
    everything |= {"ThrottlingRateLimit": settings.requests_per_second, "ThrottlingBurstLimit": settings.burst}
    api["Tags"] = settings.tags
    api["GatewayResponses"] = gateway.responses(settings.cors_origin)
    api["DefinitionBody"] = {"paths": gateway.other_methods(settings.cors_origin)}
    schedules.keep_failures(merge)
    api["AccessLogSetting"] = access_log.setting()
    merge["Resources"] |= template.resources(settings)
    canary.add_to(merge, settings)
    return merge


def archives(out: Path) -> list[Path]:
    """The archives of the code that lie there: the layer's only where the stage has one."""
    return [file for file in (out / artifacts.CODE, out / artifacts.LAYER) if file.is_file()]


def _tell_sizes(out: Path) -> None:
    """Say how large the archives are, where there are two."""
    if len(found := archives(out)) > 1:
        told = [f"{file.name} {file.stat().st_size / 1_000_000:.1f} MB" for file in found]
        sys.stdout.write(f"Packaged: {', '.join(told)}\n")


def _chalice(python: str, *arguments: str) -> None:
    """Run Chalice in the project. It wants a region, which the template does not contain: any will do."""
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        **os.environ,
        **runtime.pip_settings(python),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run(  # noqa: S603 - our own words
        [*CHALICE, python, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    said = ran.stdout + ran.stderr
    sys.stdout.write(said)
    if ran.returncode or LEFT_OUT in said:
        raise Refusal("Nothing was packaged: Chalice failed, or left out a dependency; see above.")
