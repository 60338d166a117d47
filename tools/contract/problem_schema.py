"""The schemas of problem documents, which no type of ours makes: RFC 9457 with what is ours beside it."""

from __future__ import annotations

from typing import Any

from chalicelib.api import problem_codes

Json = dict[str, Any]

_STRING: Json = {"type": "string"}
_PROBLEM: Json = {
    "type": {"type": "string", "format": "uri-reference", "description": "A page about the code."},
    "title": {**_STRING, "description": "What the status is called."},
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "detail": {**_STRING, "description": "What happened and what to do, in a sentence."},
    "instance": {**_STRING, "description": "The path that was asked for."},
    "code": {**_STRING, "description": "Which problem it is, for programs; it never changes its meaning."},
    "requestId": {**_STRING, "description": "Finds the request in the logs."},
}
_CODE: Json = {"$ref": "#/components/schemas/ProblemCode"}
_FACTS: Json = {
    "reason": {
        **_STRING,
        "description": "Of coupon_invalid: unknown, inactive, not_started, expired, currency, minimum_not_reached, "
        "exhausted or per_user_limit. Of payment_declined and refund_failed the provider's, such as card_declined, "
        "insufficient_funds or invalid_payment_method.",
    },
    "orderId": {**_STRING, "description": "The order that this is about; a declined one stays, cancelled."},
    "changes": {"type": "array", "description": "Of cart_changed: every line at its present price."},
}


def schemas() -> Json:
    """A problem document, its codes, and a faulty field in it."""
    known = problem_codes.known()
    code: Json = {"title": "ProblemCode", "type": "string", "enum": [each.code for each in known.problems]}
    errors = {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}}
    return {
        "Problem": {
            "title": "Problem",
            "description": "Why a request failed (RFC 9457); some codes have further members for programs.",
            "type": "object",
            "properties": {**_PROBLEM, "code": _CODE, "errors": errors},
            "required": [*_PROBLEM],
            "additionalProperties": True,
        },
        "ProblemCode": {**code, "description": _PROBLEM["code"]["description"]},
        "FieldProblem": _field([each.code for each in known.fields]),
    }


def _field(codes: list[str]) -> Json:
    fields: Json = {
        "field": {**_STRING, "description": "Its place, such as items[0].quantity."},
        "code": {**_STRING, "description": f"{', '.join(codes)}, or a problem's own code."},
        "detail": {**_STRING, "description": "What it takes."},
    }
    words = "A faulty field; some codes have further members."
    return {
        "title": "FieldProblem",
        "description": words,
        "type": "object",
        "properties": fields,
        "required": [*fields],
        "additionalProperties": True,
    }
