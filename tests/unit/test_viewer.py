"""The page /docs and what it loads: the pinned files as they were published, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from chalicelib.api import docs
from chalicelib.core import settings
from tools import viewer
from tools.local import beside
from tools.refusal import Refusal

LOADED = re.compile(
    r'<(?:script|link rel="stylesheet")[^>]* (?:src|href)="([^"]+)" integrity="([^"]+)" crossorigin="anonymous">'
)


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


def test_the_viewer_is_as_it_was_published() -> None:
    pinned = viewer.manifest()

    assert {each.name: sha256(each.read_bytes()) for each in viewer.VENDORED.iterdir()} == pinned.files
    assert {"LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"} < set(pinned.files)
    assert "Apache License" in (viewer.VENDORED / "LICENSE").read_text()


def test_the_function_knows_the_files_that_are_given_out() -> None:
    """After a change of one of them: `make viewer`."""
    assert msgspec.json.decode(viewer.RECORD.read_bytes()) == viewer.record()


def test_another_file_is_another_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs.js").write_text("// another")
    before = viewer.record()["version"]
    monkeypatch.setattr(viewer, "FOLDER", tmp_path)

    assert viewer.record()["version"] != before


@pytest.mark.parametrize(
    ("stage", "files", "source"),
    [
        ("local", "/_local/viewer", "'self'"),
        ("dev", "https://images.example.com/docs/{version}", "https://images.example.com/docs/{version}/"),
    ],
)
def test_the_page_loads_what_it_names_by_its_hash_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, stage: str, files: str, source: str
) -> None:
    monkeypatch.setenv("STAGE", stage)
    recorded = viewer.record()
    files, source = (each.format(**recorded) for each in (files, source))

    page = docs.page("/v1")

    policy = dict(rule.split(" ", 1) for rule in page.headers["Content-Security-Policy"].split("; "))
    assert dict(LOADED.findall(page.content)) == {
        f"{files}/{name}": integrity(viewer.files()[name].read_bytes()) for name in recorded["integrity"]
    }
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", source, source)
    assert policy["connect-src"] == "'self'"
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script>| style=| on\w+=", page.content)


@pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css", "docs.js", "docs.css", "LICENSE", "NOTICE"])
def test_the_local_server_has_each_file_under_its_media_type(name: str) -> None:
    found = beside.find(f"{beside.FILES}{name}")

    assert found
    assert found.content == viewer.files()[name].read_bytes()
    assert found.kind.partition(";")[0] == {".js": "text/javascript", ".css": "text/css"}.get(
        Path(name).suffix, "text/plain"
    )


@pytest.mark.parametrize("path", ["", "manifest.json", "../app.py", "%2e%2e/app.py", "swagger-ui/LICENSE"])
def test_the_local_server_has_nothing_beside_them(path: str) -> None:
    assert beside.find(f"{beside.FILES}{path}") is None


def test_a_package_that_is_another_than_the_one_that_was_tried_is_refused(tmp_path: Path) -> None:
    def pack(package: str, folder: Path) -> Path:
        file = folder / "another.tgz"
        with tarfile.open(file, "w:gz") as archive:
            archive.add(__file__, "package/swagger-ui.css")
        return file

    with pytest.raises(Refusal, match=r"swagger-ui-dist@\S+ is not the package that this project was tried with"):
        viewer.fetch(viewer.manifest(), pack)


def test_without_npm_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(Refusal, match=r"^swagger-ui-dist@\S+ comes from npm, and there is no npm on the PATH\.$"):
        viewer.fetch(viewer.manifest())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def integrity(content: bytes) -> str:
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"
