"""The Python that a package is for, which need not be the one that makes it.

Chalice takes the interpreter that runs it for the runtime, and pip takes its own wheels. Told otherwise, both make the
same package on every host.
"""

import os
import subprocess
import sys

# Chalice lets pip choose, and asks without hashes for what does not suit the Lambda runtime. Told this, pip takes the
# runtime's wheels at once, and nothing that requirements.txt has no hash of.
_LOCKED = {
    "PIP_PLATFORM": "manylinux2014_x86_64",
    "PIP_IMPLEMENTATION": "cp",
    "PIP_ONLY_BINARY": ":all:",
    "PIP_REQUIRE_HASHES": "1",
}


def pip_settings(python: str) -> dict[str, str]:
    """The environment in which pip takes the wheels of that Python's Lambda runtime."""
    return {**_LOCKED, "PIP_PYTHON_VERSION": python}


def own() -> str:
    """The version of the Python that runs this, such as "3.13"."""
    return "{}.{}".format(*sys.version_info)


def interpreter(python: str) -> str | None:
    """The path of this host's interpreter of that version; None if there is none.

    `PYENV_VERSION` is for hosts whose versions of Python are kept by pyenv, where the command alone fails.
    """
    if python == own():
        return sys.executable
    asked = [f"python{python}", "-c", "import sys; print('{}.{}'.format(*sys.version_info), sys.executable)"]
    environment = {**os.environ, "PYENV_VERSION": python}
    try:
        ran = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        return None
    version, _, path = ran.stdout.strip().partition(" ")
    return path if version == python else None
