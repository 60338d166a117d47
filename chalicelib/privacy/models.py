"""What may stand in the way of being forgotten."""

from __future__ import annotations

from chalicelib.core.errors import Conflict


class AdminRoleHeld(Conflict):
    """Whoever runs the shop cannot vanish from it."""

    code = "admin_role_held"


class OrdersOpen(Conflict):
    """Something is still to be delivered to the address that should be forgotten."""

    code = "orders_open"
