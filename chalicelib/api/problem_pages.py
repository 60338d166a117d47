"""The registry of problem codes as pages."""

from __future__ import annotations

from chalicelib.api import pages, problem_codes, problems
from chalicelib.api.calls import Document

_PROBLEM = '<li><a href="$href"><code>$code</code></a> <span class="quiet">$status</span><br>$title</li>'
_FIELD = "<dt><code>$code</code></dt><dd>$meaning $advice</dd>"


def page(code: str, base: str) -> Document:
    """What a code means, or `NotFound`; `base` is what the addresses of this API begin with."""
    told = problem_codes.get(code)
    content = pages.filled(
        "problem", code=code, status=str(told.status), phrase=problems.phrase(told.status), meaning=told.meaning,
        advice=told.advice, all=f"{base}/problems",
    )  # fmt: skip
    return pages.page(told.title, content, base=base)


def list_page(base: str) -> Document:
    """Every code."""
    known = problem_codes.known()
    listed = [
        {"href": problems.type_of(each.code, base), "code": each.code, "status": str(each.status), "title": each.title}
        for each in known.problems
    ]
    of_fields = [{"code": each.code, "meaning": each.meaning, "advice": each.advice} for each in known.fields]
    content = pages.filled("problems", problems=pages.each(_PROBLEM, listed), fields=pages.each(_FIELD, of_fields))
    return pages.page("What problems mean", content, base=base)
