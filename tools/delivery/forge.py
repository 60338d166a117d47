"""GitHub by its client `gh`, which its runners have, and the history by `git`; each call is one command."""

from __future__ import annotations

import os
import subprocess

from tools.refusal import Refusal

REPOSITORY = "GITHUB_REPOSITORY"  # as its runners say it: owner/name


def repository() -> str:
    """The repository that the work is about. Raises `Refusal` outside of GitHub's runners, unless it is said."""
    found = os.environ.get(REPOSITORY)
    if not found:
        raise Refusal(f"Which repository? Put {REPOSITORY}=owner/name into the environment.")
    return found


def gh(*words: str, given: str = "") -> str:
    """What `gh` answers. Raises `Refusal` with what it says when it does not do it."""
    return _run("gh", *words, given=given)


def git(*words: str) -> str:
    """What `git` answers, without the last line's end. Raises `Refusal` when it does not do it."""
    return _run("git", *words).rstrip("\n")


def _run(*command: str, given: str = "") -> str:
    try:
        ran = subprocess.run(  # noqa: S603 - our own words
            command, input=given, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise Refusal(f"There is no {command[0]} on the PATH.") from error
    if ran.returncode:
        raise Refusal(f"`{' '.join(command[:3])}` did not work: {ran.stderr.strip() or ran.returncode}")
    return ran.stdout
