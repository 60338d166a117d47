"""What is charged for what happens in a month: what comes, what follows from it, and what runs on schedule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tools.cost import functions
from tools.cost.load import SECONDS
from tools.cost.standing import GIGABYTE, Charge
from tools.cost.units import STREAM, Assumed, Assumptions, Measured, Units

API, AUTHORIZER, MAIL_EVENTS, ROTATION = "api_handler", "authorize", "handle_mail_events", "rotate_jwt_secret"
STEPS_OF_A_ROTATION = 4
RESERVOIR, SAMPLED_SHARE = 1, 0.05  # traces a second that X-Ray's rule always takes, and of what is beyond them


class Invocations(NamedTuple):
    """So many calls of a function in a month, and what each takes."""

    function: str
    number: float
    milliseconds: float
    units: Units


def amounts(
    interactions: float, measured: Measured, assumptions: Assumptions, *, milliseconds: float | None = None
) -> Iterator[Charge]:
    """What so many interactions and a month of schedules are charged for; `milliseconds` is said of each request."""
    assumed = assumptions.assumed
    requests = {name: interactions * share for name, share in assumptions.shares().items()}
    calls = [*_api(requests, measured, assumed, milliseconds), *_behind(requests, measured, assumed)]
    yield Charge("api_requests", interactions)
    yield from _of_functions(calls)
    yield Charge("table_reads", sum(each.number * each.units.reads for each in calls))
    yield Charge("table_writes", sum(each.number * each.units.writes for each in calls))
    yield from _of_what_is_told(calls, interactions, assumed)
    yield from _of_what_is_kept(requests, assumed)
    yield from _of_answers(calls, interactions, assumed)
    yield from _of_secrets(calls, interactions, assumed)
    yield Charge(
        "metrics", (measured.metrics - measured.metrics_idle) * bool(interactions), "metrics of what customers do"
    )


def _api(
    requests: dict[str, float], measured: Measured, assumed: Assumed, milliseconds: float | None
) -> Iterator[Invocations]:
    starts = assumed.cold_start_share * assumed.cold_start_milliseconds
    for name, number in requests.items():
        units = measured.units[name]
        provider = assumed.provider_milliseconds if name in assumed.provider_requests else 0
        computed = functions.milliseconds(API, units, assumed) + provider + starts
        yield Invocations(API, number, computed if milliseconds is None else milliseconds, units)
        if name in assumed.authorized_requests:
            asked = number / assumed.requests_of_a_verdict
            yield Invocations(AUTHORIZER, asked, assumed.authorizer_milliseconds, Units())


def _behind(requests: dict[str, float], measured: Measured, assumed: Assumed) -> Iterator[Invocations]:
    """What the stream hands on, what runs on schedule, and what AWS calls by itself."""
    mails = 0.0
    for name, number in requests.items():
        after = measured.after(name)
        mails += number * after.mails
        if after.runs:
            yield _each_run(STREAM, number, after, assumed)
    for name, number in functions.runs_in_a_month().items():
        yield _each_run(name, number, measured.units[name], assumed)
    one = Units(calls=2, reads=1, writes=1, log_bytes=300, runs=1)
    yield _each_run(MAIL_EVENTS, mails * assumed.bounced_share, one, assumed)
    yield _each_run(ROTATION, STEPS_OF_A_ROTATION, Units(calls=0, log_bytes=300, runs=1), assumed)


def _each_run(name: str, number: float, units: Units, assumed: Assumed) -> Invocations:
    """Calls of a function, where a unit may be several runs of it."""
    fields = ("calls", "reads", "writes", "milliseconds", "log_bytes", "mails", "events")
    each = Units(**{field: getattr(units, field) / units.runs for field in fields}, runs=1)
    return Invocations(name, number * units.runs, functions.milliseconds(name, each, assumed), each)


def _of_functions(calls: list[Invocations]) -> Iterator[Charge]:
    yield Charge("lambda_requests", sum(each.number for each in calls), "calls of all functions")
    for name in dict.fromkeys(each.function for each in calls):
        spent = sum(each.number * each.milliseconds for each in calls if each.function == name) / 1000
        yield Charge("lambda_gb_seconds", spent * functions.gigabytes(name), f"GB-seconds of {name}")


def _of_what_is_told(calls: list[Invocations], interactions: float, assumed: Assumed) -> Iterator[Charge]:
    mails = sum(each.number * each.units.mails for each in calls)
    logged = sum(each.number * (each.units.log_bytes + assumed.runtime_log_bytes) for each in calls)
    gigabytes = (logged + interactions * assumed.access_log_bytes) / GIGABYTE
    yield Charge("mails", mails)
    yield Charge("mail_gb", mails * assumed.mail_bytes / GIGABYTE)
    yield Charge("events", sum(each.number * each.units.events for each in calls))
    yield Charge("log_gb", gigabytes)
    yield Charge("log_kept_gb", gigabytes * assumed.log_kept_share)
    behind = {each.function for each in calls} - {API, AUTHORIZER}
    numbers = [interactions, *(sum(each.number for each in calls if each.function == name) for name in sorted(behind))]
    yield Charge("traces", sum(map(_sampled, numbers)))


def _sampled(number: float) -> float:
    """How many of a month's runs, evenly spread, X-Ray takes by its rule."""
    always = RESERVOIR * SECONDS
    return min(number, always) + max(0.0, number - always) * SAMPLED_SHARE


def _of_what_is_kept(requests: dict[str, float], assumed: Assumed) -> Iterator[Charge]:
    gigabytes = requests["POST /orders"] * assumed.months_kept * assumed.order_bytes / GIGABYTE
    yield Charge("table_gb", gigabytes, "GB of orders")
    yield Charge("table_recovery_gb", gigabytes)


def _of_answers(calls: list[Invocations], interactions: float, assumed: Assumed) -> Iterator[Charge]:
    answered = sum(each.number * each.units.answer_bytes for each in calls) + interactions * assumed.header_bytes
    pictures = interactions * assumed.pictures_an_interaction
    yield Charge("transfer_gb", answered / GIGABYTE)
    yield Charge("edge_requests", pictures)
    yield Charge("edge_gb", pictures * assumed.picture_bytes / GIGABYTE)
    yield Charge("object_reads", pictures * assumed.picture_miss_share)


def _of_secrets(calls: list[Invocations], interactions: float, assumed: Assumed) -> Iterator[Charge]:
    """A process reads its secrets when it is called and has not read them for a while."""
    busy = sum(each.number * each.milliseconds for each in calls if each.function == API) / 1000 / SECONDS
    reads = min(interactions, SECONDS / assumed.secret_seconds * max(1.0, busy)) * assumed.secrets_of_a_process
    yield Charge("secret_calls", reads)
    yield Charge("key_calls", reads, "calls, for the secrets")
