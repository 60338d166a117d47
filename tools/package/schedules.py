"""What becomes of a scheduled run that could not be called or ended in an exception: nothing is lost in silence.

EventBridge calls a function and forgets it; the Lambda service keeps the event, and calls again when the function
raises. What either gives up is a letter in the stage's dead-letter queue, of which `make redrive` knows what to do.

Work of each minute is not tried again: the next minute's run does all that is due, and a repetition would only meet
it. Work of an hour or a night is tried for as long as an hour.
"""

from typing import Any, NamedTuple

QUEUE = {"Fn::ImportValue": {"Fn::Sub": "ecommerce-${Stage}-DeadLetterQueueArn"}}


class Patience(NamedTuple):
    """How often and for how many seconds a run is tried again: by the Lambda service, and by EventBridge to call it."""

    retries: int
    calls: int
    seconds: int


EACH_MINUTE = Patience(retries=0, calls=2, seconds=60)
SELDOM = Patience(retries=2, calls=10, seconds=3600)
FUNCTIONS = {
    "RunScheduledWork": EACH_MINUTE,
    "DeliverWebhooks": EACH_MINUTE,
    "CheckStore": SELDOM,
    "RemindOfCarts": SELDOM,
    "SummariseSales": SELDOM,
    "HandleMailEvents": SELDOM,
}


def keep_failures(template: dict[str, Any]) -> None:
    """Add to a template, or to what is merged into it, where failed runs of its scheduled functions go."""
    for name, patience in FUNCTIONS.items():
        properties = template["Resources"][name]["Properties"]
        properties["EventInvokeConfig"] = {
            "MaximumRetryAttempts": patience.retries,
            "MaximumEventAgeInSeconds": patience.seconds,
            "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": QUEUE}},
        }
        event = properties.setdefault("Events", {}).setdefault(f"{name}Event", {}).setdefault("Properties", {})
        event["RetryPolicy"] = {
            "MaximumRetryAttempts": patience.calls,
            "MaximumEventAgeInSeconds": patience.seconds,
        }
        event["DeadLetterConfig"] = {"Arn": QUEUE}
