"""Every alarm of a stage: what it means, when it rings, and what to do then.

A percentage says nothing about two requests at night, so each has a least number of failures, or of requests. Some
alarms fill the gaps of a metric with 0: what AWS writes only when something happens would otherwise never end, as in
AWS/DynamoDB, or would be told as missing too late, see docs/adr/0050.
"""

from datetime import timedelta

from tools.monitoring.alarm import Alarm
from tools.monitoring.function_alarms import FUNCTION_ALARMS
from tools.monitoring.functions import FUNCTIONS, HOUR, MINUTE
from tools.monitoring.metrics import Maths, Metric, of_api, of_function, of_queue, of_shop, of_table

MIN_FAILURES = 3
MIN_REFUSALS = 20
MIN_REQUESTS = 20
MAX_STREAM_AGE_MS = 300_000
MAX_DOUBT_SECONDS = 3600
MAX_WEBHOOK_AGE_SECONDS = 900
# Each of them is counted apart. The shop makes no others of the table.
OPERATIONS = (
    "BatchGetItem",
    "BatchWriteItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "TransactWriteItems",
    "UpdateItem",
)


def _share(failures: str, least: int, words: str) -> Maths:
    """How many percent of the API's requests failed so, and 0 as long as these are few."""
    failed = f"FILL({failures}, 0)"
    return Maths(
        f"IF({failed} >= {least}, 100 * {failed} / requests, 0)",
        {failures: of_api({"failed": "5XXError", "refused": "4XXError"}[failures]), "requests": of_api("Count")},
        f"percent of all requests that {words}, from {least} of them on,",
    )


def _if_enough(slow: Metric, count: Metric, words: str) -> Maths:
    expression = f"IF(FILL(requests, 0) >= {MIN_REQUESTS}, FILL(slow, 0), 0)"
    return Maths(expression, {"slow": slow, "requests": count}, f"{words}, from {MIN_REQUESTS} requests on,")


def _together(words: str, metrics: dict[str, Metric]) -> Maths:
    return Maths("SUM(FILL(METRICS(), 0))", metrics, words)


API = (
    Alarm(
        "api-5xx",
        "Requests fail on our side: the app answers 500 or 503, or API Gateway got no answer of it.",
        "The first query of docs/operations.md; a release of the last hour goes back with make rollback.",
        _share("failed", MIN_FAILURES, "are answered 5xx"),
        1,
        timedelta(minutes=5),
    ),
    Alarm(
        "api-4xx",
        "Many requests are refused: a client that is out of date or broken, or somebody who tries doors.",
        "The access log by path, status and ip. One path: did a release change it? One ip: let it be refused.",
        _share("refused", MIN_REFUSALS, "are answered 4xx"),
        5,
        timedelta(minutes=5),
        periods=3,
    ),
    Alarm(
        "api-latency",
        "One request in a hundred takes more than three seconds, measured at API Gateway.",
        "The dashboard: cold starts, the table's throttles, or the provider (PAYMENT_PROCESSED has a duration)?",
        _if_enough(of_api("Latency", "p99"), of_api("Count"), "99th percentile of `Latency` in milliseconds"),
        3000,
        timedelta(minutes=5),
        periods=3,
    ),
    Alarm(
        "api-duration",
        "One call in twenty of the API's function takes more than two seconds.",
        "The saved query of durations; then as api-latency.",
        _if_enough(
            of_function("APIHandler", "Duration", "p95"),
            of_function("APIHandler", "Invocations"),
            "95th percentile of the function's `Duration` in milliseconds",
        ),
        2000,
        timedelta(minutes=5),
        periods=3,
    ),
    Alarm(
        "cold-starts",
        "Processes are started anew again and again: each of these requests waits for a second or more.",
        "Errors and time-outs end processes: look for them first. Without any it is load that comes in bursts.",
        of_shop("ColdStart"),
        100,
        HOUR,
    ),
    Alarm(
        "throttles",
        "Lambda refused calls of this stage: its concurrency, or the account's, is used up.",
        "Which function, on the dashboard; the account's quota of concurrent executions; what calls so often.",
        _together(
            "`Throttles` of all functions",
            {f"f{number}": of_function(each.logical_id, "Throttles") for number, each in enumerate(FUNCTIONS)},
        ),
        5,
        timedelta(minutes=5),
    ),
    Alarm(
        "table-errors",
        "DynamoDB fails on its side.",
        "AWS's health page. The shop answers 503, and clients may send the same Idempotency-Key again.",
        _together(
            "`SystemErrors` of the table",
            {f"o{number}": of_table("SystemErrors", Operation=each) for number, each in enumerate(OPERATIONS)},
        ),
        0,
        timedelta(minutes=5),
    ),
)

MONEY = (
    Alarm(
        "store-drift",
        "Last night's audit found stock or money that does not add up.",
        "GET /admin/audit, and the table of drifts in docs/operations.md. It ends with an audit that finds none.",
        of_shop("StoreDrift", "Maximum"),
        0,
        HOUR,
        missing="ignore",
    ),
    Alarm(
        "store-audit-silent",
        "There was no audit for two days, or it never came to its end. A new stage rings until its first one.",
        "The log of check_store; make job NAME=check_store makes one now.",
        Maths("FILL(audits, 0)", {"audits": of_shop("StoreDrift", "SampleCount")}, "audits (`StoreDrift`)"),
        1,
        HOUR,
        periods=48,
        comparison="LessThanThreshold",
        missing="breaching",
    ),
    Alarm(
        "settle-failed",
        "The end of a payment was told and the table did not take it. It is tried again each minute.",
        "SETTLE_FAILED in the log names the order; see there.",
        of_shop("SettleFailed"),
        0,
        timedelta(minutes=5),
    ),
    Alarm(
        "incidents",
        "Something about an order's money needs a person.",
        "GET /admin/incidents says which and what to do.",
        of_shop("Incident"),
        0,
        timedelta(minutes=5),
    ),
    Alarm(
        "payments-in-doubt",
        "A payment's end has been unknown for more than an hour. Nothing is lost, and the schedule goes on asking.",
        "Payments are silent, in docs/operations.md.",
        of_shop("PaymentInDoubtAge", "Maximum"),
        MAX_DOUBT_SECONDS,
        timedelta(minutes=5),
    ),
)

FOLLOWING = (
    Alarm(
        "erasures-late",
        "Somebody asked to be erased three weeks ago and is not. The law gives a month.",
        "ERASURE_FAILED in the log, or an order of theirs that does not end.",
        of_shop("ErasuresLate", "Maximum"),
        0,
        timedelta(minutes=5),
    ),
    Alarm(
        "dead-letters",
        "What follows a change or a call could not be done and lies in the queue of dead letters, for fourteen days.",
        "Nothing is lost, in docs/operations.md: mend the cause, then make redrive.",
        of_queue("ApproximateNumberOfMessagesVisible"),
        0,
        MINUTE,
    ),
    Alarm(
        "stream-age",
        "Mails, events, histories and the search are more than five minutes behind the table.",
        "RECORD_FAILED in the log of handle_table_stream: a record that fails holds up those behind it.",
        of_function("HandleTableStream", "IteratorAge", "Maximum"),
        MAX_STREAM_AGE_MS,
        MINUTE,
        periods=5,
    ),
    Alarm(
        "webhooks-behind",
        "A webhook that is due has waited for a quarter of an hour: not its receiver is late, we are.",
        "WEBHOOKS_DELIVERED in the log of deliver_webhooks, each minute? More lanes than a minute's work can do?",
        of_shop("WebhooksBehindAge", "Maximum"),
        MAX_WEBHOOK_AGE_SECONDS,
        timedelta(minutes=5),
    ),
)

ALARMS = (*API, *MONEY, *FOLLOWING, *FUNCTION_ALARMS)
