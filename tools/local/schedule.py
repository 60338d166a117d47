"""Calls the scheduled function once a minute, as the deployed EventBridge rule does."""

import threading
import uuid
from datetime import UTC, datetime
from typing import Any

from tools.local import functions
from tools.local.settings import ACCOUNT, REGION

EVERY_SECONDS = 60


class Schedule(threading.Thread):
    """One run after the other; a failed one is logged and the next comes on time."""

    def __init__(self, handler: functions.Function) -> None:
        """`handler` is the scheduled function."""
        super().__init__(name="schedule", daemon=True)
        self._handler = handler
        self._stopping = threading.Event()

    def run(self) -> None:
        """Call, wait, repeat until told to stop."""
        while not self._stopping.wait(EVERY_SECONDS):
            try:
                functions.call(self._handler, event(datetime.now(UTC)), functions.context("run-scheduled-work"))
            except functions.FunctionFailed:
                continue

    def stop(self) -> None:
        """Return when no run is under way any more."""
        self._stopping.set()
        self.join(timeout=30)


def event(now: datetime) -> dict[str, Any]:
    """What a scheduled EventBridge rule sends."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/ecommerce-local-schedule"],
        "detail": {},
    }
