"""What requests and functions take, as it was measured (units.toml), and what is assumed (mix.toml)."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import msgspec

MEASURED = Path(__file__).with_name("units.toml")
ASSUMED = Path(__file__).with_name("mix.toml")
STREAM = "handle_table_stream"


class Units(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one request takes, or one call of a function: calls to the table, capacity, time to compute, bytes."""

    calls: float = 0
    reads: float = 0
    writes: float = 0
    milliseconds: float = 0
    log_bytes: float = 0
    answer_bytes: float = 0
    mails: float = 0
    events: float = 0
    runs: float = 0


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that was measured on a day, by the names of requests and functions."""

    measured: date
    metrics_idle: int
    metrics: int
    units: dict[str, Units]

    def after(self, request: str) -> Units:
        """What the stream's function takes after such a request."""
        return self.units.get(f"{STREAM} after {request}", Units())


class Assumed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each of these is, says mix.toml."""

    table_milliseconds: float
    provider_milliseconds: float
    runtime_milliseconds: float
    provider_requests: tuple[str, ...]
    authorized_requests: tuple[str, ...]
    requests_of_a_verdict: float
    authorizer_milliseconds: float
    cold_start_share: float
    cold_start_milliseconds: float
    runtime_log_bytes: float
    access_log_bytes: float
    log_kept_share: float
    header_bytes: float
    mail_bytes: float
    bounced_share: float
    secret_seconds: float
    secrets_of_a_process: float
    product_bytes: float
    order_bytes: float
    months_kept: float
    pictures_an_interaction: float
    picture_bytes: float
    picture_miss_share: float
    kept_picture_gb: float
    alert_mails: float
    dead_letters: float
    alarms_of_a_scaling_policy: int


class Assumptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each request is made, and what else is assumed."""

    mix: dict[str, float]
    assumed: Assumed

    def shares(self) -> dict[str, float]:
        """Each request's part of all, which together are 1."""
        together = sum(self.mix.values())
        return {name: number / together for name, number in self.mix.items()}


@cache
def measured() -> Measured:
    """What was measured."""
    return msgspec.toml.decode(MEASURED.read_bytes(), type=Measured)


@cache
def assumptions() -> Assumptions:
    """What is assumed."""
    return msgspec.toml.decode(ASSUMED.read_bytes(), type=Assumptions)
