"""The one release that a closed shop takes: after a restore, when what is deployed has to follow to another table.

It opens nothing, so nobody buys until all of it is at the new table: CloudFormation leaves alone what the template does
not change, and Terraform is told by a variable. The smoke test before the traffic calls the new versions past the API,
and so works; the one over HTTP cannot. The stream's trigger runs meanwhile, for the order of the smoke test is mailed
by it, and it reads the new table only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tools.refusal import Refusal
from tools.restore import gate, switch
from tools.stages.settings import Stage


def moves(stage: Stage) -> bool:
    """Is the shop closed, and something of it at another table than its settings say?

    Raises `Refusal` when it is closed and all of it is at its table: then it can be opened, and tried by buying.
    """
    if not gate.is_closed(stage):
        return False
    if not switch.find_behind(stage):
        raise Refusal(f"{stage.name} is closed, and a release is tried by buying: make open STAGE={stage.name} first.")
    return True


@contextmanager
def keep(stage: Stage) -> Iterator[None]:
    """Close the shop again after what changes it, whether that went well or not.

    Not when it was interrupted: AWS goes on then, and needs the trigger for the smoke test.
    """
    try:
        yield
    except Refusal as refusal:
        gate.close(stage)
        raise Refusal(f"{refusal}\n{stage.name} stays closed.") from refusal
    gate.close(stage)


def next_step(stage: Stage) -> str:
    """What comes after such a release, in a line."""
    return (
        f"{stage.name} is at the table {stage.table_name}, and closed still, so nobody bought over HTTP: "
        f"make open STAGE={stage.name}, then make smoke."
    )
