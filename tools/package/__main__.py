"""`python -m tools.package STAGE DIRECTORY`: write a stage's SAM template and code into the directory."""

import sys
from pathlib import Path

from tools.package import sam
from tools.refusal import Refusal

ARGUMENTS = 2


def main(arguments: list[str]) -> int:
    """Package; the exit code."""
    if len(arguments) != ARGUMENTS:
        sys.stderr.write("usage: python -m tools.package STAGE DIRECTORY\n")
        return 2
    stage, directory = arguments
    try:
        sam.package(stage, Path(directory).absolute())
    except Refusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
