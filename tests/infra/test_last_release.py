"""What this code writes is readable by the code of the last release, so that going back is always possible.

`.last-release` names its commit, or a later tag of those that deployments make. That release's own tests and tools
carry the reading (`former_reads.py`).
"""

from __future__ import annotations

import copy
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.core import clock
from tests.infra.day import SCHEDULED, live
from tests.support import emulator
from tools import dated
from tools.testing.shop import Shop

pytestmark = pytest.mark.no_cover  # it is the other release's code that counts

ROOT = Path(__file__).parents[2]
TAGS = "prod-*"
READER = Path(__file__).with_name("former_reads.py")
Item = dict[str, Any]


def git(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *words], cwd=cwd, capture_output=True, check=False)


def last_release(root: Path = ROOT) -> str:
    """The commit that serves: that of the latest tag of a deployment, unless the file names a later one."""
    written = (root / ".last-release").read_text().strip()
    described = git("describe", "--tags", "--abbrev=0", "--match", TAGS, cwd=root)
    tag = described.stdout.decode().strip()
    if described.returncode or git("merge-base", "--is-ancestor", written, tag, cwd=root).returncode:
        return written
    return tag


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last release's tree; without the project's history there is none."""
    commit = last_release()
    archived = git("archive", "--format=zip", commit)
    if archived.returncode:
        pytest.skip(f"the history does not hold {commit[:7]}, the last release: {archived.stderr.decode().strip()}")
    place = tmp_path_factory.mktemp("former")
    with zipfile.ZipFile(io.BytesIO(archived.stdout)) as tree:
        tree.extractall(place)
    (place / "tests" / "infra" / "test_former_reads.py").write_bytes(READER.read_bytes())
    return place


@pytest.mark.parametrize(("tagged", "wins"), [((), "file"), (("0",), "file"), (("0", "2"), "prod-2")])
def test_what_serves_is_told_by_the_latest_tag_or_by_a_file_that_is_later(
    tmp_path: Path, tagged: tuple[str, ...], wins: str
) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
    git("init", "--quiet", cwd=tmp_path)
    commits = []
    for number in "012":
        git(*who, "commit", "--quiet", "--allow-empty", "--message", number, cwd=tmp_path)
        commits.append(git("rev-parse", "HEAD", cwd=tmp_path).stdout.decode().strip())
        if number in tagged:
            git("tag", f"prod-{number}", cwd=tmp_path)
    (tmp_path / ".last-release").write_text(commits[1])

    assert last_release(tmp_path) == (commits[1] if wins == "file" else wins)


@dataclass(frozen=True)
class Written:
    """All that the shop holds, and how many drifts an audit of the next day finds in it."""

    items: list[Item]
    drifts: int


WRITTEN = pytest.StashKey[Written]()


@pytest.fixture
def lived(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Written:
    live(shop, lambda _: nullcontext(), monkeypatch)
    items = emulator.items()
    with clock.fixed(clock.now() + timedelta(days=1)):
        shop.client.lambda_.invoke("run_scheduled_work", SCHEDULED)
        audited = shop.client.lambda_.invoke("check_store", SCHEDULED).payload
    return Written(items, audited["drifts"])


@pytest.fixture
def written(request: pytest.FixtureRequest) -> Written:
    """A day that leaves out nothing, lived once for all who look."""
    module = request.node.getparent(pytest.Module)
    if WRITTEN not in module.stash:
        module.stash[WRITTEN] = request.getfixturevalue("lived")
    return copy.deepcopy(module.stash[WRITTEN])


def read(former: Path, written: Written) -> subprocess.CompletedProcess[str]:
    file = former / "items.msgpack"
    file.write_bytes(msgspec.msgpack.encode(written.items))
    told = {"ITEMS": str(file), "DRIFTS": str(written.drifts)}
    environment = {**dated.real(), **told, "PYTHONPATH": str(former), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/infra/test_former_reads.py"]
    return subprocess.run(
        command, cwd=former, env=environment, capture_output=True, text=True, check=False, timeout=240
    )


def test_the_last_release_reads_what_this_code_wrote_in_a_day(former: Path, written: Written) -> None:
    ran = read(former, written)

    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]


def unknown_status(item: Item) -> None:
    item["status"] = {"S": "on_hold"}


def without_total(item: Item) -> None:
    item.pop("total")


@pytest.mark.parametrize("damage", [unknown_status, without_total])
def test_it_would_tell_of_what_the_last_release_cannot_read(
    former: Path, written: Written, damage: Callable[[Item], None]
) -> None:
    order = next(each for each in written.items if each["PK"]["S"].startswith("USER#") and "ORDER#" in each["SK"]["S"])
    damage(order)

    ran = read(former, written)

    assert ran.returncode == 1
    assert "2 failed" in ran.stdout or "1 failed" in ran.stdout
