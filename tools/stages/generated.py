"""The files of `.chalice/` that follow from the stages' settings: the stages in config.json, and every policy.

They are checked in, because Chalice reads nothing else and a reviewer sees by them what a change does. All else in
config.json is written by hand: the functions' memory and time, what the app is set to in every stage, the local stage.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.refusal import Refusal
from tools.stages import files, policies
from tools.stages.settings import Stage

PROJECT = Path(__file__).resolve().parents[2]
LOCAL = "local"


def texts(project: Path = PROJECT) -> dict[Path, str]:
    """What each generated file has to say. Raises `Refusal` for settings that cannot be meant."""
    chalice, folder = project / ".chalice", project / "infra" / "policies"
    stages, functions = files.read_all(project / "stages"), policies.functions(folder)
    for stage in stages:
        _require_known(stage, set(functions))
    return {chalice / "config.json": _text(_config(chalice, stages, functions))} | {
        chalice / policies.file_of(stage, function): _text(policies.policy(stage, function, folder))
        for stage in stages
        for function in functions
    }


def stale(project: Path = PROJECT) -> list[Path]:
    """The files that do not say what they have to, those that have no stage any more among them."""
    wanted = texts(project)
    left = [file for file in (project / ".chalice").glob("policy-*.json") if file not in wanted]
    return sorted([file for file, text in wanted.items() if not _says(file, text)] + left)


def write(project: Path = PROJECT) -> list[Path]:
    """Write, or remove, the files that are stale; which they were."""
    wanted, changed = texts(project), stale(project)
    for file in changed:
        if file in wanted:
            file.write_text(wanted[file], encoding="utf-8")
        else:
            file.unlink()
    return changed


def require_current(project: Path = PROJECT) -> None:
    """Refuse to go on with files that do not follow from the settings."""
    if found := stale(project):
        raise Refusal(f"{found[0].relative_to(project)} does not say what stages/ says: run `make stages`.")


def _require_known(stage: Stage, functions: set[str]) -> None:
    network = stage.foundation.private_network
    named = {
        "reserved_concurrency": stage.reserved_concurrency,
        "foundation.private_network.functions": network.functions if network else (),
    }
    for key, names in named.items():
        if unknown := set(names) - functions:
            raise Refusal(f"stages/{stage.name}.toml: {key} names {min(unknown)}, which is no function.")


def _config(chalice: Path, stages: list[Stage], functions: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((chalice / "config.json").read_text(encoding="utf-8"))
    local = {LOCAL: config["stages"][LOCAL]}
    return {**config, "stages": local | {stage.name: _configured(stage, functions) for stage in stages}}


def _configured(stage: Stage, functions: list[str]) -> dict[str, Any]:
    return {
        "api_gateway_stage": stage.name,
        "tags": {name: value for name, value in stage.tags.items() if name != "Project"},
        **({"automatic_layer": True} if stage.foundation.layer else {}),
        "environment_variables": stage.environment,
        "lambda_functions": {function: _of_function(stage, function) for function in functions},
    }


def _of_function(stage: Stage, function: str) -> dict[str, Any]:
    reserve = stage.reserved_concurrency.get(function)
    return {"iam_policy_file": policies.file_of(stage, function)} | (
        {"reserved_concurrency": reserve} if reserve else {}
    )


def _says(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
