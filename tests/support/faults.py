"""A DynamoDB that fails where a test says, in front of the emulated one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib.aws import clients
from chalicelib.core import clock

Fault = Callable[[str, dict[str, Any], Callable[[], Any]], Any]


class Crash(BaseException):
    """The process dies here."""


class Faulty:
    """The client with a fault around every call; it keeps the promise of a transaction's token, as moto does not."""

    def __init__(self, real: Any, fault: Fault) -> None:
        self._real = real
        self._fault = fault
        self._done: dict[str, Any] = {}

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            return self._fault(operation, request, lambda: self._once(operation, request))

        return call

    def _once(self, operation: str, request: dict[str, Any]) -> Any:
        token = request.get("ClientRequestToken")
        if token is None:
            return getattr(self._real, operation)(**request)
        if token not in self._done:
            self._done[token] = getattr(self._real, operation)(**request)
        return self._done[token]


@contextmanager
def injected(fault: Fault) -> Iterator[None]:
    """Every DynamoDB call of the block goes through `fault`; pauses take no time."""
    faulty = Faulty(clients.dynamodb(), fault)
    with mock.patch.object(clients, "dynamodb", return_value=faulty), mock.patch.object(clock, "pause"):
        yield


def refuse(code: str, *, times: int, only: str = "") -> Fault:
    """Answer that error so often, before any effect."""
    left = times

    def fault(operation: str, _: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        nonlocal left
        if left and only in operation:
            left -= 1
            raise error(code)
        return go_on()

    return fault


def lose_answer(number: int) -> Fault:
    """Let the call of that number have its effect and lose its answer."""
    return _at(number, after=True, failure=lambda: ReadTimeoutError(endpoint_url="http://localhost"))


def crash(number: int, *, after: bool) -> Fault:
    """Kill the process before or after the effect of the call of that number."""
    return _at(number, after=after, failure=Crash)


def error(code: str) -> ClientError:
    """What botocore raises for that code; conflicts come as a transaction's reasons."""
    if code == "TransactionConflict":
        reasons = [{"Code": "TransactionConflict"}]
        answer: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        return ClientError(answer, "TransactWriteItems")
    return ClientError({"Error": {"Code": code}}, "AnyOperation")


def interleave(number: int, act: Callable[[], Any], *, only: str = "") -> Fault:
    """Let somebody else act just before the call of that number, whose own are not counted."""
    count, is_acting = 0, False

    def fault(operation: str, _request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        nonlocal count, is_acting
        count += not is_acting and only in operation
        if count == number and not is_acting:
            is_acting = True
            act()
            is_acting, count = False, count + 1
        return go_on()

    return fault


def _at(number: int, *, after: bool, failure: Callable[[], BaseException]) -> Fault:
    count = 0

    def fault(_operation: str, _request: dict[str, Any], go_on: Callable[[], Any]) -> Any:
        nonlocal count
        count += 1
        if count != number:
            return go_on()
        if after:
            with suppress(Exception):  # the answer, whatever it is, is not heard any more
                go_on()
        raise failure()

    return fault
