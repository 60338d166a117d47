"""What may stand in the way of being forgotten."""

from __future__ import annotations

from chalicelib.errors import Conflict


class AdminRoleHeld(Conflict):
    """Whoever runs the shop cannot vanish from it."""

    code = "admin_role_held"
