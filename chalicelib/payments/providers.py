"""Which payment provider a stage uses."""

from __future__ import annotations

from chalicelib.core import settings
from chalicelib.core.errors import Misconfigured
from chalicelib.payments.port import Provider


def current() -> Provider:
    """The provider of this stage. Raises `Misconfigured` when it may not use it, or has no credentials for it."""
    name, stage = settings.current().payment_provider, settings.current().stage
    if name == "simulator" and stage != "prod":
        from chalicelib.payments.simulator import in_table  # noqa: PLC0415 - a stage loads only the provider that it uses

        return in_table.Simulator()
    if name == "simulator-http" and stage != "prod":
        from chalicelib.payments.simulator import over_http  # noqa: PLC0415 - see above

        return over_http.current()
    if name == "stripe":
        from chalicelib.payments.stripe import provider as stripe_provider  # noqa: PLC0415 - costs 100 ms: only where it is used

        return stripe_provider.current()
    message = f"PAYMENT_PROVIDER is {name!r}, which stage {stage} cannot use: stripe, or outside prod a simulator."
    raise Misconfigured(message)
