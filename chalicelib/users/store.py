"""Users in the table: the profile, the address that makes an email unique, and how many admins there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from chalicelib.aws import db, keys
from chalicelib.core import ids, log, settings
from chalicelib.users.errors import EmailTaken, LastAdmin
from chalicelib.users.models import AuditEntry, User
from chalicelib.users.schemas import UserQuery, UserStatus

_FOREVER = 253_402_300_799  # the end of the year 9999, where time to live would be a number too


def create(user: User, *also: db.Write, actor: str) -> None:
    """Write a new user and take the address, or raise `EmailTaken`; what refuses one of `also` comes first."""
    admin = [_count_admin(1)] if user.is_acting_admin else []
    db.commit(*also, db.insert(keys.user(user.user_id), _to_item(user, actor)), _take_address(user), *admin)


def get(user_id: str, *, consistent: bool = False) -> User | None:
    """The user with that id."""
    item = db.get(keys.user(user_id), consistent=consistent) if ids.is_valid("usr", user_id) else None
    return _from_item(item) if item else None


def get_many(user_ids: Iterable[str]) -> dict[str, User]:
    """The users with those ids, in one round trip for up to a hundred."""
    items = db.get_many(keys.user(user_id) for user_id in user_ids)
    return {item["userId"]: _from_item(item) for item in items.values()}


def key(user_id: str) -> keys.Key:
    """What to read for a user together with other things."""
    return keys.user(user_id)


def find(items: Mapping[keys.Key, db.Item], user_id: str) -> User | None:
    """The user among items that were read by their keys."""
    item = items.get(keys.user(user_id))
    return _from_item(item) if item else None


def require_standing(user_id: str) -> db.Write:
    """Hold a commit to the user being there and in standing (`User.is_in_standing`), or else to `db.Stale` (F22)."""
    return db.check(
        keys.user(user_id),
        "#status = :active AND attribute_not_exists(erasureAskedAt)",
        {":active": UserStatus.ACTIVE},
        names={"#status": "status"},
        otherwise=db.Stale(user_id),
    )


def get_by_email(email: str) -> User | None:
    """The user who holds the address: two round trips, both up to date."""
    address = db.get(keys.email_lock(email), consistent=True)
    return get(address["userId"], consistent=True) if address and "userId" in address else None


def update(before: User, after: User, *, actor: str, reason: str | None = None) -> tuple[db.Write, ...]:
    """The writes that turn one state of a user into the next, or `db.Stale` when it is not the last one.

    Addresses move with the email, and the number of admins with whoever becomes or ceases to be one.
    """
    profile = db.put(
        keys.user(before.user_id),
        {**_to_item(after, actor), "changeReason": reason},
        condition="version = :version AND sessionsOpened = :opened",
        values={":version": before.version, ":opened": before.sessions_opened},
        otherwise=db.Stale(before.user_id),
    )
    moved = before.email != after.email or after.status is UserStatus.DELETED
    free = [db.delete(keys.email_lock(before.email))] if moved and before.status is not UserStatus.DELETED else []
    taken = [_take_address(after)] if before.email != after.email and after.is_active else []
    delta = after.is_acting_admin - before.is_acting_admin
    return (profile, *free, *taken, *([_count_admin(delta)] if delta else []))


def require_another_admin(user: User) -> tuple[db.Write, ...]:
    """Hold a commit to there being another admin than this user, if they are one, or else to `LastAdmin`."""
    more = {":one": 1}
    return (db.check(keys.admins(), "admins > :one", more, otherwise=_last_admin()),) if user.is_acting_admin else ()


def record_login(user: User, *, moving_to: str | None = None, otherwise: Exception) -> db.Write:
    """The write that counts a login, provided that the user is active and was not logged out everywhere since.

    `moving_to` is a newer hash of the same password, which a change of the password would have made stale: it logs out.
    """
    moved: dict[str, Any] = {":hash": moving_to} if moving_to else {}
    return db.update(
        keys.user(user.user_id),
        "SET sessionsOpened = sessionsOpened + :one" + (", passwordHash = :hash" if moved else ""),
        {":one": 1, ":active": UserStatus.ACTIVE, ":version": user.session_version, **moved},
        names={"#status": "status"},
        condition="#status = :active AND sessionVersion = :version",
        otherwise=otherwise,
    )


def list_page(query: UserQuery, *, after: str | None) -> tuple[list[User], str | None]:
    """A page of users, newest first, one round trip a shard; filters shorten it."""
    shards = [keys.users(shard) for shard in range(settings.current().index_shards)]
    found = db.query_shards(db.GSI2, shards, limit=query.limit, after=after, where=_filter(query))
    return [_from_item(item) for item in found.items], found.after


class ErasureWanted(NamedTuple):
    """Who asked to be erased, and when."""

    user_id: str
    asked_at: str


def list_to_erase(*, limit: int, after: str | None) -> tuple[list[ErasureWanted], str | None]:
    """A page of the users whose erasure was asked for and is not over, one round trip a shard."""
    shards = [keys.erasures(shard) for shard in range(settings.current().index_shards)]
    found = db.query_shards(db.GSI1, shards, limit=limit, after=after)
    return [ErasureWanted(item["userId"], item["erasureAskedAt"]) for item in found.items], found.after


def unmark_erasure(user_id: str) -> db.Write:
    """The write that takes an erased user off the list; what a reader can see of them stays as it is."""
    return db.update(
        keys.user(user_id), "REMOVE erasureAskedAt, askedAs, GSI1PK, GSI1SK", {":deleted": UserStatus.DELETED},
        condition="#status = :deleted", names={"#status": "status"},
    )  # fmt: skip


def record_audit(entry: AuditEntry, event_id: str) -> db.Write:
    """The write of one line of history; writing it again changes nothing."""
    return db.put(keys.audit_entry(entry.user_id, entry.at, event_id), msgspec.to_builtins(entry))


def list_history(user_id: str, *, limit: int, after: str | None) -> tuple[list[AuditEntry], str | None]:
    """A page of a user's history, newest first."""
    pk = keys.audit_entry(user_id, "", "").pk
    found = db.query(db.TABLE, pk, limit=limit, after=after, newest_first=True)
    return [msgspec.convert(item, AuditEntry) for item in found.items], found.after


def list_reasons(user_id: str, *, limit: int, after: str | None) -> tuple[list[keys.Key], str | None]:
    """A page of the keys of those lines of a user's history that say in words why, up to date."""
    with_reason = db.Filter("attribute_exists(reason)", {}, {})
    pk = keys.audit_entry(user_id, "", "").pk
    found = db.query(db.TABLE, pk, limit=limit, after=after, where=with_reason, consistent=True)
    return [keys.Key(item["PK"], item["SK"]) for item in found.items], found.after


def forget_reason(key: keys.Key) -> db.Write:
    """The write that takes the words out of a line of history."""
    return db.update(key, "REMOVE reason", {})


def _take_address(user: User) -> db.Write:
    taken = EmailTaken("An account with this email address exists already; log in instead.")
    return db.put(
        keys.email_lock(user.email),
        {"userId": user.user_id, "failures": 0, "keepUntil": _FOREVER},
        condition="attribute_not_exists(userId)",
        otherwise=taken,
    )


def _count_admin(delta: int) -> db.Write:
    """The write that counts admins up or down, never below one."""
    if delta > 0:
        one_more = "SET admins = if_not_exists(admins, :zero) + :one"
        return db.update(keys.admins(), one_more, {":zero": 0, ":one": 1}, condition="")
    one_less, values = "SET admins = admins - :one", {":one": 1}
    return db.update(keys.admins(), one_less, values, condition="admins > :one", otherwise=_last_admin())


def _last_admin() -> LastAdmin:
    return LastAdmin("This is the last admin; make somebody else an admin first.")


def _filter(query: UserQuery) -> db.Filter | None:
    wanted: list[tuple[str, dict[str, Any], dict[str, str]]] = [
        ("#status = :status", {":status": query.status}, {"#status": "status"}),
        ("contains(#roles, :role)", {":role": query.role}, {"#roles": "roles"}),
        ("emailMark.#status = :emailStatus", {":emailStatus": query.email_status}, {"#status": "status"}),
    ]
    found = [each for each in wanted if all(each[1].values())]
    values = {name: value for _, given, _ in found for name, value in given.items()}
    names = {name: attribute for _, _, given in found for name, attribute in given.items()}
    return db.Filter(" AND ".join(part for part, _, _ in found), values, names) if found else None


def _to_item(user: User, actor: str) -> dict[str, Any]:
    shard = ids.shard(user.user_id, settings.current().index_shards)
    index = {
        "GSI2PK": keys.users(shard),
        "GSI2SK": f"{user.created_at}#{user.user_id}",
    }
    if user.erasure_asked_at:
        index |= {"GSI1PK": keys.erasures(shard), "GSI1SK": f"{user.erasure_asked_at}#{user.user_id}"}
    return {**msgspec.to_builtins(user), **index, "updatedBy": actor, "correlationId": log.correlation_id()}


def _from_item(item: db.Item) -> User:
    return msgspec.convert(item, User)
