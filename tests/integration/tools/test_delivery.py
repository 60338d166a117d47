"""What continuous delivery says: on pull requests, in release notes, and to a webhook."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib.core import clock
from tools.delivery import comment, forge, notes, notify
from tools.refusal import Refusal

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- One,\n  which goes on.\n"
WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], str]]:
    """What GitHub's client was asked for."""
    found: list[tuple[tuple[str, ...], str]] = []
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/shop")
    monkeypatch.setattr(forge, "gh", lambda *words, given="": (found.append((words, given)), "")[1])
    return found


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with a changelog."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    commit("Begin", CHANGELOG)


def git(*words: str) -> None:
    subprocess.run(["git", *WHO, *words], check=True, capture_output=True)


def commit(subject: str, changelog: str) -> None:
    Path("CHANGELOG.md").write_text(changelog)
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message", subject)


# --- Comments


def test_the_first_plan_of_a_pull_request_is_a_comment_of_its_own(asked: list[tuple[tuple[str, ...], str]]) -> None:
    comment.put(12, "prod", "Nothing.")

    (listed, _), (words, given) = asked
    assert listed == ("api", "--paginate", "--slurp", "repos/acme/shop/issues/12/comments?per_page=100")
    assert words == ("api", "--method", "POST", "repos/acme/shop/issues/12/comments", "--input", "-")
    assert json.loads(given) == {"body": "<!-- plan of prod -->\nNothing."}


def test_a_plan_that_is_too_long_is_cut(asked: list[tuple[tuple[str, ...], str]]) -> None:
    comment.put(12, "prod", "x" * 70_000)

    body = json.loads(asked[-1][1])["body"]
    assert len(body) < 65_536
    assert body.endswith("`make plan` shows all.")


def test_a_comment_names_no_account(asked: list[tuple[tuple[str, ...], str]]) -> None:
    comment.put(12, "prod", "arn:aws:iam::123456789012:role/shop is not allowed to")

    assert "arn:aws:iam::…:role/shop" in json.loads(asked[-1][1])["body"]


def test_outside_of_a_runner_the_repository_has_to_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)

    with pytest.raises(Refusal, match="Which repository"):
        forge.repository()


# --- Release notes


@pytest.mark.usefixtures("history")
def test_the_first_notes_tell_all_there_is(asked: list[tuple[tuple[str, ...], str]]) -> None:
    with clock.fixed(NOW):
        said = notes.publish("prod")

    assert said == "prod-20270301T120000Z tells what came since the beginning."
    words, given = asked[-1]
    assert words[:3] == ("release", "create", "prod-20270301T120000Z")
    assert words[words.index("--target") + 1] == forge.git("rev-parse", "HEAD")
    assert given.startswith("### Added\n\n- One,\n  which goes on.\n\n### Commits\n\n- Begin (")


@pytest.mark.usefixtures("history")
def test_the_next_notes_begin_at_the_last_and_are_made_once(asked: list[tuple[tuple[str, ...], str]]) -> None:
    git("tag", "prod-20270228T120000Z")
    git("tag", "dev-20270228T130000Z")
    commit("Go on", f"{CHANGELOG}- Two.\n\n### Fixed\n\n- Three.\n")

    with clock.fixed(NOW):
        notes.publish("prod")

    given = asked[-1][1]
    assert given.startswith("### Added\n\n- Two.\n\n### Fixed\n\n- Three.\n\n### Commits\n\n- Go on (")
    assert "Begin" not in given
    git("tag", "prod-20270301T120000Z")
    assert notes.publish("prod") == "prod-20270301T120000Z tells of this commit already."
    assert len(asked) == 1


def test_a_command_that_fails_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(Refusal, match=r"^`git rev-parse HEAD` did not work: fatal: not a git repository"):
        forge.git("rev-parse", "HEAD")


def test_a_client_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Refusal, match="There is no gh on the PATH"):
        forge.gh("release", "list")


# --- Notifications


@pytest.mark.parametrize(
    ("result", "smoke_test", "rollback", "said"),
    [
        ("success", "", "", "serves."),
        ("success", "success", "skipped", "serves."),
        ("failure", "", "", "was not deployed."),
        ("failure", "skipped", "skipped", "was not deployed."),
        ("failure", "failure", "skipped", "serves, as it did before, and fails its smoke test."),
        ("failure", "failure", "success", "failed its smoke test, and the version before serves again."),
        ("failure", "failure", "failure", "failed its smoke test, and could NOT be taken back."),
        ("cancelled", "", "", "was stopped from here; AWS may go on."),
        ("cancelled", "cancelled", "skipped", "was stopped from here; AWS may go on."),
    ],
)
def test_a_message_says_what_serves(
    monkeypatch: pytest.MonkeyPatch, result: str, smoke_test: str, rollback: str, said: str
) -> None:
    told = {"RESULT": result, "SMOKE_TEST": smoke_test, "ROLLBACK": rollback, "GITHUB_SHA": "0123456789abcdef"}
    for name, value in {**told, "GITHUB_ACTOR": "<!channel>"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITHUB_WORKFLOW", raising=False)

    text = notify.text("prod")

    assert text.startswith(f"prod: 0123456 of &lt;!channel&gt; {said} ")


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("success", "prod: went back to the release before, as ada asked."),
        ("failure", "prod: did NOT go back, or fails its smoke test since, as ada asked."),
    ],
)
def test_a_message_about_a_rollback_says_who_wanted_it(monkeypatch: pytest.MonkeyPatch, result: str, said: str) -> None:
    for name, value in {"RESULT": result, "GITHUB_ACTOR": "ada", "GITHUB_WORKFLOW": "rollback"}.items():
        monkeypatch.setenv(name, value)

    assert notify.text("prod").startswith(said)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "Nobody is told: NOTIFY_WEBHOOK is empty."),
        ("file:///etc/passwd", "no address that begins with https://"),
        ("http://hooks.example.com/1", "no address that begins with https://"),
        ("file://127.0.0.1/etc/passwd", "no address that begins with https://"),
        ("https://[secret", "no address that begins with https://"),
        ("https://127.0.0.1:1/secret-é", "Nobody was told: UnicodeEncodeError."),
        ("http://127.0.0.1:1/secret", "Nobody was told: URLError."),
    ],
)
def test_what_cannot_be_told_is_said_without_the_address(
    monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setenv("NOTIFY_WEBHOOK", address)

    answer: Any = notify.send("prod")

    assert said in answer
    assert "secret" not in answer
