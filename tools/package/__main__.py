"""`python -m tools.package STAGE DIRECTORY`: write a stage's template and code into the directory.

They are for the Python that the stage's settings say; `--python 3.11` makes them for another, such as this machine's.
`--format terraform` writes a root module of Terraform's instead of SAM's template.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from tools.package import sam
from tools.refusal import Refusal, complain

FORMS = ("sam", "terraform")


def main(arguments: list[str]) -> int:
    """Package; the exit code."""
    parser = ArgumentParser("python -m tools.package", description="Write a stage's template and code.")
    parser.add_argument("stage")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--python", help="such as 3.13; what the stage says if left out")
    parser.add_argument("--format", choices=FORMS, default="sam", help="what takes the package; SAM if left out")
    given = parser.parse_args(arguments)
    try:
        _package(given.format)(given.stage, given.directory.absolute(), given.python)
    except Refusal as refusal:
        return complain(str(refusal), code=1)
    return 0


def _package(form: str) -> Callable[[str, Path, str | None], object]:
    """What packages for that form. Terraform's needs SAM's translator, which a host that packages for SAM may lack."""
    if form == "sam":
        return sam.package
    from tools.package.terraform import packaging  # noqa: PLC0415 - as said

    return packaging.package


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
