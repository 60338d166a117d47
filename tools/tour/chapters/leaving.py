"""Ada and Bob leave for good."""

from __future__ import annotations

from tools.tour.party import NOBODY, Party


def leave(party: Party) -> None:
    """A copy of all data, being forgotten at once or when the last order is over, and by an admin."""
    ada, admin = party.ada, party.admin
    user = ada("GET", "/auth/me").body["userId"]
    party.guide.tell("Ada takes a copy of all that the shop knows of her.")
    ada("GET", "/users/profile/export")

    party.guide.tell("With an order under way she has to wait, and may stay after all.")
    order = party.order(ada).body["orderId"]
    ada("DELETE", "/users/profile", gives=202)
    party.order(ada, gives=409, code="erasure_scheduled")
    ada("DELETE", "/users/profile/erasure", gives=204)
    ada("PUT", f"/orders/{order}/cancel")

    party.guide.tell("Without one she is forgotten at once, and nobody logs in as her.")
    ada("DELETE", "/users/profile", gives=204)
    ada("GET", "/auth/me", gives=401)
    party.guide.paid(f"/users/{user}")

    party.guide.tell("Bob asked the admin to forget him. An admin gives up the role first.")
    bob = party.bob("GET", "/auth/me").body["userId"]
    admin("POST", f"/users/{bob}/erasure", gives=204)
    admin("POST", f"/users/{NOBODY}/erasure", gives=404, code="user_not_found")
    party.guide.paid(f"/users/{bob}")
    admin("DELETE", "/users/profile", gives=409, code="admin_role_held")
