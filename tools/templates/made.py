"""Every template that the project makes, each a file in one folder."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools import stages
from tools.package import sam
from tools.package.terraform import packaging
from tools.package.translated import translate
from tools.templates import options

INFRA = Path(__file__).resolve().parents[2] / "infra"
ORIGINS = "origins.json"  # from which resource of a template each of Terraform's is translated


def write(folder: Path, forms: Path) -> list[str]:
    """Package every stage, and write all templates as CloudFormation takes them; their names.

    One stage is there with every option as well, and so is each template of infra/ that has switches. What Chalice
    writes and SAM translates is there as the translation, which holds what AWS makes of it. `forms` gets the Terraform
    form of each stage, by the stage's name.
    """
    for file in INFRA.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        (folder / file.name).write_text(text, encoding="utf-8")
        if (on := options.switched_on(text)) != text:
            (folder / f"{file.stem}-{options.NAME}.yaml").write_text(on, encoding="utf-8")
    for stage in stages.names():
        packaged = _package(stage)
        if stage == options.BASE:
            _write(folder, options.NAME, options.with_options(packaged), stage)
            _write(folder, options.NAME_COUNTING, options.with_options(packaged, said=options.COUNTING), stage)
        _write(folder, stage, packaged, stage)
        _write_terraform(forms / stage, stage, packaged)
    return sorted(file.name for file in folder.iterdir())


def _write(folder: Path, name: str, template: dict[str, Any], stage: str) -> None:
    (folder / f"{name}.json").write_text(json.dumps(translate(template, stage), indent=1))


def _write_terraform(folder: Path, stage: str, template: dict[str, Any]) -> None:
    settings = stages.read(stage)
    texts = packaging.written(settings, template) | {ORIGINS: json.dumps(packaging.origins(settings, template))}
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _package(stage: str) -> dict[str, Any]:
    with TemporaryDirectory() as out:
        sam.package(stage, Path(out))
        packaged: dict[str, Any] = json.loads((Path(out) / "sam.json").read_text())
    return packaged
