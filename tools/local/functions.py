"""What the Lambda service does around a function: a context, and a failure that stays inside."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from chalice.local import LambdaContext

LOG = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Function = Callable[[dict[str, Any], Any], Any]


class FunctionFailed(Exception):
    """The function raised; the message is what it raised."""


def call(function: Callable[..., Answer], *arguments: Any, passing: tuple[type[Exception], ...] = ()) -> Answer:
    """Call a function as the Lambda service would: whatever it raises becomes `FunctionFailed`.

    Exceptions of the kinds in `passing` are part of the function's interface and go through.
    """
    try:
        return function(*arguments)
    except passing:
        raise
    except Exception as error:
        if str(error) != "Unauthorized":
            LOG.exception("function failed")
        raise FunctionFailed(str(error)) from error


def context(name: str, *, seconds: int = 60) -> LambdaContext:
    """A fresh invocation's context."""
    return LambdaContext(f"ecommerce-local-{name}", memory_size=256, max_runtime_ms=seconds * 1000)
