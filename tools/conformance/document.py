"""The document as schemathesis takes it, with who asks, and what of requests has to make sense."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import AuthContext, BaseSchema, Case, HookContext, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure

from tools.conformance import formats, sense
from tools.conformance.principals import Accounts, Asker
from tools.local.settings import PROJECT

DOCUMENT = PROJECT / "chalicelib" / "api" / "documents" / "openapi.json"
SETTINGS = Path(__file__).with_name("settings.toml")
# What is wrong with the form of a request, which the document tells. Any other 400 is about a text that only the shop
# can give: a token of a mail, a cursor, a signature.
_OF_FORM = {"validation_failed", "invalid_json", "invalid_idempotency_key", "malformed_request"}
_REJECTED = "RejectedPositiveData"
# What has to go together with what the shop has already, which no document knows.
_CHANGES = {"PATCH /coupons/{code}"}


@dataclass(frozen=True)
class FuzzPlan:
    """A run: where to, how many requests at least, and by how many examples each operation at a turn.

    `covering` says whether what covers the edges of each schema comes first, `askers` who asks, in turn, and `only`
    which operations are meant, all without.
    """

    url: str
    count: int
    seed: int
    examples: int
    covering: bool
    askers: tuple[Asker, ...] = tuple(Asker)
    only: str = ""


def load(plan: FuzzPlan, *, seed: int, phases: Collection[str], asker: Asker, accounts: Accounts) -> BaseSchema:
    """The document for one asker, in those phases."""
    config = SchemathesisConfig.from_str(SETTINGS.read_text(encoding="utf-8"))
    config.update(seed=seed, max_failures=None)
    project = config.projects.default
    project.update(base_url=plan.url)
    project.generation.update(max_examples=plan.examples)
    project.phases.update(phases=list(phases))
    told = formats.name_meant(json.loads(DOCUMENT.read_text(encoding="utf-8")))
    schema = schemathesis.openapi.from_dict({**told, "servers": []}, config=config)
    schema.hook(map_case)
    schema.hook(filter_failure)
    if asker is not Asker.ANONYMOUS:
        schema.auth(refresh_interval=None, retry_on=[401])(_bearer_of(lambda: accounts.token(asker)))
    return schema.include(name_regex=plan.only) if plan.only else schema


def map_case(context: HookContext, case: Case[Any]) -> Case[Any]:  # noqa: ARG001 - schemathesis' signature
    """What is meant to be accepted makes sense."""
    if case.meta is not None and case.meta.generation.mode.is_positive:
        case.body = sense.make(case.body, case.query, case.headers)
    return case


def filter_failure(context: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:  # noqa: ARG001 - likewise
    """Is it a finding? A 400 for what nobody but the shop can give, or has, is none."""
    if type(failure).__name__ != _REJECTED or response.status_code != 400:  # noqa: PLR2004 - an HTTP status
        return True
    return _code_of(response) in _OF_FORM and failure.operation not in _CHANGES


def _code_of(response: Response) -> str:
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _bearer_of(token: Callable[[], str]) -> type[Any]:
    """A provider of that token for schemathesis, which asks it for another one when the last has ended."""

    class BearerProvider:
        def get(self, case: Case[Any], ctx: AuthContext) -> str:  # noqa: ARG002 - schemathesis' signature
            return token()

        def set(self, case: Case[Any], data: str, ctx: AuthContext) -> None:  # noqa: ARG002 - likewise
            case.headers["Authorization"] = f"Bearer {data}"

    return BearerProvider
