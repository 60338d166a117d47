"""What an event source mapping does with a batch of stream records: deliver, retry, split, give up.

The rules are those of the deployed mapping (ReportBatchItemFailures, BisectBatchOnFunctionError,
a bounded number of attempts, a dead-letter queue); no I/O happens here.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.local.functions import FunctionFailed

Record = dict[str, Any]
BATCH_SIZE = 100
ATTEMPTS = 51  # the handler itself gives a record up before that
DELAYS = (0.2, 0.5, 1.0, 2.0)


@dataclass
class BatchDelivery:
    """Delivers records in order; every one ends handled, or buried with its payload."""

    handle: Callable[[dict[str, Any]], Any]
    bury: Callable[[Record, int], None]
    settled: Callable[[str], None]
    pause: Callable[[float], None]
    attempts: dict[str, int] = field(default_factory=dict)

    def deliver(self, records: Sequence[Record]) -> None:
        """Return once every record is settled; `pause` may raise to break off between attempts."""
        waiting = deque(batches(records))
        while waiting:
            batch = waiting.popleft()
            waiting.extendleft(reversed(self._attempt(batch)))

    def _attempt(self, batch: Sequence[Record]) -> list[Sequence[Record]]:
        """Try a batch once; the batches that remain to be tried."""
        try:
            handled = first_failure(self.handle({"Records": list(batch)}), batch)
        except FunctionFailed:
            if len(batch) > 1:
                middle = len(batch) // 2
                return [batch[:middle], batch[middle:]]
            handled = 0
        if handled:
            self.settled(sequence_number(batch[handled - 1]))
        rest = batch[handled:]
        return self._after_failure(rest) if rest else []

    def _after_failure(self, batch: Sequence[Record]) -> list[Sequence[Record]]:
        """The first record of the batch failed: wait and try again, or give it up."""
        number = sequence_number(batch[0])
        tries = self.attempts[number] = self.attempts.get(number, 0) + 1
        if tries < ATTEMPTS:
            self.pause(DELAYS[min(tries, len(DELAYS)) - 1])
            return [batch]
        self.bury(batch[0], tries)
        self.settled(number)
        del self.attempts[number]
        return [batch[1:]] if batch[1:] else []


def batches(records: Sequence[Record]) -> list[Sequence[Record]]:
    """The records in batches of at most `BATCH_SIZE`, in order."""
    return [records[at : at + BATCH_SIZE] for at in range(0, len(records), BATCH_SIZE)]


def sequence_number(record: Record) -> str:
    """The record's place in the stream."""
    return str(record["dynamodb"]["SequenceNumber"])


def first_failure(answer: Any, batch: Sequence[Record]) -> int:
    """How many records precede the first that the handler reports as failed.

    As on AWS, no answer is a success, and an answer of another shape, or one that names a record
    outside the batch, fails the whole batch.
    """
    places = {sequence_number(record): place for place, record in enumerate(batch)}
    try:
        failures = answer.get("batchItemFailures") if answer else None
        return min((places[item["itemIdentifier"]] for item in failures or ()), default=len(batch))
    except (AttributeError, KeyError, TypeError):
        return 0
