"""Reports as the API shows them."""

from __future__ import annotations

from chalicelib.core.schema import View
from chalicelib.reports.models import Report


class LatestReportView(View, frozen=True, kw_only=True):
    """The last store audit, None before the first."""

    report: Report | None
