"""`python -m tools.viewer`: fetch the pinned viewer of `GET /docs` anew, and note what a page may load of it.

`viewer/` holds what the page loads: the files of Swagger UI as npm has them, held to the hashes in manifest.json, and
the page's own. They are not packaged: deployed, they lie in the stage's bucket, under a prefix of what they contain, so
that each release finds its own (adr/0065). `chalicelib/api/pages/viewer.json` tells the function of them.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from tools import npm
from tools.local.settings import PROJECT
from tools.refusal import Refusal, complain

FOLDER = PROJECT / "viewer"
MANIFEST, VENDORED = FOLDER / "manifest.json", FOLDER / "swagger-ui"
RECORD = PROJECT / "chalicelib" / "api" / "pages" / "viewer.json"
# What a page loads, and beside it the licences of what is given out.
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
PLAIN = "text/plain; charset=utf-8"
_VERSION_CHARACTERS = 16


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was taken over from where."""

    package: str
    version: str
    source: str
    licence: str
    sha256: str  # of the package as npm packs it
    files: dict[str, str]


def manifest() -> Manifest:
    """What is pinned."""
    return msgspec.json.decode(MANIFEST.read_bytes(), type=Manifest)


def files() -> dict[str, Path]:
    """All that a page may ask for, by the name that it asks by."""
    own = [each for each in FOLDER.iterdir() if each.suffix in KINDS]
    return {each.name: each for each in sorted([*own, *VENDORED.iterdir()], key=lambda each: each.name)}


def kind(name: str) -> str:
    """The media type of one of them."""
    return KINDS.get(Path(name).suffix, PLAIN)


def record() -> dict[str, Any]:
    """What the function knows: the prefix of these very files, and by what a browser knows each again."""
    contents = {name: file.read_bytes() for name, file in files().items()}
    of_all = hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in contents.values()))
    loaded = {name: _integrity(each) for name, each in contents.items() if Path(name).suffix in KINDS}
    return {"version": of_all.hexdigest()[:_VERSION_CHARACTERS], "integrity": loaded}


def note() -> None:
    """Write that down for the function."""
    RECORD.write_bytes(msgspec.json.format(msgspec.json.encode(record()), indent=2) + b"\n")


def fetch(pinned: Manifest, pack: Callable[[str, Path], Path] = npm.pack) -> None:
    """Take the pinned files over from npm. Raises `Refusal` for a package that is not the one that was tried."""
    wanted = f"{pinned.package}@{pinned.version}"
    with TemporaryDirectory() as folder:
        contents = npm.unpacked(pack(wanted, Path(folder)), wanted, pinned.sha256, set(pinned.files))
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != pinned.files[name]:
            raise Refusal(f"{name} of {wanted} is not what the manifest says.")
    for name, content in contents.items():
        (VENDORED / name).write_bytes(content)


def main() -> int:
    """Fetch and note; the exit code."""
    try:
        fetch(manifest())
    except Refusal as refusal:
        return complain(str(refusal), code=1)
    note()
    print(f"{manifest().package} {manifest().version} is in {VENDORED.relative_to(PROJECT)}, as it is pinned.")
    return 0


def _integrity(content: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


if __name__ == "__main__":
    sys.exit(main())
