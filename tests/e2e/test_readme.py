"""The README's transcripts, pasted into a shell."""

from __future__ import annotations

import json
import os
import re
import subprocess

from tests.e2e.conftest import ROOT, LocalShop
from tests.support.ports import free_port

# A reader waits until something has come, however slow the machine is today.
WAITS = {
    "sleep 2; curl": 'until curl -sS "$OUTBOX" | grep "Order $ORDER confirmed" > /dev/null; do sleep 0.2; done; curl',
    "for second in $(seq 75); do": "while sleep 0.2; do",
    "|| break; sleep 1; done": "|| break; done",
    "sleep 1; paid $ORDER": 'until [ "$(paid $ORDER)" = paid ]; do sleep 0.2; done; paid $ORDER',
}


def pasted(shop: LocalShop, *chapters: str) -> str:
    """What the scripts of these chapters print, one after the other in one terminal."""
    readme = (ROOT / "README.md").read_text()
    scripts = [re.findall(rf"## {chapter}\n.*?```sh\n(.*?)```", readme, re.DOTALL)[0] for chapter in chapters]
    script = "\n".join(["TOKEN=", *scripts])
    for line, patient in WAITS.items():
        script = script.replace(line, patient)
    assert "sleep" not in script.replace("sleep 0.2", "")
    addresses = {
        "SHOP": shop.url,
        "OUTBOX": f"http://127.0.0.1:{shop.cloud_port}/_ministack/ses/messages",
        "PAYMENTS": f"http://127.0.0.1:{shop.payment_port}",
        "HOOKS": f"http://127.0.0.1:{free_port()}",
    }
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, **addresses},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    ).stdout


def test_the_first_order_of_the_readme_runs_as_written(local_shop: LocalShop) -> None:
    ran = pasted(local_shop, "Your first order")

    before, after, end = (int(number) for number in re.findall(r"stock \w+(?: the end)?: (\d+)", ran))
    assert (after, end) == (before - 2, before)
    assert re.search(r"^processing\nOrder ord_\w+ confirmed\nrefunded$", ran, re.MULTILINE)


def test_the_payments_of_the_readme_end_as_written(local_shop: LocalShop) -> None:
    ran = pasted(local_shop, "Your first order", "Payments that do not go smoothly")

    told = [line for line in ran.partition("stock at the end")[2].split("\n")[1:] if not line.startswith("{")]
    assert told == ["requires_action", "paid", "unknown", "paid", ""]


def test_the_webhook_of_the_readme_is_delivered_as_written(local_shop: LocalShop) -> None:
    ran = pasted(local_shop, "Your first order", "Webhooks")

    lines = ran.partition("stock at the end")[2].split("\n")[1:]
    came = [json.loads(line.removeprefix("came: ")) for line in lines if line.startswith("came: ")]
    made, queued, *told = [line for line in lines if not line.startswith("came: ")]
    webhook, delivery = json.loads(made), json.loads(queued)
    assert webhook["secret"].startswith("whsec_")
    assert (webhook["events"], delivery["state"]) == (["order.*"], "pending")
    assert came == [delivery["payload"]]
    assert (came[0]["type"], came[0]["data"]["webhookId"]) == ("webhook.test.v1", webhook["webhookId"])
    assert told[0] == "delivered"
    assert "'status': 204" in told[1]
    assert told[2:] == [""]
