"""What `make close` shuts by calls to AWS can be shut by a variable as well, so that an apply does not open a shop."""

from __future__ import annotations

from tools.package.terraform.modules import Module
from tools.package.terraform.values import Reference

VARIABLE = "is_closed"
ABOUT = (
    "Does nobody get in, and no schedule run? A release says true while a shop that is closed goes to another table."
)
EVERY_METHOD = "*/*"
LIMITS = ("ThrottlingRateLimit", "ThrottlingBurstLimit")


def add_to(application: Module) -> None:
    """Let throttle and schedule hang on the variable; the stream's trigger runs always, for it reads one table only."""
    closed = f'{application.give(VARIABLE, ABOUT, Reference(f"var.{VARIABLE}")).text} == "true"'
    for made in (each for resources in application.resources.values() for each in resources):
        if made.terraform == "aws_cloudwatch_event_rule" and "ScheduleExpression" in made.arguments:
            made.arguments["State"] = Reference(f'{closed} ? "DISABLED" : "ENABLED"')
        if made.terraform == "aws_api_gateway_method_settings" and made.arguments["method_path"] == EVERY_METHOD:
            settings = made.arguments["settings"]
            settings |= {limit: Reference(f"{closed} ? 0 : {settings[limit]}") for limit in LIMITS}
