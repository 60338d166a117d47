"""How often somebody does something: counted in fixed windows in the table, never more than allowed, at bounded cost.

A counter is one item for a limit, a window and a caller, so callers never wait for each other. It grows by conditional
updates alone. An instance takes several uses at once, ever more for a caller who goes on (a lease), and remembers which
callers have no more, so that neither a busy caller nor a refused one costs a write a request. What an instance leaves
of its lease is lost: a caller may be refused a little early, by an eighth of the quota for each instance, never late.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.aws import db, keys
from chalicelib.core import clock, ids, settings
from chalicelib.core.errors import TooManyRequests
from chalicelib.core.quotas import Quota

MAX_REMEMBERED = 10_000  # counters an instance, each some 300 bytes
_SWEPT_EACH_SECONDS = 60
LEASED_PART = 8  # of a quota at most one in so many is taken at once
_TOO_OFTEN = "That was tried too often; try again later."


class LimitReached(TooManyRequests):
    """As often as allowed already in this window."""

    def __init__(self, counter: Counter, detail: str = _TOO_OFTEN) -> None:
        super().__init__(detail, retry_after=counter.seconds_left)
        self.counter = counter


@dataclass(frozen=True, slots=True)
class Counter:
    """One caller's uses of one limit in one window."""

    limit: str
    quota: Quota
    window: int
    who: str  # hashed

    @property
    def key(self) -> keys.Key:
        """Where it stands, to be read together with other things."""
        return keys.limit(self.limit, self.window, self.who)

    @property
    def seconds_left(self) -> int:
        """Until the window ends and counting starts anew; at least 1."""
        return max(1, (self.window + 1) * self.quota.seconds - clock.epoch())

    @property
    def has_ended(self) -> bool:
        """Is its window over?"""
        return (self.window + 1) * self.quota.seconds <= clock.epoch()

    def add(self, uses: int, *, otherwise: Exception | None = None) -> db.Write:
        """The write that counts uses while one is left; of several, those beyond the quota are not given."""
        return db.update(
            self.key,
            "SET hits = if_not_exists(hits, :zero) + :uses, expiresAt = :end",
            {":zero": 0, ":uses": uses, ":most": self.quota.most, ":end": (self.window + 2) * self.quota.seconds},
            condition="attribute_not_exists(hits) OR hits < :most",
            otherwise=otherwise or LimitReached(self),
        )

    def left_in(self, item: db.Item | None) -> int:
        """How many uses are left by an item that was read by `key`."""
        return max(0, self.quota.most - int(item["hits"])) if item else self.quota.most


@dataclass(slots=True)
class _Known:
    """What an instance knows of a counter: uses that it has taken and not given, what was left, the next lease."""

    leased: int = 0
    left: int | None = None
    next_lease: int = 1


class Memory:
    """What one instance remembers of counters that were used here, while their windows last and there is room.

    What has ended is dropped once a minute, so that it does not push out what still counts.
    """

    def __init__(self, room: int = MAX_REMEMBERED) -> None:
        self._room = room
        self._known: OrderedDict[Counter, _Known] = OrderedDict()
        self._lock = threading.Lock()
        self._swept_at = 0

    def use_leased(self, counter: Counter) -> bool:
        """Is one of the uses that were taken before left for this? Raises `LimitReached` where none can be had."""
        with self._lock:
            known = self._known.get(counter)
            if known and known.leased:
                self._known.move_to_end(counter)
                known.leased -= 1
                return True
            if known and known.left == 0:
                raise LimitReached(counter)
            return False

    def take(self, counter: Counter, *, leasing: bool = True) -> None:
        """Use one, out of a lease or with another; one write. Raises `LimitReached`, which costs nothing once known."""
        if self.use_leased(counter):
            return
        with self._lock:
            size = self._known.get(counter, _Known()).next_lease if leasing else 1
        try:
            hits = int(db.update_and_get(counter.add(size))["hits"])
        except LimitReached:
            self.note(counter, left=0)
            raise
        beyond = max(0, hits - counter.quota.most)
        with self._lock:
            known = self._of(counter)
            known.leased += size - beyond - 1
            known.left = _fewer(known.left, counter.quota.most - hits)
            known.next_lease = min(2 * size, max(1, counter.quota.most // LEASED_PART))

    def give_back(self, counter: Counter) -> None:
        """Hold one that was taken for the caller's next use; the table keeps it as counted."""
        with self._lock:
            self._of(counter).leased += 1

    def note(self, counter: Counter, *, left: int) -> None:
        """Remember what the table says is left beside this instance's lease; within a window it only falls."""
        with self._lock:
            known = self._of(counter)
            known.left = _fewer(known.left, left)

    def left(self, counter: Counter) -> int | None:
        """How many more the caller can have as far as is known here; None where it is not known."""
        with self._lock:
            known = self._known.get(counter)
            return None if known is None or known.left is None else known.left + known.leased

    def forget(self) -> None:
        """Remember nothing."""
        with self._lock:
            self._known.clear()

    def _of(self, counter: Counter) -> _Known:
        known = self._known.setdefault(counter, _Known())
        self._known.move_to_end(counter)
        self._sweep()
        if len(self._known) > self._room:
            self._known.popitem(last=False)
        return known

    def _sweep(self) -> None:
        now = clock.epoch()
        if now - self._swept_at >= _SWEPT_EACH_SECONDS:
            self._swept_at = now
            for ended in [each for each in self._known if each.has_ended]:
                del self._known[ended]


def _fewer(known: int | None, left: int) -> int:
    return max(0, left if known is None else min(known, left))


memory = Memory()


class Use:
    """One use that travels with the transaction of what it is for, so that it costs no call of its own.

    Where the instance holds a lease, nothing travels. Whoever does the work reads `to_read` with what it reads anyway,
    lets `require` judge them, and commits `writes` with its own.
    """

    def __init__(self, counter: Counter | None) -> None:
        self.counter = counter
        self.travels = counter is not None and not memory.use_leased(counter)

    @property
    def to_read(self) -> tuple[keys.Key, ...]:
        """What to read along, consistently."""
        return (self.counter.key,) if self.counter and self.travels else ()

    def require(self, items: Mapping[keys.Key, db.Item]) -> None:
        """Raise `LimitReached` where the items that were read say that nothing is left, before anything is written."""
        if self.counter is None or not self.travels:
            return
        left = self.counter.left_in(items.get(self.counter.key))
        if not left:
            raise LimitReached(self.counter)  # remembered once it is told: there may be a replay to give instead
        memory.note(self.counter, left=left)

    def writes(self) -> tuple[db.Write, ...]:
        """What to commit along; it raises `LimitReached` when others have used what was left."""
        return (self.counter.add(1),) if self.counter and self.travels else ()

    def take(self) -> None:
        """Count it by itself, where what it was for came to nothing."""
        if self.counter and self.travels:
            memory.take(self.counter)
            self.travels = False

    def give_back(self) -> None:
        """Do without it, where what it was for had been done before."""
        if self.counter and not self.travels:
            memory.give_back(self.counter)
        self.travels = False

    @property
    def left(self) -> int | None:
        """How many more there are once this one is counted; None where that is not known."""
        left = memory.left(self.counter) if self.counter else None
        return left if left is None or not self.travels else max(0, left - 1)


UNLIMITED = Use(None)


def counter(limit: str, who: str, *, quota: Quota | None = None) -> Counter:
    """Where the uses of a limit by `who` are counted now; `quota` is that of a rule which no stage may change."""
    allowed = quota or settings.current().rate_limits[limit]
    return Counter(limit, allowed, clock.epoch() // allowed.seconds, ids.digest(who))


def take(limit: str, who: str) -> None:
    """Use exactly one of what a limit allows `who`, or raise `LimitReached`."""
    memory.take(counter(limit, who), leasing=False)


def require_unknown(limit: str, who: str) -> None:
    """Raise `LimitReached` where this instance knows that `who` has used all of a limit; asks nobody."""
    asked = counter(limit, who)
    if memory.left(asked) == 0:
        raise LimitReached(asked)
