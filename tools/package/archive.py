"""How the archive of the code ends: without what nobody reads at run time, with bytecode, and always the same bytes.

A function that finds no bytecode compiles what it imports at each cold start, since it cannot write any. Sources stay,
for tracebacks; names, versions and licences of the libraries stay, too. What a library keeps for type checkers or for
its own tests goes. Times and order are fixed, so that code that did not change is no change to deploy.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tools.package import runtime
from tools.refusal import Refusal

TASK, LAYERS = "/var/task/", "/opt/"  # where the Lambda runtime unpacks code and layers; tracebacks say so
UNREAD = re.compile(
    r"\.pyi$|\.pyc$|/py\.typed$"
    r"|\.dist-info/(RECORD|WHEEL|INSTALLER|REQUESTED|top_level\.txt|entry_points\.txt|sboms/.*)$"
    r"|^(certifi|langcodes)/tests/"
    r"|^stripe/params/"  # shapes of requests, imported for type checkers only
)
# Stripe generates a module for each kind of object, 759 with half of all bytecode. The shop sends its requests by
# itself and loads a few of them.
GENERATED = b"# File generated from our OpenAPI spec"
LOADED = {f"stripe/{name}.py" for name in ("_api_version", "_event", "_v1_services", "_v2_services")}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip can tell
_MODE = 0o100644 << 16  # anybody may read it
# Unchecked: the runtime believes it without a look at the source, whose time unpacking changes.
_COMPILE = """
import sys
from py_compile import PycInvalidationMode, compile
for name in sys.stdin.read().splitlines():
    compile(name, dfile=sys.argv[1] + name, doraise=True, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
"""


def finish(archive: Path, python: str, root: str = "") -> None:
    """Write the archive anew, for a runtime of that Python. Says so when this host cannot make the bytecode.

    `root` is the folder within that is searched for imports; only a layer's archive has one.

    Raises `Refusal` when a source cannot be compiled: it could not be imported either.
    """
    with TemporaryDirectory() as scratch:
        task = Path(scratch)
        with ZipFile(archive) as made:
            read = (name for name in made.namelist() if not UNREAD.search(name.removeprefix(f"{root}/")))
            made.extractall(task, list(read))
        if (interpreter := runtime.interpreter(python)) is None:
            sys.stdout.write(
                f"There is no python{python} on this host, so the package is without bytecode: "
                "each cold start will take some tenths of a second longer.\n"
            )
        else:
            _compile(task / root, interpreter, f"{LAYERS}{root}/" if root else TASK)
        _pack(task, archive)


def _compile(task: Path, interpreter: str, place: str) -> None:
    """Bytecode beside every source that is ever loaded. The seed makes it the same each time."""
    sources = "\n".join(name for name in _names(task, "*.py") if name in LOADED or not _is_generated(task / name))
    ran = subprocess.run(  # noqa: S603 - our own words
        [interpreter, "-S", "-c", _COMPILE, place],
        cwd=task,
        env={"PYTHONHASHSEED": "0"},
        input=sources,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise Refusal(f"Nothing was packaged: a source cannot be compiled by {interpreter}: {ran.stderr}")


def _is_generated(source: Path) -> bool:
    with source.open("rb") as file:
        return GENERATED in file.read(100)


def _pack(task: Path, archive: Path) -> None:
    written = archive.with_suffix(".new")
    with ZipFile(written, "w", ZIP_DEFLATED) as finished:
        for name in _names(task, "*"):
            entry = ZipInfo(name, _EPOCH)
            entry.external_attr, entry.compress_type = _MODE, ZIP_DEFLATED
            finished.writestr(entry, (task / name).read_bytes())
    shutil.move(written, archive)


def _names(task: Path, pattern: str) -> list[str]:
    return sorted(file.relative_to(task).as_posix() for file in task.rglob(pattern) if file.is_file())
