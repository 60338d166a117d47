"""The archives of functions and layers lie beside the root module, or in a bucket that a variable names.

Those that are sent go up with each function, one function after the other. A release puts them into the account's
bucket first, once, and writes that into a file beside the root module. Who packages again takes that file away: the
code of the new package is in no bucket yet.
"""

from __future__ import annotations

from pathlib import Path

from tools.package.terraform.modules import Module
from tools.package.terraform.values import Reference

VARIABLE = "code_bucket"
FILE = "release.auto.tfvars"
ABOUT = "The bucket that has the archives of the code by their hashes; if it is null they are sent from this folder."


def add_to(application: Module, stage: str) -> None:
    """Let all that takes an archive of the folder take it from the bucket, where there is one."""
    bucket = application.give(VARIABLE, ABOUT, Reference(f"var.{VARIABLE}"))
    for made in (each for resources in application.resources.values() for each in resources):
        if isinstance(archive := made.arguments.get("filename"), Reference):
            key = f'"{stage}/${{filesha256({archive.text})}}.zip"'
            made.arguments |= {
                "filename": Reference(f"{bucket.text} == null ? {archive.text} : null"),
                "s3_bucket": bucket,
                "s3_key": Reference(f"{bucket.text} == null ? null : {key}"),
            }


def say_bucket(folder: Path, bucket: str) -> None:
    """Write down that the bucket has the code of the package that lies in the folder."""
    (folder / FILE).write_text(f'{VARIABLE} = "{bucket}"\n', encoding="utf-8")


def forget_bucket(folder: Path) -> None:
    """No bucket has it; safe to repeat."""
    (folder / FILE).unlink(missing_ok=True)
