"""`python -m tools.package STAGE DIRECTORY`: write a stage's SAM template and code into the directory.

They are for the Python that the stage's settings say; `--python 3.11` makes them for another, such as this machine's.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

from tools.package import sam
from tools.refusal import Refusal, complain


def main(arguments: list[str]) -> int:
    """Package; the exit code."""
    parser = ArgumentParser("python -m tools.package", description="Write a stage's SAM template and code.")
    parser.add_argument("stage")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--python", help="such as 3.13; what the stage says if left out")
    given = parser.parse_args(arguments)
    try:
        sam.package(given.stage, given.directory.absolute(), given.python)
    except Refusal as refusal:
        return complain(str(refusal), code=1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
