"""The admin looks after users."""

from __future__ import annotations

from tools.tour.party import NOBODY, Party


def manage(party: Party) -> None:
    """Carol is invited, changed, disabled, given a role, and deleted."""
    admin, run = party.admin, party.guide.run
    carol = {"email": party.address("carol"), "firstName": "Carol", "lastName": "Tour"}
    party.guide.tell("Carol is invited by mail.")
    made = admin("POST", "/users", carol, gives=201, Idempotency_Key=f"carol-{run}")
    path, tag = f"/users/{made.body['userId']}", made.headers["ETag"]
    party.guide.owe(admin, "DELETE", path)
    admin("POST", "/users", carol, gives=201, Idempotency_Key=f"carol-{run}")
    admin("POST", "/users", carol, gives=409, code="email_taken")
    admin("POST", "/users", {**carol, "roles": ["queen"]}, gives=400, code="validation_failed")
    admin("GET", "/users?limit=2&role=customer&status=active")
    admin("GET", "/users?role=queen", gives=400, code="validation_failed")
    admin("GET", path)
    admin("GET", path, gives=304, If_None_Match=tag)
    admin("GET", f"/users/{NOBODY}", gives=404, code="user_not_found")
    _change(party, path, tag)
    _promote(party, path)

    party.guide.tell("What was done with the account is on record; then it is deleted for good.")
    admin("GET", f"{path}/audit?limit=3")
    admin("GET", f"{path}/audit?limit=0", gives=400, code="validation_failed")
    admin("DELETE", path, gives=204)
    admin("DELETE", f"/users/{NOBODY}", gives=404, code="user_not_found")


def _change(party: Party, path: str, tag: str) -> None:
    admin = party.admin
    party.guide.tell("Her profile is replaced, or one thing of it changed.")
    names = {"firstName": "Caroline", "lastName": "Tour"}
    admin("PUT", path, names, If_Match=tag)
    admin("PUT", path, names, gives=412, code="user_changed", If_Match=tag)
    admin("PUT", path, {}, gives=400, code="validation_failed")
    admin("PUT", f"/users/{NOBODY}", names, gives=404, code="user_not_found")
    admin("PATCH", path, {"locale": "de"})
    admin("PATCH", path, {"locale": "de"}, gives=412, code="user_changed", If_Match=tag)
    admin("PATCH", path, {"locale": "?"}, gives=400, code="validation_failed")
    admin("PATCH", f"/users/{NOBODY}", {"locale": "de"}, gives=404, code="user_not_found")


def _promote(party: Party, path: str) -> None:
    admin = party.admin
    party.guide.tell("She may be disabled, and may be made an admin.")
    admin("PUT", f"{path}/status", {"status": "disabled", "reason": "a holiday"})
    admin("PUT", f"{path}/status", {"status": "active"})
    admin("PUT", f"{path}/status", {"status": "asleep"}, gives=400, code="validation_failed")
    admin("PUT", f"/users/{NOBODY}/status", {"status": "active"}, gives=404, code="user_not_found")
    admin("POST", f"{path}/roles", {"role": "admin"})
    admin("POST", f"{path}/roles", {"role": "queen"}, gives=400, code="validation_failed")
    admin("POST", f"/users/{NOBODY}/roles", {"role": "admin"}, gives=404, code="user_not_found")
    admin("DELETE", f"{path}/roles/admin")
    admin("DELETE", f"{path}/roles/queen", gives=404, code="not_found")
    admin("DELETE", f"/users/{NOBODY}/roles/admin", gives=404, code="user_not_found")
