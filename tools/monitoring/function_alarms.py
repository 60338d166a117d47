"""The alarms that each function has: that it crashes, that it does not run, and while a release is under way."""

from collections.abc import Iterator
from datetime import timedelta

from tools.monitoring.alarm import Alarm, in_words
from tools.monitoring.functions import DAY, FUNCTIONS, HOUR, MINUTE, Function
from tools.monitoring.metrics import Maths, new_version_of, of_function, of_new_version, of_shop

SHIFTED = FUNCTIONS[:2]  # the API and its authorizer: the others take over at once
MIN_SILENCE = timedelta(minutes=5)  # Lambda's counts may come minutes late


def _errors(function: Function) -> Alarm:
    """What is called by people may fail now and then; what a clock calls may not."""
    runs_alone = function.every is not None or function.name in ("rotate_jwt_secret", "handle_mail_events")
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
                f"`{function.name}` did not run for {in_words(silence)}; it should every {in_words(function.every)}.",
                f"Is its rule in EventBridge enabled, and may it call? make job NAME={function.name} runs it now.",
                Maths("FILL(runs, 0)", {"runs": of_function(function.logical_id, "Invocations")}, "`Invocations`"),
                1,
                period,
                periods=silence // period,
                comparison="LessThanThreshold",
                missing="breaching",
            )


# While CodeDeploy shifts traffic, one of these takes the release back. They are about the new version alone, so that a
# release that mends a failure is not held up by it. Otherwise people need not know of a single one.
CANARY = (
    *(
        Alarm(
            f"canary-{function.words}-errors",
            f"The newest version of `{function.name}` crashes. It tells nobody, but takes back a release under way.",
            f"FUNCTION_FAILED in the log of {function.name}, then mend the release.",
            of_new_version(function.logical_id, "Errors"),
            0,
            MINUTE,
            tells=False,
        )
        for function in SHIFTED
    ),
    Alarm(
        "canary-failed-requests",
        "The newest version of the app answers 500. It tells nobody, but takes back a release under way.",
        "REQUEST_FAILED in the log of the API, then mend the release.",
        of_shop("VersionFailed", Version=new_version_of("APIHandler")),
        0,
        MINUTE,
        tells=False,
    ),
)

FUNCTION_ALARMS = (*map(_errors, FUNCTIONS), *_silences(), *CANARY)
