"""The admin has another system told what happens."""

from __future__ import annotations

from tools.tour.party import NOBODY, Party

# Where nobody listens: the endpoint is deleted before its deliveries are due.
NEW = {"url": "http://127.0.0.1:9099/tour", "events": ["order.*"], "description": "Of the tour"}


def be_told(party: Party) -> None:
    """An endpoint made, looked at, changed, tried, given another secret and deleted."""
    admin, run = party.admin, party.guide.run
    party.guide.tell("An endpoint; its secret is shown this once, and a repeat of the request does not show it again.")
    made = admin("POST", "/webhooks", NEW, gives=201, Idempotency_Key=f"hook-{run}")
    path = f"/webhooks/{made.body['webhookId']}"
    party.guide.owe(admin, "DELETE", path)
    admin("POST", "/webhooks", NEW, gives=201, Idempotency_Key=f"hook-{run}")
    admin("POST", "/webhooks", {**NEW, "events": ["nothing.ever"]}, gives=400, code="validation_failed")
    admin("GET", "/webhooks")
    admin("GET", "/webhooks?limit=0", gives=400, code="validation_failed")
    admin("GET", path)
    admin("GET", f"/webhooks/{NOBODY}", gives=404, code="webhook_not_found")
    tag = made.headers["ETag"]
    admin("PATCH", path, {"events": ["*"]}, If_Match=tag)
    admin("PATCH", path, {"events": ["*"]}, gives=412, code="webhook_changed", If_Match=tag)
    admin("PATCH", path, {"events": []}, gives=400, code="validation_failed")
    admin("PATCH", f"/webhooks/{NOBODY}", {"isActive": False}, gives=404, code="webhook_not_found")
    _try(party, path)

    party.guide.tell("It is deleted.")
    admin("DELETE", path, gives=412, code="webhook_changed", If_Match=tag)
    admin("DELETE", path, gives=204)
    admin("DELETE", path, gives=404, code="webhook_not_found")


def _try(party: Party, path: str) -> None:
    admin, run = party.admin, party.guide.run
    party.guide.tell("Another secret, a test event, and what became of it.")
    admin("POST", f"{path}/secret", gives=201, Idempotency_Key=f"secret-{run}")
    admin("POST", f"/webhooks/{NOBODY}/secret", gives=404, code="webhook_not_found")
    for _ in range(2):
        queued = admin("POST", f"{path}/test", gives=202, Idempotency_Key=f"test-{run}")
    admin("POST", f"/webhooks/{NOBODY}/test", gives=404, code="webhook_not_found")
    admin("GET", f"{path}/deliveries?limit=5")
    admin("GET", f"/webhooks/{NOBODY}/deliveries", gives=404, code="webhook_not_found")
    admin("POST", f"{path}/deliveries/{queued.body['deliveryId']}/retry", gives=202)
    admin("POST", f"{path}/deliveries/{NOBODY}/retry", gives=404, code="delivery_not_found")
