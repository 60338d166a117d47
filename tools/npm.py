"""Single packages of npm, pinned by their hash: fetched as npm packs them, and never installed."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Collection
from pathlib import Path

from tools import dated
from tools.refusal import Refusal

_FETCH_SECONDS = 120


def pack(package: str, folder: Path) -> Path:
    """The package, such as `name@1.2.3`, as a file in the folder. Raises `Refusal` where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        raise Refusal(f"{package} comes from npm, and there is no npm on the PATH.")
    command = [npm, "pack", package, "--silent", "--pack-destination", str(folder)]
    try:
        subprocess.run(  # noqa: S603 - npm itself
            command, check=True, capture_output=True, timeout=_FETCH_SECONDS, env=dated.real()
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Refusal(f"npm could not fetch {package}: {error}") from error
    return next(folder.glob("*.tgz"))


def unpacked(file: Path, package: str, sha256: str, names: Collection[str]) -> dict[str, bytes]:
    """Files of a package by their names. Raises `Refusal` unless it is the package of that hash, and has them all."""
    if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise Refusal(f"{package} is not the package that this project was tried with.")
    with tarfile.open(file) as archive:
        members = {each.name: each for each in archive.getmembers() if each.isfile()}
        if missing := sorted(name for name in names if f"package/{name}" not in members):
            raise Refusal(f"{package} has no {missing[0]}.")
        opened = {name: archive.extractfile(members[f"package/{name}"]) for name in names}
        return {name: stream.read() for name, stream in opened.items() if stream}
