"""The scripts of the README and of the pages under docs, pasted into a shell."""

from __future__ import annotations

import json
import os
import re
import subprocess

from tests.e2e.conftest import ROOT, OpenShop
from tests.support.ports import free_port

# A reader waits until something has come, however slow the machine is today.
WAITS = {
    "sleep 2; curl": 'until curl -sS "$OUTBOX" | grep "Order $ORDER confirmed" > /dev/null; do sleep 0.2; done; curl',
    "for second in $(seq 75); do": "while sleep 0.2; do",
    "|| break; sleep 1; done": "|| break; done",
    "sleep 1; paid $ORDER": 'until [ "$(paid $ORDER)" = paid ]; do sleep 0.2; done; paid $ORDER',
}


FIRST_ORDER = ("README.md", "Your first order")
PAYMENTS = ("docs/payments.md", "Payments that do not go smoothly")
WEBHOOKS = ("docs/webhooks.md", "On this machine")


def scripts(page: str) -> dict[str, str]:
    """The scripts of a page by the chapters that they are in."""
    chapters = re.split(r"^## (.+)$", (ROOT / page).read_text(), flags=re.MULTILINE)
    found = {
        title: re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) for title, text in pairs(chapters)
    }
    assert all(len(each) < 2 for each in found.values()), f"{page} has chapters with two scripts"
    return {title: each[0] for title, each in found.items() if each}


def pairs(split: list[str]) -> list[tuple[str, str]]:
    return list(zip(["", *split[1::2]], split[::2], strict=True))


def pasted(shop: OpenShop, *chapters: tuple[str, str]) -> str:
    """What the scripts of these chapters print, one after the other in one terminal."""
    script = "\n".join(scripts(page)[chapter] for page, chapter in chapters)
    for line, patient in WAITS.items():
        script = script.replace(line, patient)
    assert "sleep" not in script.replace("sleep 0.2", "")
    addresses = {
        "SHOP": shop.url,
        "OUTBOX": f"http://127.0.0.1:{shop.cloud_port}/_ministack/ses/messages",
        "PAYMENTS": f"http://127.0.0.1:{shop.payment_port}",
        "HOOKS": f"http://127.0.0.1:{free_port()}",
    }
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, **addresses},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


ELSEWHERE = "docs/deploying.md"  # tests/deployed/test_deploying_page.py


def test_no_script_of_a_document_goes_untested() -> None:
    pages = ["README.md", "CONTRIBUTING.md", *(str(page.relative_to(ROOT)) for page in (ROOT / "docs").rglob("*.md"))]

    pages.remove(ELSEWHERE)
    assert {(page, title) for page in pages for title in scripts(page)} == {FIRST_ORDER, PAYMENTS, WEBHOOKS}


def test_the_first_order_of_the_readme_runs_as_written(open_shop: OpenShop) -> None:
    ran = pasted(open_shop, FIRST_ORDER)

    before, after, end = (int(number) for number in re.findall(r"stock \w+(?: the end)?: (\d+)", ran))
    assert (after, end) == (before - 2, before)
    assert re.search(r"^processing\nOrder ord_\w+ confirmed\nrefunded$", ran, re.MULTILINE)


def test_the_payments_of_the_page_about_them_end_as_written(open_shop: OpenShop) -> None:
    ran = pasted(open_shop, FIRST_ORDER, PAYMENTS)

    told = [line for line in ran.partition("stock at the end")[2].split("\n")[1:] if not line.startswith("{")]
    assert told == ["requires_action", "paid", "unknown", "paid", ""]


def test_the_webhook_of_the_page_about_them_is_delivered_as_written(open_shop: OpenShop) -> None:
    ran = pasted(open_shop, FIRST_ORDER, WEBHOOKS)

    lines = ran.partition("stock at the end")[2].split("\n")[1:]
    came = [json.loads(line.removeprefix("came: ")) for line in lines if line.startswith("came: ")]
    made, queued, *told = [line for line in lines if not line.startswith("came: ")]
    webhook, delivery = json.loads(made), json.loads(queued)
    assert webhook["secret"].startswith("whsec_")
    assert (webhook["events"], delivery["state"]) == (["order.*"], "pending")
    assert came == [delivery["payload"]]
    assert (came[0]["type"], came[0]["data"]["webhookId"]) == ("webhook.test.v1", webhook["webhookId"])
    assert told[0] == "delivered"
    assert json.loads(told[1])[0]["status"] == 204
    assert told[2:] == [""]
