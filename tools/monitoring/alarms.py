"""Every alarm of a stage: what it means, when it rings, and what to do then.

A percentage says nothing about two requests at night, so each has a least number of failures, or of requests. Some
alarms fill the gaps of a metric with 0: what AWS writes only when something happens would otherwise never end, as in
AWS/DynamoDB, or would be told as missing too late, see docs/adr/0050.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from tools.monitoring.functions import DAY, FUNCTIONS, HOUR, MINUTE, Function
from tools.monitoring.metrics import Maths, Metric, of_api, of_function, of_live, of_queue, of_shop, of_table

MIN_FAILURES = 3
MIN_REFUSALS = 20
MIN_REQUESTS = 20
MAX_STREAM_AGE_MS = 300_000
MAX_DOUBT_SECONDS = 3600
MAX_WEBHOOK_AGE_SECONDS = 900
MIN_SILENCE = timedelta(minutes=5)  # Lambda's counts may come minutes late
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

Comparison = Literal["GreaterThanThreshold", "LessThanThreshold"]
Missing = Literal["breaching", "notBreaching", "ignore"]


@dataclass(frozen=True)
class Alarm:
    """Rings when the value was beyond the threshold in each of the last `periods`; one that tells nobody is for AWS."""

    name: str
    meaning: str
    do: str
    of: Metric | Maths
    threshold: float
    period: timedelta
    periods: int = 1
    comparison: Comparison = "GreaterThanThreshold"
    missing: Missing = "notBreaching"
    tells: bool = True

    @property
    def logical_id(self) -> str:
        """Its name in the template."""
        return "".join(word[0].upper() + word[1:] for word in self.name.split("-")) + "Alarm"

    @property
    def when(self) -> str:
        """When it rings, in words."""
        what = self.of.words if isinstance(self.of, Maths) else f"`{self.of.name}` ({self.of.statistic})"
        sign = ">" if self.comparison == "GreaterThanThreshold" else "<"
        many = f", {self.periods} times running" if self.periods > 1 else ""
        return f"{what} {sign} {self.threshold:,g} in {_in_words(self.period)}{many}"


def _in_words(time: timedelta) -> str:
    minutes = int(time.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


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


def _errors(function: Function) -> Alarm:
    """What is called by people may fail now and then; what a clock calls may not."""
    runs_alone = function.every is not None or function.name == "rotate_jwt_secret"
    return Alarm(
        f"{function.words}-errors",
        f"`{function.name}` crashed, or ran out of time or memory.",
        "FUNCTION_FAILED in its log has the reason; without one, its REPORT lines say time-out or memory."
        if function.name != "rotate_jwt_secret"
        else "The signing key was not replaced, and the old one stays good: Keys, in docs/operations.md.",
        of_function(function.logical_id, "Errors"),
        0 if runs_alone else 10,
        timedelta(minutes=5),
    )


def _silences() -> Iterator[Alarm]:
    """No run of a scheduled function in twice the time between two. A new stage's rings until the first run."""
    for function in FUNCTIONS:
        if function.every is not None:
            silence = max(2 * function.every, MIN_SILENCE)
            period = {DAY: HOUR, HOUR: timedelta(minutes=10), MINUTE: MINUTE}[function.every]
            yield Alarm(
                f"{function.words}-silent",
                f"`{function.name}` did not run for {_in_words(silence)}; it should every {_in_words(function.every)}.",
                f"Is its rule in EventBridge enabled, and may it call? make job NAME={function.name} runs it now.",
                Maths("FILL(runs, 0)", {"runs": of_function(function.logical_id, "Invocations")}, "`Invocations`"),
                1,
                period,
                periods=silence // period,
                comparison="LessThanThreshold",
                missing="breaching",
            )


# While CodeDeploy shifts traffic, one of these takes the release back. Otherwise people need not know of a single one.
CANARY = (
    *(
        Alarm(
            f"canary-{function.words}-errors",
            f"`{function.name}` crashes. It tells nobody, but takes back a release that is under way.",
            f"FUNCTION_FAILED in the log of {function.name}, then mend the release.",
            of_live(function.logical_id, "Errors"),
            0,
            MINUTE,
            tells=False,
        )
        for function in FUNCTIONS[:3]
    ),
    Alarm(
        "canary-failed-requests",
        "The app answers 500. It tells nobody, but takes back a release that is under way.",
        "REQUEST_FAILED in the log of the API, then mend the release.",
        of_shop("RequestFailed"),
        0,
        MINUTE,
        tells=False,
    ),
)

ALARMS = (*API, *MONEY, *FOLLOWING, *map(_errors, FUNCTIONS), *_silences(), *CANARY)
