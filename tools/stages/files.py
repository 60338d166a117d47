"""Reads the settings of stages from `stages/`, each a file of TOML."""

from __future__ import annotations

import re
import tomllib
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec

from tools.refusal import Refusal
from tools.stages.settings import NAME, NOT_DEPLOYED, Stage, require_sound

FOLDER = Path(__file__).resolve().parents[2] / "stages"
# What two stages cannot both have, wherever they are deployed.
UNSHARED = ("table_name", "jwt_secret_name", "payment_secret_name")


def names(folder: Path = FOLDER) -> list[str]:
    """The stages that have a file."""
    return sorted(file.stem for file in folder.glob("*.toml"))


def read(name: str, folder: Path = FOLDER) -> Stage:
    """One stage's settings. Raises `Refusal` with the file and the key that is missing, unknown or wrong."""
    file = folder / f"{name}.toml"
    if not file.is_file():
        raise Refusal(f"There is no stage {name!r}, for there is no stages/{name}.toml; there are {_listed(folder)}.")
    try:
        return _read(name, tomllib.loads(file.read_text(encoding="utf-8")))
    except (Refusal, msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"stages/{file.name}: {_sentence(error)}") from error


def read_all(folder: Path = FOLDER) -> list[Stage]:
    """Every stage's settings. Raises `Refusal` as well where two stages would have the same table or secret."""
    found = [read(name, folder) for name in names(folder)]
    for one, other in combinations(found, 2):
        for key in UNSHARED:
            if (same := getattr(one, key)) == getattr(other, key):
                raise Refusal(f"stages/{other.name}.toml: {key} is {same!r}, which stages/{one.name}.toml has already.")
    return found


def _read(name: str, given: dict[str, Any]) -> Stage:
    if not NAME.fullmatch(name) or name in NOT_DEPLOYED:
        raise Refusal(f"{name!r} cannot be a stage: 2 to 20 small letters and digits, and neither local nor test.")
    if "name" in given:
        raise Refusal("name follows from the file's name.")
    usual = {
        "table_name": f"ecommerce-{name}",
        "jwt_secret_name": f"ecommerce/{name}/jwt/secret",
        "payment_secret_name": f"ecommerce/{name}/payment/api-key",
    }
    stage = msgspec.convert({"name": name, **usual, **given}, Stage)
    require_sound(stage)
    return stage


def _sentence(error: Exception) -> str:
    """What is wrong, with the key before it: `log_days: Expected `int`, got `str`.`."""
    said, _, path = str(error).partition(" - at `$.")
    key = re.sub(r"\W+$", "", path)
    return f"{key}: {said}." if key else said.rstrip(".") + "."


def _listed(folder: Path) -> str:
    return ", ".join(names(folder)) or "none"
