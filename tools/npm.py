"""Packages of npm: single ones pinned by their hash and never installed, and those that a lock pins."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Collection
from pathlib import Path

from tools import dated
from tools.refusal import Refusal

KEPT = Path(__file__).parents[1] / "out" / "npm"
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


def install(layer: Path) -> Path:
    """Fetch what a folder's lock pins, once; gives the `node_modules` that it is in. Raises `Refusal`."""
    lock = layer / "package-lock.json"
    folder = KEPT / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(lock, folder)
        shutil.copy(layer / "package.json", folder)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], folder)
        (folder / "ready").touch()
    return folder / "node_modules"


def run(command: list[str], folder: Path) -> str:
    """What a program of npm's or of a lock says, in that folder. Raises `Refusal` with what it says when it fails."""
    program, *rest = command
    found = shutil.which(program) or str(folder / program)
    ran = subprocess.run(  # noqa: S603 - node, npm and what their lock pins
        [found, *rest], cwd=folder, env={**dated.real(), "NO_COLOR": "1"}, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise Refusal(f"{' '.join(command)} failed:\n{ran.stdout}{ran.stderr}")
    return ran.stdout
