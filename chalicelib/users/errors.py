"""What can stand in the way of a change of users, and what its caller can do about it."""

from __future__ import annotations

from chalicelib.core.errors import Conflict, NotFound, PreconditionFailed


class EmailTaken(Conflict):
    """Somebody has this address already."""

    code = "email_taken"


class NoSuchUser(NotFound):
    """No user has that id, or none that the caller may see."""

    code = "user_not_found"


class UserChanged(PreconditionFailed):
    """The user is not what the caller's If-Match says."""

    code = "user_changed"


class LastAdmin(Conflict):
    """Without this admin the shop would have none."""

    code = "last_admin"


class InvalidStatus(Conflict):
    """A user's status does not go that way."""

    code = "invalid_transition"


class AdminRoleHeld(Conflict):
    """Whoever runs the shop cannot vanish from it by their own hand."""

    code = "admin_role_held"


class ErasureScheduled(Conflict):
    """Who has asked to be erased cannot order any more, until they take that back."""

    code = "erasure_scheduled"
