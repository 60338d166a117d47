"""How far the table's stream was delivered, and by whom."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds the number of the last record that was settled."""

    path: Path

    def read(self) -> int:
        """The number, or -1 when nothing was delivered yet."""
        try:
            return int(self.path.read_text())
        except FileNotFoundError:
            return -1

    def save(self, number: str) -> None:
        """Replace the number, all or nothing."""
        beside = self.path.with_suffix(".new")
        beside.write_text(number)
        beside.replace(self.path)


def only_pump(state: Path) -> bool:
    """Whether this process is the one that delivers the events of this state directory.

    The lock lives as long as the process.
    """
    descriptor = os.open(state / "pump.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True
