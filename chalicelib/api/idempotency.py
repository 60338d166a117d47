"""Requests that may be sent twice: the record of what became of an Idempotency-Key (rules I1 to I6).

The record is written in the transaction of the effect, so a first use costs no read. Only when a request fails
is the record looked for: the failure may just mean that the effect has happened already.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.aws import db, keyring, keys
from chalicelib.core import clock, ids
from chalicelib.core.errors import Conflict, Invalid, Unprocessable

_TTL_SECONDS = 24 * 3600
_PURPOSE = "idempotency"  # the fingerprint is keyed: a body may hold a password, and a plain hash could be guessed
_KEY = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,254}")
_FREE = "attribute_not_exists(PK) OR expiresAt <= :now"
_ABANDONED_AFTER_SECONDS = 60
# They stand for a status, which an answer that is not kept does not have.
_ABANDONED = 1
_FORGOTTEN = 2


class MalformedKey(Invalid):
    """The header is not a key."""

    code = "invalid_idempotency_key"


class KeyReused(Unprocessable):
    """One key, two different requests."""

    code = "idempotency_key_reused"


class InProgress(Conflict):
    """The first request with this key is still being worked on."""

    code = "request_in_progress"
    retry_after = 1


class Claimed(Conflict):
    """The key has a record: an earlier request with it had its effect."""

    code = "idempotency_key_in_use"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record says: the answer, or the subject that is being worked on; `claim` is the one that made it."""

    status: int
    body: str | None
    subject: str
    created_at: int
    claim: Claim

    @property
    def is_forgotten(self) -> bool:
        """Was there an answer that told of somebody who is erased by now?"""
        return self.body is None and not self.subject

    @property
    def is_abandoned(self) -> bool:
        """Has its owner let go of it, or had more time than any request gets?"""
        is_late = clock.epoch() - self.created_at > _ABANDONED_AFTER_SECONDS
        return self.body is None and (self.status in (_ABANDONED, _FORGOTTEN) or is_late)


@dataclass(frozen=True, slots=True)
class Claim:
    """One request's hold on its key; without a key it writes nothing.

    `render` turns a result or an error into the status and the body that the caller gets. `former` is the claim that
    version 0.1 made of the same request, whose record counts as well.
    """

    scope: str | None
    request: str
    render: Callable[[Any], tuple[int, str]]
    former: Claim | None = None

    def record(self, outcome: Any) -> tuple[db.Write, ...]:
        """The write that records the final answer together with its effect."""
        status, body = self.render(outcome)
        return self._insert(status=status, body=_packed(body))

    def start(self, subject: str) -> tuple[db.Write, ...]:
        """The write that records that `subject` now exists and is still being worked on."""
        return self._insert(subject=subject)

    def finish(self, outcome: Any) -> tuple[db.Write, ...]:
        """The write that records the answer of a request that was started before."""
        if self.scope is None:
            return ()
        status, body = self.render(outcome)
        values = {":status": status, ":body": _packed(body)}
        changed = "SET #status = :status, body = :body"
        return (db.update(keys.idempotency(self.scope), changed, values, names={"#status": "status"}),)

    def abandon(self) -> tuple[db.Write, ...]:
        """The write that records that a request is over whose answer is not to be kept, but found out anew."""
        if self.scope is None:
            return ()
        values = {":status": _ABANDONED}
        return (db.update(keys.idempotency(self.scope), "SET #status = :status", values, names={"#status": "status"}),)

    def finish_now(self, outcome: Any) -> None:
        """Record the answer of a request whose process died before it could; what is forgotten stays so."""
        if self.scope is None:
            return
        status, body = self.render(outcome)
        kept = db.update(
            keys.idempotency(self.scope), "SET #status = :status, body = :body",
            {":status": status, ":body": _packed(body), ":forgotten": _FORGOTTEN},
            condition="attribute_exists(PK) AND (attribute_not_exists(#status) OR #status <> :forgotten)",
            names={"#status": "status"},
        )  # fmt: skip
        with suppress(db.Stale):
            db.commit(kept)

    def find(self) -> Recorded | None:
        """What became of an earlier request with this key, if there was one.

        Raises `KeyReused` when that one asked for something else.
        """
        item = db.get(keys.idempotency(self.scope), consistent=True) if self.scope else None
        if item is None or item["expiresAt"] <= clock.epoch():
            return self.former.find() if self.former else None
        if not keyring.is_sealed(self.request, item["fingerprint"], purpose=_PURPOSE):
            raise KeyReused("This Idempotency-Key was used for a different request; take a new one.")
        return Recorded(item.get("status", 0), _unpacked(item), item.get("subject", ""), item["createdAt"], self)

    def _insert(self, **outcome: Any) -> tuple[db.Write, ...]:
        if self.scope is None:
            return ()
        now = clock.epoch()
        record = {
            "fingerprint": keyring.seal(self.request, purpose=_PURPOSE),
            "createdAt": now,
            "expiresAt": now + _TTL_SECONDS,
            **outcome,
        }
        free: dict[str, Any] = {"values": {":now": now}, "otherwise": _claimed()}
        inserted = db.put(keys.idempotency(self.scope), record, condition=_FREE, **free)
        if self.former is None or self.former.scope is None:
            return (inserted,)
        return (inserted, db.check(keys.idempotency(self.former.scope), _FREE, **free))


def forget(scope: str) -> None:
    """Leave nothing of an answer that told of somebody who is erased now; safe to repeat.

    That there was one stays on record: nobody's repeat may pay or open an account a second time.
    """
    changed = "SET #status = :status REMOVE body"
    with suppress(db.Stale):  # its time is over
        db.commit(db.update(keys.idempotency(scope), changed, {":status": _FORGOTTEN}, names={"#status": "status"}))


def _packed(body: str) -> bytes:
    """An answer as it is kept: an item costs by the kilobyte, and an order's answer packed is less than one."""
    return zlib.compress(body.encode(), 9)


def _unpacked(item: db.Item) -> str | None:
    """The answer that was packed so, or that an earlier version kept as it was."""
    kept: bytes | str | None = item.get("body")
    return zlib.decompress(kept).decode() if isinstance(kept, bytes) else kept


NO_CLAIM = Claim(None, "", lambda _outcome: (0, ""))


def claim(
    header: str | None,
    *,
    scope: str,
    named: Mapping[str, str],
    request: Callable[[], str],
    render: Callable[[Any], tuple[int, str]],
) -> Claim:
    """The claim of a request: `scope` is whose and which route, `named` what path and query say, `request` the body.

    What the path names belongs to what is asked for, not to the scope: one key asks for one thing (I2, I3). Raises
    `MalformedKey` for a header that is not 1 to 255 printable ASCII characters (I1).
    """
    if header is None:
        return Claim(None, "", render)
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _KEY.fullmatch(key):
        raise MalformedKey("Idempotency-Key must be 1 to 255 printable ASCII characters.")
    asked, names = request(), sorted(named.items())
    present = Claim(ids.digest(f"{scope} []\n{key}"), f"{names}\n{asked}" if names else asked, render)
    return replace(present, former=Claim(ids.digest(f"{scope} {names}\n{key}"), asked, render)) if names else present


def _claimed() -> Claimed:
    return Claimed("A request with this Idempotency-Key was already made.")
