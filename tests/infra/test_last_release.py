"""What this code writes is readable by the code of the last release, so that going back is always possible.

`.last-release` names its commit. That release's own tests and tools carry the reading (`former_reads.py`).
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
COMMIT = (ROOT / ".last-release").read_text().strip()
READER = Path(__file__).with_name("former_reads.py")
Item = dict[str, Any]


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last release's tree; without the project's history there is none."""
    archived = subprocess.run(["git", "archive", "--format=zip", COMMIT], cwd=ROOT, capture_output=True, check=False)
    if archived.returncode:
        pytest.skip(f"the history does not hold {COMMIT[:7]}, the last release: {archived.stderr.decode().strip()}")
    place = tmp_path_factory.mktemp("former")
    with zipfile.ZipFile(io.BytesIO(archived.stdout)) as tree:
        tree.extractall(place)
    (place / "tests" / "infra" / "test_former_reads.py").write_bytes(READER.read_bytes())
    return place


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
