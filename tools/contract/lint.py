"""`python -m tools.contract.lint`: judge the API's documents as strangers read them.

Two validators (openapi-spec-validator, AsyncAPI's parser within Spectral) and two linters (Redocly, Spectral) find
nothing to say, or this ends with what they said.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import openapi_spec_validator

from tools import npm
from tools.contract.__main__ import FILE, FOLDER
from tools.refusal import Refusal, complain

LINTERS = Path(__file__).with_name("linters")


def main() -> int:
    """Judge both documents; gives the exit code."""
    if shutil.which("npm") is None:
        return complain("The linters of the documents come from npm, and there is no npm on the PATH.")
    openapi_spec_validator.validate(json.loads(FILE.read_text("utf-8")))
    print("openapi-spec-validator: 0 errors")
    programs = npm.install(LINTERS) / ".bin"
    both = [str(FILE), str(FOLDER / "asyncapi.json")]
    judgements = {
        "redocly": ["lint", "--config", str(LINTERS / "redocly.yaml"), "--format=stylish", str(FILE)],
        "spectral": ["lint", "-r", str(LINTERS / "spectral.yaml"), "--fail-severity=warn", *both],
    }
    for name, words in judgements.items():
        npm.run([str(programs / name), *words], LINTERS)
        print(f"{name}: 0 errors, 0 warnings")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refusal as refused:
        sys.exit(complain(str(refused), code=1))
