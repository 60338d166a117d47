"""ministack in this process, mended by some shims for the length of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any, Protocol

from ministack.core import lambda_runtime
from ministack.core.responses import request_scope
from ministack.services import apigateway_v1, lambda_svc, secretsmanager, ses_v2
from ministack.services.cloudformation import provisioners

ACCOUNT, REGION = "000000000000", "us-east-1"
TOUCHED = (apigateway_v1, lambda_svc, lambda_runtime, secretsmanager, ses_v2)


class Shim(Protocol):
    """A module of `tools.local.shims`."""

    def apply(self) -> None: ...


@contextmanager
def ministack(*shims: Shim | ModuleType) -> Iterator[None]:
    """Ask ministack's functions as its server would, mended by these shims or as it is; what was mended is put back."""
    with ExitStack() as stack:
        for module in TOUCHED:
            stack.callback(vars(module).update, dict(vars(module)))
        for name in ("invoke", "_drain_stderr_bounded"):
            stack.callback(setattr, lambda_runtime.Worker, name, getattr(lambda_runtime.Worker, name))
        stack.callback(_put_back, apigateway_v1._OPENAPI_HTTP_METHODS, set(apigateway_v1._OPENAPI_HTTP_METHODS))
        handlers = provisioners._RESOURCE_HANDLERS
        stack.callback(_put_back, handlers, {kind: dict(each) for kind, each in handlers.items()})
        for shim in shims:
            shim.apply()
        stack.enter_context(request_scope(ACCOUNT, REGION))
        yield


def _put_back(now: Any, before: Any) -> None:
    now.clear()
    now.update(before)
