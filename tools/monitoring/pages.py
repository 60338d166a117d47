"""What docs/operations.md repeats of the alarms: a row each, which the description of an alarm names."""

from tools.monitoring.alarms import ALARMS


def alarms() -> str:
    """Every alarm with when it rings, what that means and what to do."""
    rows = [f"| `{each.name}` | {each.when} | {each.meaning} | {each.do} |" for each in ALARMS]
    return "\n".join(["| alarm | rings when | means | do |", "|---|---|---|---|", *rows, ""])
