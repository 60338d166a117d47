"""`python -m tools.stages.preflight STAGE`: what is missing or wrong before a release, in one list; it only looks.

A line is `WRONG`, which stops a release, or a `note`. Exit codes: 0 nothing is wrong, 1 something is, 2 there is no
such stage or no way to AWS.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping

from botocore.exceptions import BotoCoreError, ClientError

from tools import stages
from tools.refusal import Refusal, complain
from tools.stages import checks, place
from tools.stages.findings import Finding
from tools.stages.settings import Stage

Checks = Mapping[str, Callable[[Stage], Iterator[Finding]]]
CHECKS: Checks = {
    "generated files": checks.files,
    "Python": checks.python,
    "resources": checks.stack,
    "functions": checks.app,
    "table": checks.table,
    "mail identity": checks.identity,
    "SES sandbox": checks.sandbox,
    "payment": checks.payment,
    "alerts": checks.alerts,
    "concurrency": checks.concurrency,
    "access logs": checks.gateway,
    "artifacts": checks.bucket,
}


def examine(stage: Stage, looks: Checks | None = None) -> list[Finding]:
    """Everything that is wrong or worth knowing. Raises `Refusal` when the credentials lead nowhere or elsewhere."""
    try:
        place.require(stage)
        place.account()
    except (BotoCoreError, ClientError) as error:
        raise Refusal(f"These credentials do not lead into an account of AWS: {error}") from error
    return [finding for subject, check in (looks or CHECKS).items() for finding in _looked(subject, check, stage)]


def require(stage: Stage, say: Callable[[str], object] = print, looks: Checks | None = None) -> None:
    """Tell of every finding, and refuse to go on when something is wrong."""
    if wrong := tell(stage, say, looks):
        raise Refusal(f"{stage.name} is not ready: mend what is WRONG first, of which there is {wrong}.")


def tell(stage: Stage, say: Callable[[str], object], looks: Checks | None = None) -> int:
    """Tell of every finding; how many are wrong."""
    findings = examine(stage, looks)
    for finding in findings:
        say(str(finding))
    wrong = sum(finding.stops for finding in findings)
    say(f"{len(looks or CHECKS)} subjects: {wrong} to mend, {len(findings) - wrong} worth knowing.")
    return wrong


def _looked(subject: str, check: Callable[[Stage], Iterator[Finding]], stage: Stage) -> list[Finding]:
    """What a check finds; that it may not look is a finding as well."""
    try:
        return list(check(stage))
    except (BotoCoreError, ClientError) as error:
        return [Finding(f"{subject} could not be looked at", str(error).rstrip("."))]


def main(arguments: list[str]) -> int:
    """Look; the exit code."""
    if len(arguments) != 1:
        return complain("usage: python -m tools.stages.preflight STAGE")
    try:
        return 1 if tell(stages.read(arguments[0]), print) else 0
    except Refusal as refusal:
        return complain(str(refusal))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
