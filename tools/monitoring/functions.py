"""The functions of a stage, by their names in the template, and how often those run that a schedule calls."""

from dataclasses import dataclass
from datetime import timedelta

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Function:
    """A function: its logical id, its name in the app and the log, and the time between two runs of a scheduled one."""

    logical_id: str
    name: str
    every: timedelta | None = None

    @property
    def words(self) -> str:
        """The name as alarms have it."""
        return self.name.replace("_", "-")


FUNCTIONS = (
    Function("APIHandler", "api_handler"),
    Function("Authorize", "authorize"),
    Function("HandleTableStream", "handle_table_stream"),
    Function("RunScheduledWork", "run_scheduled_work", MINUTE),
    Function("DeliverWebhooks", "deliver_webhooks", MINUTE),
    Function("CheckStore", "check_store", DAY),
    Function("RemindOfCarts", "remind_of_carts", HOUR),
    Function("SummariseSales", "summarise_sales", HOUR),
    Function("HandleMailEvents", "handle_mail_events"),
    Function("RotateJwtSecret", "rotate_jwt_secret"),
)
