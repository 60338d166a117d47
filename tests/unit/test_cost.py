"""What a month costs: sums that add up, cases computed by hand, and that more never costs less."""

from __future__ import annotations

import itertools
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tools import stages
from tools.cost import __main__ as command
from tools.cost import bill, functions, prices, scaling, standing, traffic, units
from tools.cost.load import DAYS, HOURS, parse_load
from tools.cost.prices import ListPrice, Tier
from tools.cost.standing import Charge
from tools.cost.units import Assumptions, Measured, Units
from tools.refusal import Refusal
from tools.stages.edge import Edge
from tools.stages.foundation import Capacity, Foundation, PrivateNetwork
from tools.templates import options

PROD = stages.read("prod")
MILLION = 1_000_000
LOADS = st.floats(0, 1e10)


@pytest.mark.parametrize(
    ("text", "interactions"),
    [
        ("3000/day", 91_250),
        ("300_000/day", 9_125_000),
        ("0/day", 0),
        ("10/second", 26_280_000),
        ("1.5/minute", 65_700),
        ("100/hour", 73_000),
        ("90,000/month", 90_000),
    ],
)
def test_a_load_is_a_number_in_a_time(text: str, interactions: float) -> None:
    assert parse_load(text) == pytest.approx(interactions)


@pytest.mark.parametrize(
    "text", ["", "many", "3000", "3000/week", "-1/day", "3000/day/day", "1e9/day", "/day", "٣/day", f"{'9' * 400}/day"]
)
def test_what_is_no_load_is_refused_in_one_sentence(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refusal, match="LOAD="):
        parse_load(text)

    assert command.main([text, "prod"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_number_of_milliseconds_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MS", "long")

    with pytest.raises(Refusal, match="MS=long is no number of milliseconds"):
        command.table("1/day", "prod")


# --- Prices


def test_what_is_over_an_amount_costs_what_its_tier_says() -> None:
    price = ListPrice(
        service="", dollars=3.5, per=MILLION, unit="", page="", free=1000,
        above=(Tier(333 * MILLION, 2.8), Tier(1000 * MILLION, 2.38)),
    )  # fmt: skip

    assert price.of(MILLION) == 3.5
    assert price.of(400 * MILLION) == pytest.approx(333 * 3.5 + 67 * 2.8)
    assert price.of(1100 * MILLION) == pytest.approx(333 * 3.5 + 667 * 2.8 + 100 * 2.38)
    assert price.of(999, has_free_tier=True) == 0
    assert price.of(MILLION + 1000, has_free_tier=True) == 3.5


def test_every_price_says_where_it_stands() -> None:
    for price in prices.current().prices.values():
        assert price.page.startswith("https://aws.amazon.com/")
        assert price.dollars > 0
        assert [tier.over for tier in price.above] == sorted(tier.over for tier in price.above)


def test_what_is_free_of_a_price_is_free_once() -> None:
    lines = [*bill.priced([Charge("log_gb", 4, "one"), Charge("log_gb", 4, "two")], has_free_tier=True)]

    assert [line.dollars for line in lines] == [0, Decimal("1.5000")]


# --- A month


def test_a_month_computed_by_hand() -> None:
    """A million orders that each read 2 and write 10 units, log 1,000 bytes, and make one mail and two events."""
    nothing = {name: Units(runs=1) for name in functions.runs_in_a_month()}
    order = Units(calls=10, reads=2, writes=10, milliseconds=48, log_bytes=1000, answer_bytes=200, runs=1)
    after = Units(mails=1, events=2, runs=1)
    own = {"POST /orders": order, "handle_table_stream after POST /orders": after}
    measured = Measured(date(2026, 11, 28), 3, 5, nothing | own)
    assumed = replace(
        units.assumptions().assumed, cold_start_share=0, table_milliseconds=5, runtime_milliseconds=2,
        provider_milliseconds=400, runtime_log_bytes=0, access_log_bytes=500, header_bytes=800, bounced_share=0,
    )  # fmt: skip

    lines = [*bill.priced(traffic.amounts(MILLION, measured, Assumptions({"POST /orders": 1}, assumed)))]

    cost = {(line.service, line.what): line.dollars for line in lines}
    assert cost["API Gateway", "requests"] == Decimal("3.5")
    assert cost["DynamoDB", "read units"] == Decimal("0.25")  # 2 million at 0.125
    assert cost["DynamoDB", "write units"] == Decimal("6.25")  # 10 million at 0.625
    # 48 ms of a whole processor, ten calls at 5 ms, 400 of the provider's and 2: half a second of 1769 MB.
    assert cost["Lambda", "GB-seconds of api_handler"] == round(Decimal(500_000 * 1769 / 1024 * 0.0000166667), 4)
    assert cost["SES", "mails"] == 100
    assert cost["EventBridge", "events of the shop"] == 2
    assert cost["CloudWatch", "GB of log taken"] == Decimal("0.75")  # 1,000 and 500 bytes, a million times
    assert cost["CloudWatch", "metrics of what customers do"] == Decimal("0.6")
    assert cost["Data transfer", "GB of answers to the internet"] == Decimal("0.09")


def test_what_is_printed_adds_up() -> None:
    text = command.table("300000/day", "prod")

    services = [
        Decimal(found.replace(",", "")) for found in re.findall(r"^[A-Z][\w -]+? +([\d,]+\.\d{4})$", text, re.MULTILINE)
    ]
    lines = [
        Decimal(found.replace(",", "")) for found in re.findall(r"^ +[\d,.]+ .* +([\d,]+\.\d{4})$", text, re.MULTILINE)
    ]
    *each, together = services
    assert len(each) == len({line.service for line in bill.month(PROD, parse_load("300000/day"))})
    assert sum(each) == sum(lines) == together


def test_without_any_load_it_is_paid_for_what_stands() -> None:
    idle = bill.month(PROD, 0)

    standing_ = {line.what: line.dollars for line in idle}
    assert standing_["secrets"] == Decimal("0.8")
    assert standing_["keys"] == 1
    assert standing_["dashboards"] == 3
    assert standing_["metrics in alarms"] > 5
    assert standing_["metrics of the shop that runs on schedule write"] > 1
    assert bill.total(idle) == pytest.approx(15, abs=3)
    assert max(
        bill.total(line for line in idle if line.service == name) for name in {line.service for line in idle}
    ) == (bill.total(line for line in idle if line.service == "CloudWatch"))


def test_three_thousand_a_day_cost_cents_a_day() -> None:
    more = bill.total(bill.month(PROD, parse_load("3000/day"))) - bill.total(bill.month(PROD, 0))

    assert 0 < more / Decimal(DAYS) < Decimal("0.5")


def test_the_free_tier_is_counted_where_it_is_asked_for() -> None:
    paid, free = (bill.total(bill.month(PROD, 90_000, has_free_tier=each)) for each in (False, True))

    assert free < paid


def test_the_time_of_requests_can_be_said() -> None:
    def spent(milliseconds: float | None) -> Decimal:
        lines = bill.month(PROD, MILLION, milliseconds=milliseconds)
        return next(line.dollars for line in lines if line.what == "GB-seconds of api_handler")

    assert spent(1000) == round(Decimal(MILLION * 1769 / 1024 * 0.0000166667), 4)
    assert spent(10) < spent(None) < spent(1000)


@given(LOADS, LOADS)
def test_more_load_never_costs_less(one: float, other: float) -> None:
    least, most = (_of_load(each) for each in sorted((one, other)))

    assert least <= most


def _of_load(interactions: float) -> Decimal:
    return bill.total(bill.priced(traffic.amounts(interactions, units.measured(), units.assumptions())))


def test_every_request_of_the_mix_is_measured() -> None:
    assumptions = units.assumptions()

    assert set(assumptions.mix) <= set(units.measured().units)
    assert {*assumptions.assumed.provider_requests, *assumptions.assumed.authorized_requests} <= set(assumptions.mix)
    assert set(functions.runs_in_a_month()) <= set(units.measured().units)


# --- What stands


def test_of_every_type_of_resource_it_is_said_what_it_costs_and_of_no_other() -> None:
    stage = replace(options.stage("prod"), alert_email="people@example.com")
    types = {each.get("Type") for each in standing.found_resources(stage).values()}

    free = {f"{service}::{kind}" for service, kinds in standing.WITHOUT_RENT.items() for kind in kinds}
    known = [*free, *standing.COUNTED, *standing.LOOKED_INTO]
    assert sorted(known) == sorted(types - {None})  # and so each once


@pytest.mark.parametrize(
    ("foundation", "lines"),
    [
        (Foundation(own_keys=True), {"keys": Decimal(2)}),
        (
            Foundation(provisioned_concurrency={"authorize": 2}),
            {"GB-seconds of authorize kept warm": round(Decimal(2 * 2_628_000 * 4.1667e-6), 4)},
        ),
        (
            Foundation(provisioned=Capacity(least_reads=5, most_reads=50, least_writes=4, most_writes=40)),
            {
                "hours of a read unit a second": round(Decimal(5 * 3 * HOURS * 0.00013), 4),
                "hours of a write unit a second": round(Decimal(4 * 3 * HOURS * 0.00065), 4),
                "metrics in alarms of auto-scaling": Decimal("2.4"),
            },
        ),
        (
            Foundation(private_network=PrivateNetwork(functions=("authorize",), nat=True, zones=2)),
            {"hours of a NAT gateway": Decimal("32.85"), "hours of a public address": Decimal("3.65")},
        ),
    ],
)
def test_an_option_costs_what_it_makes(foundation: Foundation, lines: dict[str, Decimal]) -> None:
    stage = replace(PROD, foundation=foundation)
    before = bill.total(bill.month(PROD, 0))

    on = bill.month(stage, 0)

    assert {line.what: line.dollars for line in on if line.what in lines} == lines
    assert bill.total(on) > before


@pytest.mark.parametrize(
    ("edge", "lines"),
    [
        (
            Edge(firewall=True),
            {"web ACLs": Decimal(5), "rules": Decimal(4), "requests that it looks at": Decimal("0.6")},
        ),
        (Edge(firewall=True, allowed_countries=("DE",)), {"rules": Decimal(5)}),
        (Edge(firewall=True, distribution=True), {"requests to the API": Decimal(1), "secrets": Decimal("1.2")}),
        (Edge(caches_products=True), {"hours of 0.5 GB": Decimal("14.6")}),
    ],
)
def test_an_option_before_the_api_costs_what_it_makes_and_what_comes_through_it(
    edge: Edge, lines: dict[str, Decimal]
) -> None:
    stage = replace(PROD, edge=edge)

    on = bill.month(stage, MILLION)

    assert {what: bill.total(line for line in on if line.what == what) for what in lines} == lines


def test_endpoints_cost_by_the_zone() -> None:
    def hours(zones: int) -> float:
        network = PrivateNetwork(functions=("api_handler",), nat=True, zones=zones)
        stage = replace(PROD, foundation=Foundation(private_network=network))
        return next(line.amount for line in bill.month(stage, 0) if line.what == "hours of an endpoint in a zone")

    assert hours(3) == hours(2) * 1.5


# --- A day that is scaled


def test_a_table_that_is_large_enough_throttles_nothing_and_one_with_too_low_a_bound_does() -> None:
    throttled = {name: day.throttled for name, day in scaling.days().items()}

    assert throttled["enough"] == 0
    assert throttled["too low a maximum"] > throttled["too low a minimum"] > 0


def test_what_is_above_the_most_for_long_is_throttled() -> None:
    most = 120
    day = scaling.simulate([300.0] * 60, scaling.Policy(least=100, most=most)).minutes

    assert {each.capacity for each in day} == {100, most}
    assert day[-1].throttled == (300 - most) * 60


def test_two_minutes_above_the_target_scale_out_and_fifteen_below_scale_in() -> None:
    loads = [80.0] * 2 + [10.0] * 30
    day = scaling.simulate(loads, scaling.Policy(least=20, most=200)).minutes

    grown = next(minute for minute, each in enumerate(day) if each.capacity > 20)
    shrunk = next(
        minute for minute, each in enumerate(day) if minute > grown and each.capacity < day[minute - 1].capacity
    )
    assert grown == scaling.MINUTES_ABOVE - 1 + scaling.MINUTES_TO_CHANGE
    assert shrunk == grown + scaling.MINUTES_BELOW - 1 + scaling.MINUTES_TO_CHANGE


def test_one_minute_above_the_target_scales_nothing() -> None:
    day = scaling.simulate([10.0, 80.0, 10.0] * 20, scaling.Policy(least=20, most=200)).minutes

    assert {each.capacity for each in day} == {20}


def test_capacity_of_the_last_five_minutes_may_be_used_at_once() -> None:
    loads = [0.0] * 10 + [120.0]
    *_, last = scaling.simulate(loads, scaling.Policy(least=20, most=20)).minutes

    assert last.throttled == 120 * 60 - 20 * 60 - 20 * scaling.BURST_SECONDS


def test_capacity_shrinks_four_times_a_day_and_then_once_an_hour() -> None:
    waves = ([70.0] * 20 + [1.0] * 25) * 20
    day = scaling.simulate(waves, scaling.Policy(least=10, most=200)).minutes

    shrinks = [minute for minute in range(1, len(day)) if day[minute].capacity < day[minute - 1].capacity]
    later = [after - before for before, after in itertools.pairwise(shrinks[3:])]
    assert later
    assert min(later) >= scaling.HOUR


def test_a_day_costs_by_the_hour_or_by_the_unit() -> None:
    day = scaling.simulate([10.0] * scaling.MINUTES, scaling.Policy(least=20, most=20))

    assert day.dollars_provisioned == pytest.approx(20 * 24 * 0.00065)
    assert day.dollars_on_demand == pytest.approx(10 * 86_400 * 0.625e-6)
