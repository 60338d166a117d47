"""A message to a webhook when a deployment ends, in the form that Slack and others take: `{"text": …}`.

Nobody's deployment fails for it: without an address nothing is sent, and what goes wrong is said and left.
"""

from __future__ import annotations

import json
import os
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit

WEBHOOK = "NOTIFY_WEBHOOK"
LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 10.0
SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}  # of Slack's text
WORDS = {"success": "serves", "failure": "was not deployed", "cancelled": "was stopped from here; AWS may go on"}
BY_HAND = "rollback"  # the workflow's name
ASKED = {"success": "went back to the release before", "failure": "did NOT go back, or fails its smoke test since"}
WENT_BACK = "failed its smoke test, and the version before serves again"
STUCK = "failed its smoke test, and could NOT be taken back"
ILL = "serves, as it did before, and fails its smoke test"  # nothing was moved, so nothing went back


def send(stage: str) -> str:
    """Tell how the deployment to the stage ended, as the runner's environment says; what came of telling."""
    address = os.environ.get(WEBHOOK, "")
    if not address:
        return f"Nobody is told: {WEBHOOK} is empty."
    if not _may_be_told(address):
        return f"Nobody was told: {WEBHOOK} is no address that begins with https://."
    data = json.dumps({"text": text(stage)}).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - as above
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - as above
            return f"Told; the answer is {answer.status}."
    except (OSError, HTTPException, ValueError) as error:
        return f"Nobody was told: {type(error).__name__}."  # the address is a secret, and may stand in the rest


def _may_be_told(address: str) -> bool:
    """Is it an address that is met by TLS, or on this machine?"""
    try:
        place = urlsplit(address)
    except ValueError:
        return False
    return place.scheme == "https" or (place.scheme, place.hostname) == ("http", LOOPBACK)


def text(stage: str) -> str:
    """The message: which commit, what became of it, and where to look."""
    said = os.environ.get
    result, actor = said("RESULT", ""), said("GITHUB_ACTOR", "")
    run = f"{said('GITHUB_SERVER_URL', '')}/{said('GITHUB_REPOSITORY', '')}/actions/runs/{said('GITHUB_RUN_ID', '')}"
    if said("GITHUB_WORKFLOW") == BY_HAND:
        what = f"{ASKED.get(result, WORDS['cancelled'])}, as {actor} asked"
    else:
        what = f"{said('GITHUB_SHA', '')[:7]} of {actor} {_outcome(result)}"
    plain = f"{stage}: {what}. {run}"
    return "".join(SPECIAL.get(each, each) for each in plain)


def _outcome(result: str) -> str:
    rollback, smoke_test = (os.environ.get(step, "") for step in ("ROLLBACK", "SMOKE_TEST"))
    if rollback in ("success", "failure"):
        return WENT_BACK if rollback == "success" else STUCK
    if smoke_test == "failure":
        return ILL
    return WORDS.get(result, "ended")
