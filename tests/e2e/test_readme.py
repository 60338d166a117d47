"""The README's transcript, pasted into a shell."""

from __future__ import annotations

import os
import re
import subprocess

from tests.e2e.conftest import ROOT, LocalShop


def test_the_first_order_of_the_readme_runs_as_written(local_shop: LocalShop) -> None:
    readme = (ROOT / "README.md").read_text()
    (script,) = re.findall(r"## Your first order\n.*?```sh\n(.*?)```", readme, re.DOTALL)
    outbox = f"http://127.0.0.1:{local_shop.cloud_port}/_ministack/ses/messages"

    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"TOKEN=\n{script}"],
        env={**os.environ, "SHOP": local_shop.url, "OUTBOX": outbox},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout

    before, after, end = (int(number) for number in re.findall(r"stock \w+(?: the end)?: (\d+)", ran))
    assert (after, end) == (before - 2, before)
    assert re.search(r"^processing\nOrder ord_\w+ confirmed\nrefunded$", ran, re.MULTILINE)
