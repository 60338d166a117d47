"""What is wrong with what came back, in one sentence."""

from __future__ import annotations

import json
import re

from tools.fuzz.cases import Case
from tools.fuzz.wire import Exchange, RawAnswer

NO_HTTP_OF_OURS = (501, 505)
_EVERYWHERE = ("x-content-type-options", "cache-control", "content-security-policy", "access-control-allow-origin")
_MEMBERS = {"type", "title", "status", "detail", "instance", "code", "requestId"}
_CODE = re.compile(r"[a-z][a-z_]*[a-z]")
_INSIDE = re.compile(
    rb"Traceback|File \\?\"|\.py\b|line [0-9]+, in |botocore|msgspec|chalice|ClientError|Exception\b|object at 0x|"
    rb"/site-packages/|dynamodb|arn:aws|ministack|Python/|<module>",
    re.IGNORECASE,
)
_REQUEST_LINE = re.compile(rb"[^\r\n]+\r\n")


def of(case: Case, came: Exchange) -> str | None:
    """The first thing that is wrong, None if nothing is."""
    if came.is_late:
        return f"the shop did not finish within {came.seconds:.0f} seconds"
    if came.rest:
        return f"what came is no HTTP: {came.rest[:80]!r}"
    if len(came.answers) > case.most_answers:
        return f"{len(came.answers)} answers came for what is at most {case.most_answers} requests"
    if not came.answers and case.is_ended and _REQUEST_LINE.match(case.sent):
        return "no answer came"
    return next((wrong for answer in came.answers if (wrong := _wrong(answer))), None)


def _wrong(answer: RawAnswer) -> str | None:
    if answer.status >= 500 and answer.status not in NO_HTTP_OF_OURS:  # noqa: PLR2004 - where failures of ours begin
        return f"the answer is {answer.status}: {answer.body[:200]!r}"
    missing = [name for name in _EVERYWHERE if name not in answer.headers]
    if missing:
        return f"an answer of {answer.status} does not say {', '.join(missing)}"
    if "x-injected" in answer.headers or "server" in answer.headers:
        return f"an answer of {answer.status} has a header that nobody meant to give"
    if b"Traceback" in answer.body:
        return f"the answer of {answer.status} has a trace in it"
    return _wrong_problem(answer) if answer.status >= 400 and answer.body else None  # noqa: PLR2004 - where errors begin


def _wrong_problem(answer: RawAnswer) -> str | None:
    """What is wrong with a refusal."""
    if answer.headers.get("content-type") != "application/problem+json":
        return f"an answer of {answer.status} is {answer.headers.get('content-type')}, no problem document"
    if answer.headers.get("content-encoding"):
        return None
    try:
        document = json.loads(answer.body)
    except ValueError:
        return f"an answer of {answer.status} is no JSON: {answer.body[:80]!r}"
    if not isinstance(document, dict) or not document.keys() >= _MEMBERS or document["status"] != answer.status:
        return f"an answer of {answer.status} is no problem document: {answer.body[:200]!r}"
    if not _CODE.fullmatch(document["code"]):
        return f"an answer of {answer.status} has the code {document['code']!r}"
    said = json.dumps({name: each for name, each in document.items() if name not in ("instance", "errors")}).encode()
    found = _INSIDE.search(said)
    return f"an answer of {answer.status} tells of the inside ({found[0].decode()}): {said[:200]!r}" if found else None
