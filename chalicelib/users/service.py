"""What can be done with users that ends no session, in the order of the business."""

from __future__ import annotations

import msgspec

from chalicelib.api.idempotency import Claim
from chalicelib.aws import db, rate_limits
from chalicelib.core import log
from chalicelib.core.errors import Forbidden
from chalicelib.core.principal import Principal, Role
from chalicelib.users import addresses, passwords, phones, store
from chalicelib.users.errors import EmailTaken, NoSuchUser
from chalicelib.users.models import AuditEntry, User
from chalicelib.users.reach import EmailMark
from chalicelib.users.schemas import ProfileChange, Registration, UserQuery
from chalicelib.users.views import UserView, user_view


def register(new: Registration, *, source: str, claim: Claim) -> UserView:
    """Open a customer's account, or raise `EmailTaken`; asking for taken ones too often is `LimitReached`."""
    user = User.create(new, passwords.hash_password(new.password), [Role.CUSTOMER], claim.scope)
    try:
        store.create(user, *claim.record(user_view(user)), actor=user.user_id)
    except EmailTaken:
        rate_limits.take("email_taken", f"ip {source}")
        raise
    log.info("USER_REGISTERED", registeredUserId=user.user_id)
    return user_view(user)


def get(user_id: str, viewer: Principal) -> User:
    """A user whom the viewer may see: themselves, or anybody for an admin."""
    if not viewer.is_admin and viewer.user_id != user_id:
        raise Forbidden("This needs the admin role.")
    user = store.get(user_id)
    if user is None:
        raise NoSuchUser("There is no such user.")
    return user


def list_page(query: UserQuery, after: str | None) -> tuple[list[UserView], str | None]:
    """Users, newest first."""
    users, following = store.list_page(query, after=after)
    return [user_view(user) for user in users], following


def update(user_id: str, change: ProfileChange, *, actor: Principal, if_match: str | None) -> User:
    """Change names, phone and addresses at once, and the email once its new holder confirms it."""
    change = _judged(change)

    def attempt() -> User:
        user = get(user_id, actor)
        user.require_match(if_match)
        changed = user.with_profile(change)
        if changed.asks_to_confirm(user):
            rate_limits.take("email_change", user_id)
        if changed.pending_email and changed.pending_email != user.pending_email:
            _refuse_taken(changed.pending_email)
        if changed is not user:
            db.commit(*store.update(user, changed, actor=actor.user_id))
        return changed

    return db.retry_on_conflict(attempt)


def mark_email(email: str, mark: EmailMark, *, sent_at: str, actor: str) -> bool:
    """Note what the mail service told of a mail that was sent then to that address; tells whether it is news.

    It is none about an address that nobody has, or whose holder has come to it or confirmed it since.
    """

    def attempt() -> bool:
        user = store.get_by_email(email)
        if user is None or user.email != email or not user.had_email_at(sent_at):
            return False
        marked = user.with_email_mark(mark)
        if marked is not user:
            db.commit(*store.update(user, marked, actor=actor))
        return marked is not user

    return db.retry_on_conflict(attempt)


def list_history(user_id: str, *, limit: int, after: str | None) -> tuple[list[AuditEntry], str | None]:
    """Who changed what about a user and when, newest first."""
    if store.get(user_id) is None:
        raise NoSuchUser("There is no such user.")
    return store.list_history(user_id, limit=limit, after=after)


def _judged(change: ProfileChange) -> ProfileChange:
    """The change with its addresses as they are kept, or `Invalid` with every faulty part of them and of the phone."""
    given = {f"addresses[{n}]": each for n, each in enumerate(change.addresses or ())}
    kept = addresses.judged(given, also=phones.faults("phone", change.phone or None))
    return msgspec.structs.replace(change, addresses=tuple(kept.values())) if kept else change


def _refuse_taken(email: str) -> None:
    if store.get_by_email(email):
        raise EmailTaken("Another account has this email address.")
