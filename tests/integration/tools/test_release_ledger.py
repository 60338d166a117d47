"""What the ledger of a stage says of a release that a run of GitHub's let serve, in however many attempts."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from tools import stages
from tools.package import artifacts
from tools.release import __main__ as command
from tools.release import aliases, ledger, shipping
from tools.release.aliases import Served
from tools.stages.settings import Stage

BUCKET = "packages"
OLD, NEW = ({"APIHandlerAliaslive": Served("api", version)} for version in ("1", "2"))


class Run:
    """A job that releases: what its steps hear, in an account where this or that serves."""

    def __init__(self, patch: pytest.MonkeyPatch, outputs: Path) -> None:
        self._patch, self._outputs = patch, outputs
        patch.setenv(command.OUTPUTS, str(outputs))
        patch.setattr(artifacts, "bucket", lambda: BUCKET)
        patch.setattr(ledger, "_keep_template", lambda *_: "template")
        boto3.client("s3").create_bucket(Bucket=BUCKET)

    def serves(self, served: dict[str, Served]) -> None:
        self._patch.setattr(aliases, "live", lambda _: served)

    def release(self, run: str, *, to: dict[str, Served] | None = None, is_cut_off: bool = False) -> str:
        """What `make release` tells further steps in that run."""
        self._patch.setenv(ledger.RUN, run)

        def ship(stage: Stage, **_: object) -> str:
            ledger.record(stage, BUCKET)
            self.serves(to or aliases.live(stage))
            if is_cut_off:
                raise KeyboardInterrupt
            ledger.record(stage, BUCKET)
            return "shipped"

        self._patch.setattr(shipping, "release", ship)
        self._outputs.write_text("")
        command.main(["release", "dev", "--without-smoke"])
        return self._outputs.read_text()


@pytest.fixture
def job(aws: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """One, where the release before was made by another run."""
    made = Run(monkeypatch, tmp_path / "outputs")
    made.serves(OLD)
    made.release("6")
    return made


def test_a_run_that_lets_other_versions_serve_has_moved_them(job: Run) -> None:
    assert job.release("7", to=NEW) == "moved=true\n"


def test_a_run_that_finds_its_code_served_has_moved_nothing(job: Run) -> None:
    assert job.release("7") == "moved=false\n"


def test_what_a_run_moved_before_it_was_cut_off_is_moved_by_its_next_attempt(job: Run) -> None:
    assert job.release("7", to=NEW, is_cut_off=True) == ""

    assert job.release("7") == "moved=true\n"
    assert [entry.versions for entry in ledger.read(stages.read("dev"), BUCKET).entries] == [
        {"APIHandlerAliaslive": "api:1"},
        {"APIHandlerAliaslive": "api:2"},
    ]


def test_what_was_released_before_a_job_was_lost_is_still_its_runs_to_take_back(job: Run) -> None:
    job.release("7", to=NEW)

    assert job.release("7") == "moved=true\n"
    assert job.release("8") == "moved=false\n"


def test_by_hand_no_run_has_moved_anything(job: Run) -> None:
    job.release("", to=NEW)

    assert not ledger.is_of_this_run(stages.read("dev"), BUCKET)
