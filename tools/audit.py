"""`python -m tools.audit`: recompute what must add up in a shop, and say what does not (S5).

The shop is the local one, at CLOUD_PORT and PAYMENT_PORT; STAGE=dev or STAGE=prod names another, with your AWS
credentials. Safe at any time: it reads, and keeps its report where `GET /admin/audit` shows it. Exit codes: 0 all adds
up, 1 something drifts or could not be judged, 2 no audit.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

from chalicelib.aws import transport
from chalicelib.core import settings
from chalicelib.core.errors import Misconfigured, Unavailable
from chalicelib.reports import audit
from chalicelib.reports.models import Drift, DriftKind, Report
from tools import stage
from tools.refusal import Refusal, complain

_SECONDS = 4 * 3600


def main() -> int:
    """Audit the stage's store; the exit code."""
    try:
        stage.enter()
        stage.require_table()
        with redirect_stdout(sys.stderr):  # what is logged is not the answer
            report = audit.run(seconds=_SECONDS)
    except (Refusal, Misconfigured) as error:
        return complain(str(error))
    except (Unavailable, transport.RequestError) as error:
        return complain(f"The audit stopped: {error.__cause__ or error}. Run it again.")
    except KeyboardInterrupt:
        return complain("The audit was interrupted; run it again.", code=130)
    for drift in report.drifts:
        sys.stderr.write(f"{_sentence(drift)}\n")
    if report.unanswered:
        sys.stderr.write(f"{_silence(report.unanswered)}\n")
    print(_summary(report))
    return 1 if report.drifts or not report.complete else 0


def _sentence(drift: Drift) -> str:
    match drift.kind:
        case DriftKind.STOCK:
            return f"{drift.subject}: {drift.found} in stock, {drift.expected} by its movements and orders."
        case DriftKind.PAYMENT:
            return f"{drift.subject}: {drift.expected} paid by the order, {drift.found} by the provider (minor units)."
        case DriftKind.UNKNOWN_PAYMENT | DriftKind.UNKNOWN_REFUND:
            return f"{drift.subject}: {drift.found} moved by the provider for an order that nobody knows (minor units)."
        case DriftKind.REFUND:
            return f"{drift.subject}: {drift.expected} refunded by the order, {drift.found} by the provider."


def _silence(unanswered: int) -> str:
    at = f" at {settings.current().payment_url}" if settings.current().payment_url else ""
    return f"The payment provider{at} left {unanswered:,} questions unanswered; that money is not judged."


def _summary(report: Report) -> str:
    end = "" if report.complete or report.unanswered else " The time was over before the end."
    busy = f", {report.undecided} of them sold meanwhile and not judged" if report.undecided else ""
    return f"{report.products:,} products{busy}, {report.orders:,} orders: {len(report.drifts)} drift.{end}"


if __name__ == "__main__":
    sys.exit(main())
