"""How the archive of the code ends: the same bytes each time, with bytecode of the runtime's Python."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from tools.package import archive, runtime
from tools.refusal import Refusal

FILES = {
    "app.py": "print('opened')\n",
    "chalicelib/shop.py": "NAMES = {'a', 'b', 'c', 'd'}\n",
    "chalicelib/shop.toml": "",
    "stripe/_account.py": "# -*- coding: utf-8 -*-\n# File generated from our OpenAPI spec\n",
    "stripe/_api_version.py": "# -*- coding: utf-8 -*-\n# File generated from our OpenAPI spec\n",
    "stripe/_util.py": "",
    "stripe-16.dist-info/METADATA": "",
    "stripe-16.dist-info/licenses/LICENSE": "",
}
UNREAD = {
    "chalicelib/__pycache__/shop.cpython-310.pyc": "",
    "langcodes/tests/__init__.py": "",
    "stripe/params/_account_params.py": "",
    "stripe/py.typed": "",
    "stripe/_util.pyi": "",
    "stripe-16.dist-info/RECORD": "",
    "stripe-16.dist-info/WHEEL": "",
}


def made(file: Path, files: dict[str, str], hour: int = 1) -> Path:
    with ZipFile(file, "w") as written:
        for name, content in files.items():
            written.writestr(ZipInfo(name, (2026, 11, 20, hour, 0, 0)), content)
    return file


def bytecode(file: Path) -> dict[str, bytes]:
    with ZipFile(file) as finished:
        return {name: finished.read(name) for name in finished.namelist() if name.endswith(".pyc")}


def test_what_nobody_reads_at_run_time_is_left_out(tmp_path: Path) -> None:
    file = made(tmp_path / "code.zip", FILES | UNREAD)

    archive.finish(file, runtime.own())

    with ZipFile(file) as finished:
        assert {name for name in finished.namelist() if not name.endswith(".pyc")} == set(FILES)


def test_the_same_files_give_the_same_bytes_whenever_and_in_whatever_order(tmp_path: Path) -> None:
    one = made(tmp_path / "one.zip", FILES)
    other = made(tmp_path / "other.zip", dict(reversed(FILES.items())), hour=2)

    archive.finish(one, runtime.own())
    archive.finish(other, runtime.own())

    assert one.read_bytes() == other.read_bytes()


def test_all_that_is_loaded_has_bytecode_that_is_believed_unseen(tmp_path: Path) -> None:
    file = made(tmp_path / "code.zip", FILES)

    archive.finish(file, runtime.own())

    compiled = bytecode(file)
    sources = {name.replace("__pycache__/", "").split(".")[0] for name in compiled}
    assert sources == {"app", "chalicelib/shop", "stripe/_api_version", "stripe/_util"}
    assert all(each.startswith(MAGIC_NUMBER + b"\1\0\0\0") for each in compiled.values())


def test_a_traceback_shows_the_line_as_it_lies_in_the_runtime(tmp_path: Path) -> None:
    file = made(tmp_path / "code.zip", {"app.py": "\n\nraise OSError('seen')\n"})
    archive.finish(file, runtime.own())

    with ZipFile(file) as finished:
        finished.extractall(tmp_path / "task")
    ran = subprocess.run(
        [sys.executable, "-c", "import app"], cwd=tmp_path / "task", capture_output=True, text=True, check=False
    )

    assert f'{tmp_path}/task/app.py", line 3, in <module>' in ran.stderr
    assert "raise OSError('seen')" in ran.stderr
    assert b"/var/task/app.py" in next(iter(bytecode(file).values()))


def test_a_host_without_the_runtimes_python_packages_sources_alone_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    file = made(tmp_path / "code.zip", FILES)

    archive.finish(file, "3.99")

    assert not bytecode(file)
    assert capsys.readouterr().out.startswith("There is no python3.99 on this host, so the package is without bytecode")


def test_a_source_that_cannot_be_compiled_stops_the_packaging(tmp_path: Path) -> None:
    file = made(tmp_path / "code.zip", {"app.py": "def f(:\n"})

    with pytest.raises(Refusal, match="a source cannot be compiled"):
        archive.finish(file, runtime.own())


def test_an_interpreter_is_one_of_that_version_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "python3.98"
    other.write_text("#!/bin/sh\necho 3.99 /usr/bin/python3.99\n")
    other.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert runtime.interpreter(runtime.own()) == sys.executable
    assert runtime.interpreter("3.98") is None


ROOT = "python/lib/python3.13/site-packages"


def test_a_layers_archive_ends_as_that_of_the_code_below_its_root(tmp_path: Path) -> None:
    within = {f"{ROOT}/{name}": content for name, content in (FILES | UNREAD).items()}
    code, layer = made(tmp_path / "code.zip", FILES | UNREAD), made(tmp_path / "layer.zip", within)

    archive.finish(code, runtime.own())
    archive.finish(layer, runtime.own(), ROOT)

    with ZipFile(code) as one, ZipFile(layer) as other:
        assert {f"{ROOT}/{name}" for name in one.namelist()} == set(other.namelist())
    (compiled,) = [each for name, each in bytecode(layer).items() if "/_util." in name]
    assert f"/opt/{ROOT}/stripe/_util.py".encode() in compiled
