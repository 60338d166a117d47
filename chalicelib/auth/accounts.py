"""What changes a user's standing, and with it ends their sessions: passwords, addresses, roles, status (A3).

Each is one transaction of the user's new state and the end of every session, conditional on no login having
happened since the sessions were listed.
"""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.api.idempotency import Claim
from chalicelib.auth import attempts, store
from chalicelib.auth.models import InvalidOneTimeToken, WrongPassword
from chalicelib.auth.schemas import PasswordChange
from chalicelib.aws import db, keyring, keys, rate_limits
from chalicelib.core import clock, ids, log
from chalicelib.core.errors import require_none
from chalicelib.core.principal import Principal, Role
from chalicelib.core.quotas import Quota
from chalicelib.users import passwords, phones
from chalicelib.users import store as user_store
from chalicelib.users.emails import to_look_up
from chalicelib.users.errors import AdminRoleHeld, EmailTaken, NoSuchUser
from chalicelib.users.models import User
from chalicelib.users.schemas import NewUser, StatusChange, UserStatus
from chalicelib.users.views import UserView, user_view

_RESETS = Quota(3, 3600)  # for one account, which no stage may change (W1)
_RESET_SECONDS = 30 * 60
_RESET = "reset"
_INVITATION = "invitation"
_VERIFY = "verify"
_WRONG = "The old password is wrong."
_STALE = "This token is not valid any more; ask for a new one."


def create(new: NewUser, *, actor: Principal, claim: Claim) -> User:
    """Open an account for somebody; without a password they are invited by mail to choose one."""
    require_none(*phones.faults("phone", new.phone))
    user = User.create(new, passwords.hash_password(new.password) if new.password else None, new.roles, claim.scope)
    invitation = [] if new.password else [_reset_request(user.email, purpose=_INVITATION)]
    user_store.create(user, *invitation, *claim.record(user_view(user)), actor=actor.user_id)
    log.info("USER_CREATED", createdUserId=user.user_id)
    return user


def set_status(user_id: str, change: StatusChange, *, actor: Principal) -> UserView:
    """Enable, disable or delete a user; the reason goes into the history."""
    return user_view(
        _change(user_id, lambda user: user.with_status(change.status), actor=actor.user_id, reason=change.reason)
    )


def delete(user_id: str, *, actor: Principal) -> None:
    """Delete a user, or raise `NoSuchUser` where there is none to delete."""

    def deleted(user: User) -> User:
        if user.status is UserStatus.DELETED:
            raise NoSuchUser("There is no such user.")
        return user.with_status(UserStatus.DELETED)

    _change(user_id, deleted, actor=actor.user_id)


def grant_role(user_id: str, role: Role, *, actor: Principal) -> UserView:
    """Give a user a role."""
    return user_view(_change(user_id, lambda user: user.with_roles({*user.roles, role}), actor=actor.user_id))


def withdraw_role(user_id: str, role: Role, *, actor: Principal) -> UserView:
    """Take a role from a user; an active admin remains (`LastAdmin`), and everybody remains a customer."""
    return user_view(
        _change(user_id, lambda user: user.with_roles({*user.roles} - {role} or {Role.CUSTOMER}), actor=actor.user_id)
    )


def appoint_admin(new: NewUser, *, actor: str) -> User:
    """Make whoever has the address an admin, in a new account if they have none; the same again changes nothing.

    The password counts only where there is none to be trusted (`User.as_admin`). For who runs a stage, such as its
    first admin, whom nobody could call a route for; whoever has no password then is to be invited (`invite`).
    """
    new_hash = passwords.hash_password(new.password) if new.password else None

    def attempt() -> User:
        found = user_store.get_by_email(new.email)
        if found:
            return _change(found.user_id, lambda user: user.as_admin(new_hash), actor=actor)
        user = User.create(new, new_hash, {*new.roles, Role.ADMIN})
        try:
            user_store.create(user, actor=actor)
        except EmailTaken:
            raise db.Stale(new.email) from None  # just now, by somebody who is looked at next
        return user

    return db.retry_on_conflict(attempt)


def invite(user: User) -> bool:
    """Invite a user by mail to choose a password, unless an invitation is open; tells whether one is new."""
    try:
        db.commit(_reset_request(user.email, purpose=_INVITATION, unless_open=True))
    except db.Stale:
        return False
    return True


def ask_for_erasure(user_id: str, *, actor: Principal, may_be_admin: bool) -> User:
    """Schedule that a user be erased; from then on they order nothing (F22).

    Raises `AdminRoleHeld` for an admin who may not be one, and `LastAdmin` for the last.
    """

    def asked(user: User) -> User:
        if user.is_acting_admin and not may_be_admin:
            raise AdminRoleHeld("An admin cannot be forgotten; give up the admin role first.")
        return user.with_erasure_asked_for()

    return _change(user_id, asked, actor=actor.user_id, hold=user_store.require_another_admin)


def revoke_erasure(user_id: str, *, actor: Principal) -> User:
    """Let a user stay after all, whom nobody has erased yet."""
    return _change(user_id, lambda user: user.with_erasure_revoked(), actor=actor.user_id)


def erase(user_id: str, *, actor: str, unless: Callable[[], bool]) -> User:
    """Close the account of somebody whose erasure is scheduled and forget who they were, unless that still holds.

    The user as they are then. `unless` is asked after the user was read, and whatever changes them later makes it be
    asked again: so it is still true of who is erased, and a revocation at the same moment wins or comes too late.
    """

    def erased(user: User) -> User:
        return user.erased() if user.erasure and not unless() else user

    return _change(user_id, erased, actor=actor, hold=_forget_reset)


def log_out_everywhere(principal: Principal) -> None:
    """End all sessions of the caller."""
    # The caller's own session ends too, so it cannot be held to in the same transaction.
    if store.is_open(principal.user_id, principal.session_id):
        _change(principal.user_id, lambda user: user.with_sessions_ended(), actor=principal.user_id)


def change_password(change: PasswordChange, principal: Principal) -> None:
    """Set a new password and end all other sessions, or raise `WrongPassword`."""
    user = user_store.get(principal.user_id, consistent=True)
    if user is None or not passwords.matches(change.old_password, user.password_hash):
        raise WrongPassword(_WRONG)
    new_hash, proven = passwords.hash_password(change.new_password), user.password_hash

    def changed(current: User) -> User:
        # Somebody else changed it while this one was looked at, or a login has moved it over.
        if current.password_hash != proven and not passwords.matches(change.old_password, current.password_hash):
            raise WrongPassword(_WRONG)
        return current.with_password(new_hash)

    held = store.require_open(principal, otherwise=store.invalid_token())
    asked = db.delete(keys.reset_request(ids.digest(user.email)))
    _change(user.user_id, changed, actor=user.user_id, keep=principal.session_id, also=(held, asked))


def request_password_reset(email: str) -> None:
    """Note that somebody wants to reset the password of an address: the same write whether anybody has it (W1).

    The mail, if there is a user to send it to, follows from the stream.
    """
    address = to_look_up(email)
    counted = rate_limits.counter("reset_mail", address, quota=_RESETS).add(1)
    try:
        db.commit(counted, _reset_request(address, purpose=_RESET))
    except rate_limits.LimitReached:
        log.info("RESET_LIMIT_REACHED")


def reset_password(token: str, password: str) -> None:
    """Set a new password by the token from a mail, once, and end all sessions (W1)."""
    email_hash = token.partition(".")[0]
    known = ids.is_digest(email_hash)
    request = db.get(keys.reset_request(email_hash), consistent=True) if known else None
    if request is None or request["expiresAt"] <= clock.epoch():
        raise InvalidOneTimeToken(_STALE)
    _require_proof(token, f"{email_hash} {request['nonce']}", purpose=_RESET)
    user = user_store.get_by_email(request["email"])
    if user is None:
        raise InvalidOneTimeToken(_STALE)
    new_hash = passwords.hash_password(password)

    def changed(current: User) -> User:
        if current.email != request["email"] or not current.is_active:
            raise InvalidOneTimeToken(_STALE)
        return current.with_password(new_hash)

    spent = db.delete(
        keys.reset_request(email_hash),
        condition="nonce = :nonce", values={":nonce": request["nonce"]}, otherwise=InvalidOneTimeToken(_STALE),
    )  # fmt: skip
    _change(user.user_id, changed, actor=user.user_id, also=(spent, attempts.reset(user.email, user.user_id)))


def verify_email(token: str) -> None:
    """Confirm an address by the token from a mail; a changed address moves now and ends all sessions (W3)."""
    user_id = token.partition(".")[0]

    def confirmed(user: User) -> User:
        if not user.is_active or not user.may_confirm_email:
            raise InvalidOneTimeToken(_STALE)
        _require_proof(token, _address_to_confirm(user), purpose=_VERIFY)
        return user.with_confirmed_email()

    try:
        _change(user_id, confirmed, actor=user_id, hold=lambda user: _forget_reset(user) if user.pending_email else ())
    except NoSuchUser:
        raise InvalidOneTimeToken(_STALE) from None


def reset_token(email: str, nonce: str) -> str:
    """The token that a reset mail carries; made from the request and our key, so the table alone does not give it."""
    email_hash = ids.digest(email)
    return f"{email_hash}.{keyring.seal(f'{email_hash} {nonce}', purpose=_RESET)}"


def verify_token(user: User) -> str:
    """The token that a verification mail carries."""
    return f"{user.user_id}.{keyring.seal(_address_to_confirm(user), purpose=_VERIFY)}"


def _address_to_confirm(user: User) -> str:
    return f"{user.user_id} {user.unconfirmed_email} {user.email_nonce}"


def _require_proof(token: str, content: str, *, purpose: str) -> None:
    """Raise `InvalidOneTimeToken` unless all behind the token's first part is our seal of that content."""
    if not keyring.is_sealed(content, token.partition(".")[2], purpose=purpose):
        raise InvalidOneTimeToken(_STALE)


def _forget_reset(user: User) -> tuple[db.Write, ...]:
    """The write that leaves nothing of a reset which was asked for at an address that is given up now."""
    # The address of somebody who was deleted before may be another's by now.
    is_theirs = user.status is not UserStatus.DELETED
    return (db.delete(keys.reset_request(ids.digest(user.email))),) if is_theirs else ()


def _reset_request(email: str, *, purpose: str, unless_open: bool = False) -> db.Write:
    """The write that notes a request, `unless_open` only where none of that purpose is open."""
    request = {"email": email, "nonce": ids.secret(), "purpose": purpose, "requestedAt": clock.timestamp()}
    expiry = {"expiresAt": clock.epoch() + _RESET_SECONDS, "correlationId": log.correlation_id()}
    return db.put(
        keys.reset_request(ids.digest(email)),
        {**request, **expiry},
        condition="attribute_not_exists(PK) OR expiresAt <= :now OR purpose <> :own" if unless_open else "",
        values={":now": clock.epoch(), ":own": purpose} if unless_open else None,
    )


def _change(
    user_id: str,
    change: Callable[[User], User],
    *,
    actor: str,
    keep: str | None = None,
    reason: str | None = None,
    also: tuple[db.Write, ...] = (),
    hold: Callable[[User], tuple[db.Write, ...]] = lambda _: (),
) -> User:
    """Bring a user into another state and end their sessions, in one transaction; nothing if nothing changes.

    `also` is written with it, and what `hold` makes of the user as they were.
    """

    def read() -> User:
        user = user_store.get(user_id, consistent=True)
        if user is None:
            raise NoSuchUser("There is no such user.")
        return user

    def write(before: User, after: User) -> tuple[db.Write, ...]:
        logged_out = after.session_version != before.session_version
        ending = store.end_all(user_id, keep=keep) if logged_out else []
        return (*user_store.update(before, after, actor=actor, reason=reason), *ending, *also, *hold(before))

    return db.change(read, change, write)
