"""Structured logs and embedded metrics: one JSON object a line, no network call.

An event is a constant name in capitals; everything that varies is a field. Never pass a password, token,
secret, address or payment detail. Lines are written whatever else is missing of the stage's settings.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from typing import Any

import msgspec

from chalicelib.core import clock, settings

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
_NAMESPACE = "Ecommerce"
_context: ContextVar[dict[str, Any] | None] = ContextVar("log_context", default=None)
# It goes into logs, events and what other shops keep, so it must not say something of a person: a UUID, a W3C or X-Ray
# trace id, or a ULID.
_CORRELATION_ID = re.compile(
    r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}|(Root=)?1-[0-9a-f]{8}-[0-9a-f]{24}|[0-7][0-9A-HJKMNP-TV-Z]{25}"
)
_encode = msgspec.json.Encoder(decimal_format="number").encode


def bind(**fields: Any) -> None:
    """Start a new context: these fields go into every line until the next `bind`."""
    _context.set(fields)


def begin_request(request_id: str, given: str) -> None:
    """Start the context of a request; what it leads to is tied together by the caller's id, if that is one."""
    correlation = given if _CORRELATION_ID.fullmatch(given) else request_id
    _begin("api_handler", requestId=request_id, correlationId=correlation)


def begin_invocation(function: str, invocation_id: str) -> None:
    """Start the context of a function that no request called: what it leads to is tied together by its own id."""
    _begin(function, requestId=invocation_id, correlationId=invocation_id)


def begin_authorization() -> None:
    """Start the context of the authorizer, which is not told of whose request it is."""
    _begin("authorize")


def enrich(**fields: Any) -> None:
    """Add fields to the present context, such as the user once known; None takes a field out."""
    merged = {**(_context.get() or {}), **fields}
    _context.set({name: value for name, value in merged.items() if value is not None})


def correlation_id() -> str | None:
    """What ties together all that one request led to."""
    return (_context.get() or {}).get("correlationId")


def debug(event: str, message: str = "", **metadata: Any) -> None:
    """A line that only someone who is looking for a fault wants to read."""
    _write("DEBUG", event, message, metadata)


def info(event: str, message: str = "", **metadata: Any) -> None:
    """A business fact worth counting or finding again."""
    _write("INFO", event, message, metadata)


def warning(event: str, message: str = "", **metadata: Any) -> None:
    """Something to look at by day."""
    _write("WARNING", event, message, metadata)


def error(event: str, message: str = "", **metadata: Any) -> None:
    """Something to look at now."""
    _write("ERROR", event, message, metadata)


def metric(name: str, value: float = 1, unit: str = "Count", *, adds_up: bool = True, **dimensions: str) -> None:
    """Count in CloudWatch by a line in its embedded metric format.

    The sets of dimensions are `[Stage]`, and with further dimensions `[Stage, …]` as well, each of which is a metric
    that is paid for: so their values must be few. Where values under different dimensions do not add up, such as
    amounts in several currencies, `[Stage]` alone is left out.
    """
    known = {"Stage": settings.stage(), **dimensions}
    sets = [list(known)] if dimensions and not adds_up else [["Stage"], *([list(known)] if dimensions else [])]
    described = {"Namespace": _NAMESPACE, "Dimensions": sets, "Metrics": [{"Name": name, "Unit": unit}]}
    milliseconds = int(clock.now().timestamp() * 1000)
    _emit({"_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [described]}, name: value, **known})


def _begin(function: str, **fields: Any) -> None:
    """Start the context of a function by its name in .chalice/config.json, the same in every stage and package."""
    bind(functionName=function, **fields)
    _count_start(function)


@cache
def _count_start(function: str) -> None:
    """Count the first call of a function in this process, which had to wait for the process to start."""
    metric("ColdStart", Function=function)


class _JsonLines(logging.Formatter):
    """Writes what other libraries log in the shop's own form."""

    def format(self, record: logging.LogRecord) -> str:
        level = "ERROR" if record.levelno > _LEVELS["ERROR"] else record.levelname
        line = {"timestamp": clock.timestamp(), "level": level, **(_context.get() or {})}
        line |= {"event": "LIBRARY_LOG", "message": record.getMessage(), "logger": record.name}
        if record.exc_info:
            line["stack"] = self.formatException(record.exc_info)
        return _encode(line).decode()


class _WithoutFailures(logging.Filter):
    """Keeps what is about an exception out of the lines, and hands the exception over."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        super().__init__()
        self._failed = failed

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            self._failed(error)
        return error is None


def adopt(logger: logging.Logger, *, failed: Callable[[BaseException], None] | None = None) -> None:
    """Make a library's logger, such as Chalice's own, write one JSON object a line too.

    Of an exception that it logs `failed` is told instead, which does not write what the exception says.
    """
    for handler in logger.handlers:
        handler.setFormatter(_JsonLines())
        if failed:
            handler.addFilter(_WithoutFailures(failed))


def _write(level: str, event: str, message: str, metadata: dict[str, Any]) -> None:
    if _LEVELS[level] < _LEVELS.get(settings.log_level(), 20):
        return
    duration = metadata.pop("duration", None)
    line = {"timestamp": clock.timestamp(), "level": level, **(_context.get() or {}), "event": event}
    if message:
        line["message"] = message
    if metadata:
        line["metadata"] = metadata
    if duration is not None:
        line["duration"] = duration
    _emit(line)


def _emit(line: dict[str, Any]) -> None:
    sys.stdout.write(_encode(line).decode() + "\n")
