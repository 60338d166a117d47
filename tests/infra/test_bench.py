"""What is measured can still be measured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import dated

pytestmark = pytest.mark.no_cover  # it would take nearly twice as long, and others run these lines

ROOT = Path(__file__).parents[2]


def test_every_order_that_goes_through_the_pump_of_the_local_aws_is_confirmed_and_told_once() -> None:
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", *dated.VARIABLES) if name in os.environ}

    ran = subprocess.run(
        [sys.executable, "-m", "bench.event_throughput", "--orders", "20"],
        cwd=ROOT, env=plain, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith(
        "20 orders: 20 confirmations, 20 order.created events; 0 orders have not exactly one of each.\n"
    )
