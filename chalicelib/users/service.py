"""What can be done with users, in the order of the business."""

from __future__ import annotations

from chalicelib import log
from chalicelib.access import Role
from chalicelib.idempotency import Claim
from chalicelib.users import passwords, store
from chalicelib.users.models import NoSuchUser, Registration, User, UserView


def register(new: Registration, claim: Claim) -> UserView:
    """Open a customer's account, or raise `EmailTaken`."""
    user = User.register(new, passwords.hash_of(new.password), Role.CUSTOMER)
    store.add(user, *claim.receipt(user.view()))
    log.info("USER_REGISTERED", registeredUserId=user.user_id)
    return user.view()


def profile(user_id: str) -> UserView:
    """A user as the API shows them, or `NoSuchUser`."""
    user = store.get(user_id)
    if user is None:
        raise NoSuchUser("There is no such user.")
    return user.view()
