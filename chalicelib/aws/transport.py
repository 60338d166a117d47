"""Calls to DynamoDB through boto3, with all the retries there are; all that knows boto3's errors is here.

botocore itself does not retry, so that one place decides and one bound holds. Everything that is repeated may be:
reads, whole puts, and transactions under a token by which DynamoDB knows a repeated one (`db.commit` sends every
conditional write as such, because a plain one that is repeated after a lost answer would fail on its own effect).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients
from chalicelib.core import clock
from chalicelib.core.deadline import Deadline
from chalicelib.core.errors import Unavailable

ATTEMPTS = 8
_MAX_SECONDS = 10.0  # well within the 28 that a request has
_FIRST_PAUSE = 0.02
_CONDITION = {"ConditionalCheckFailed", "ConditionalCheckFailedException"}
_PASSING = {
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingError",
    "ThrottlingException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
}


class ConditionFailed(Exception):
    """A condition failed; `position` is that of the first write it concerns."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the condition of write {position} failed")
        self.position = position


class RequestError(Exception):
    """DynamoDB refuses the request as such: no table, no permission, or a mistake of ours."""


def call(operation: str, **request: Any) -> dict[str, Any]:
    """The answer of one DynamoDB operation, named as boto3 names it.

    Raises `ConditionFailed` when a condition fails, `Unavailable` when the table is contended or silent for too long,
    `RequestError` when trying again cannot help.
    """
    deadline = Deadline(_MAX_SECONDS)
    failure = contended()
    for attempt in range(ATTEMPTS):
        try:
            answer: dict[str, Any] = getattr(clients.dynamodb(), operation)(**request)
        except ClientError as error:
            _raise_if_final(error)
        except BotoCoreError as error:
            failure = clients.unanswered()
            failure.__cause__ = error
        else:
            return answer
        if deadline.is_over:
            break
        pause(attempt)
    raise failure


def repeat(step: Callable[[list[Any]], list[Any]], pending: list[Any]) -> None:
    """Take a step again with what it leaves undone, a bounded number of times, or raise `Unavailable`."""
    for attempt in range(ATTEMPTS):
        pending = step(pending)
        if not pending:
            return
        pause(attempt)
    raise contended()


def pause(attempt: int) -> None:
    """Wait before another attempt: 20 ms doubled each time, less up to three quarters by chance."""
    clock.pause(random.uniform(0.25, 1) * _FIRST_PAUSE * 2**attempt)  # noqa: S311 - jitter, not a secret


def contended() -> Unavailable:
    """Others were always faster."""
    return Unavailable("Too many requests change the same things at once. Nothing was written; try again.")


def _raise_if_final(error: ClientError) -> None:
    """Return if another attempt may help, else raise what the error means."""
    response: Any = error.response
    reasons = [reason.get("Code", "None") for reason in response.get("CancellationReasons", [])]
    codes = reasons or [response.get("Error", {}).get("Code", "")]
    for position, code in enumerate(codes):
        if code in _CONDITION:
            raise ConditionFailed(position) from None
    if not _PASSING.intersection(codes):
        raise RequestError(str(error)) from error
