"""The saved queries of the log, as docs/operations.md has them; a text that ends with … is to be filled in."""

from typing import NamedTuple


class SavedQuery(NamedTuple):
    """A query of CloudWatch Logs Insights over all functions of a stage."""

    name: str
    text: str

    @property
    def logical_id(self) -> str:
        """Its name in the template."""
        return "".join(word.capitalize() for word in self.name.split()) + "SavedQuery"


QUERIES = (
    SavedQuery(
        "errors",
        """\
fields @timestamp, level, event, functionName, metadata.orderId, metadata.error, message
| filter level in ["ERROR", "WARNING"] or @message like /\\[ERROR\\]|Task timed out|Runtime exited/
| sort @timestamp desc
| limit 100
""",
    ),
    SavedQuery(
        "one request",
        """\
fields @timestamp, functionName, level, event, message, metadata.orderId
| filter requestId = "8f0c…" or correlationId = "8f0c…"
| sort @timestamp
""",
    ),
    SavedQuery(
        "one order",
        """\
fields @timestamp, functionName, level, event, correlationId
| filter metadata.orderId = "ord_01KAJ…" or @message like "ord_01KAJ…"
| sort @timestamp
""",
    ),
    SavedQuery(
        "one user",
        """\
fields @timestamp, functionName, level, event, requestId, metadata.orderId
| filter userId = "usr_01KAJ…"
| sort @timestamp desc
| limit 1000
""",
    ),
    SavedQuery(
        "durations",
        """\
filter @type = "REPORT"
| stats count(*) as calls, avg(@duration), pct(@duration, 95), max(@duration), count(@initDuration) as coldStarts,
  max(@maxMemoryUsed / 1000000) as megabytes by @log
| sort calls desc
""",
    ),
    SavedQuery(
        "order volume",
        """\
filter event in ["ORDER_CREATED", "ORDER_CANCELLED"]
| stats count(*) as orders by event, bin(1h) as hour
| sort hour desc
""",
    ),
)
